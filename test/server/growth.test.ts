/** Growth over HTTP: what it would cost, by hand, and only when somebody approves it. */
import { join, dirname } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { loadLife } from 'burgeon/session'
import { describe, expect, test } from 'vitest'
import { running } from '../front-door/running.ts'
import { follow } from './follow.ts'
import { asking, lifeFolder, servedLife, smallServed } from './small-served.ts'

const settings = { ...servedLife, plateau: 8, maxParameters: 9000 }
const text = 'the quick brown fox jumps over the lazy dog. '.repeat(20)
const wider = { kind: 'widenMlp', block: 'b0', to: 24 }

/** A life that has learnt something to remember, and asks before it grows, or not. */
async function life(asks?: boolean) {
  const folder = await lifeFolder(settings)
  const made = await asking({}, await smallServed(folder, false, asks === undefined ? {} : { asks }))
  await made.ask('/v1/learn', { text })
  return { ...made, folder, saved: () => loadLife(nodeDisk(folder)) }
}

interface Growth {
  readonly waiting: readonly {
    id: number
    step: number
    decision: string | null
    request: { kind: string }
  }[]
  readonly log: readonly Readonly<Record<string, unknown>>[]
  readonly parameters: number
}

test('a plan says what a request costs before and after, and nothing grows', async () => {
  const { ask, served } = await life()
  const { size } = served.model.parameters
  const { status, json } = await ask('/v1/growth/plan', { request: wider })
  expect(status).toBe(200)
  const { before, after } = json as unknown as Record<'before' | 'after', Readonly<Record<string, number>>>
  expect(before['parameters']).toBe(size)
  expect(after['parameters']).toBe(size + 8 * (2 * 16 + 1))
  expect(before['weight_bytes']).toBe(4 * size)
  // Adam's moments, and the anchor and importance of EWC.
  expect(before['state_bytes']).toBeGreaterThanOrEqual(8 * size)
  expect(after['state_bytes'] / before['state_bytes']).toBeCloseTo(after['parameters'] / size, 6)
  expect(json['within_budget']).toBe(true)
  expect(served.model.parameters.size).toBe(size)
  const far = await ask('/v1/growth/plan', { request: { ...wider, to: 2000 } })
  expect(far.json['within_budget']).toBe(false)
})

test('growth by hand happens now, is told, in the log, and on disk when it is answered', async () => {
  const { app, ask, served, saved } = await life()
  const { size } = served.model.parameters
  const followed = await follow(app)
  const { status, json } = await ask('/v1/growth', { request: wider, reason: 'more notes come' })
  expect(status).toBe(200)
  expect(json).toMatchObject({ id: 1, status: 'grown', saved: true, parameters: size + 264, step: 5 })
  const heard = await followed.until(({ name }) => name === 'learner')
  expect(heard.at(-1)?.data).toEqual(json['event'])
  expect((json['event'] as { data: { reason: string } }).data.reason).toMatch(/^more notes come/)
  await followed.leave()
  const growth = (await ask('/v1/growth')).json as unknown as Growth
  expect(growth).toMatchObject({
    ...{ parameters: size + 264, approval: false, waiting: [] },
    budget: { parameters: 9000, flops_per_token: null, bytes: null },
    log: [{ parameters_before: size, parameters_after: size + 264, taken_back: false }],
  })
  const { learner, record } = await saved()
  expect(learner.model.parameters.size).toBe(size + 264)
  expect(record.parameters.at(-1)?.parameters).toBe(size + 264)
  expect(record.events.map(({ event }) => event.kind)).toContain('growth')
})

test('what is too much, or cannot be, is refused and says why', async () => {
  const { ask } = await life()
  const over = await ask('/v1/growth', { request: { ...wider, to: 2000 } })
  expect([over.status, over.json.error?.code]).toEqual([409, 'over_budget'])
  for (const request of [
    { ...wider, block: 'b9' },
    { ...wider, to: 1 },
    { kind: 'widenMlp' },
    { ...wider, more: 1 },
  ]) {
    for (const path of ['/v1/growth', '/v1/growth/plan']) {
      const asked = await ask(path, { request })
      expect([asked.status, asked.json.error?.param], JSON.stringify(request)).toEqual([400, 'request'])
    }
  }
  const tokens = await ask('/v1/growth', { request: { kind: 'growVocabulary', tokens: [{ parts: [1, 2] }] } })
  expect([tokens.status, tokens.json.error?.param]).toEqual([400, 'request.kind'])
})

test('a life that remembers nothing yet grows with its first step', async () => {
  const { ask, served } = await asking({}, await smallServed(await lifeFolder(settings)))
  const { size } = served.model.parameters
  const asked = await ask('/v1/growth', { request: wider })
  expect([asked.status, asked.json['status'], asked.json['event']]).toEqual([202, 'waits', null])
  expect((await ask('/v1/growth', { request: wider })).json.error?.code).toBe('growth_waits')
  expect((await ask('/v1/growth/1', { decision: 'refuse' })).json.error?.code).toBe('growth_waits')
  await ask('/v1/learn', { text })
  expect(served.model.parameters.size).toBe(size + 264)
})

describe('on approval', () => {
  /** A life whose policy has asked. */
  async function waiting() {
    const own = await life(true)
    let growth: Growth | undefined
    for (let lesson = 0; growth === undefined || growth.waiting.length === 0; lesson++) {
      expect(lesson).toBeLessThan(100)
      await own.ask('/v1/learn', { text })
      growth = (await own.ask('/v1/growth')).json as unknown as Growth
    }
    return { ...own, growth }
  }

  test('what the policy asks for waits; approved, it grows; a decision is for one that waits', async () => {
    const { ask, served, growth, saved } = await waiting()
    const { size } = served.model.parameters
    expect(growth).toMatchObject({ approval: true, log: [], waiting: [{ id: 1, decision: null }] })
    expect((await saved()).record.events.map(({ event }) => event.kind)).toContain('growth waits')
    for (const id of ['2', '0', '-1', '1e0', '01', 'x', '%00', '1%20']) {
      const asked = await ask(`/v1/growth/${id}`, { decision: 'approve' })
      expect([asked.status, asked.json.error?.code], id).toEqual([404, 'not_waiting'])
    }
    expect((await ask('/v1/growth', { request: wider })).json.error?.code).toBe('growth_waits')
    for (const body of [{}, { decision: 'perhaps' }, { decision: 'approve', more: 1 }, [], null]) {
      expect((await ask('/v1/growth/1', body)).status, JSON.stringify(body)).toBe(400)
    }
    const { status, json } = await ask('/v1/growth/1', { decision: 'approve' })
    expect([status, json['status'], json['saved']]).toEqual([200, 'grown', true])
    expect(served.model.parameters.size).toBeGreaterThan(size)
    expect((await saved()).learner.model.parameters.size).toBe(served.model.parameters.size)
    expect((await ask('/v1/growth/1', { decision: 'approve' })).status).toBe(404)
  })

  test('refused, it stays as it is, and the journal on disk says so', async () => {
    const { ask, served, saved } = await waiting()
    const { size } = served.model.parameters
    const { json } = await ask('/v1/growth/1', { decision: 'refuse' })
    expect(json).toMatchObject({ status: 'refused', parameters: size, saved: true })
    expect((json['event'] as { summary: string }).summary).toMatch(/refused by hand/)
    const { learner, record } = await saved()
    expect(learner.journal.at(-1)).toMatchObject({ kind: 'growth refused' })
    expect(record.events.at(-1)?.event.kind).toBe('growth refused')
    expect((await ask('/v1/growth')).json).toMatchObject({ waiting: [], log: [] })
  })

  test('what waits is still there when the life is served again, and approval is asked for', async () => {
    const { app, growth, folder } = await waiting()
    await app.drain()
    const again = await asking({}, await smallServed(folder))
    expect((await again.ask('/v1/growth')).json).toMatchObject({ approval: true, waiting: growth.waiting })
    expect((await again.ask('/v1/growth/1', { decision: 'approve' })).json['status']).toBe('grown')
  })
})

test('a life that never grows says so, and so does the command line', async () => {
  const folder = await lifeFolder()
  const { ask } = await asking({}, await smallServed(folder))
  for (const [path, body] of [
    ['/v1/growth', undefined],
    ['/v1/growth', { request: wider }],
    ['/v1/growth/plan', { request: wider }],
    ['/v1/growth/1', { decision: 'approve' }],
  ] as const) {
    const asked = await ask(path, body)
    expect([asked.status, asked.json.error?.code], path).toEqual([409, 'does_not_grow'])
  }
  const process = running(['serve', folder, '--approve-growth', '--port', '0'], dirname(folder))
  expect(await process.ended).toBe(1)
  expect(process.said.status).toMatch(/never grows/)
})

test('burgeon serve --approve-growth asks', async () => {
  const folder = await lifeFolder(settings)
  const process = running(['serve', folder, '--approve-growth', '--port', '0'], join(folder, '..'))
  await process.says('status', /answers at (\S+)\/v1/)
  const [, url] = /answers at (\S+)\/v1/.exec(process.said.status) ?? []
  expect(await (await fetch(`${url}/v1/growth`)).json()).toMatchObject({ approval: true })
  process.child.kill('SIGKILL')
})
