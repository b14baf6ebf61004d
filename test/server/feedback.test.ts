/** `/v1/feedback`: what is wanted is learnt, what is rejected is written down, and all of it once. */
import { appendFileSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { loadLife } from 'burgeon/session'
import { expect, test } from 'vitest'
import { running } from '../front-door/running.ts'
import { times } from '../how-long.ts'
import { follow } from './follow.ts'
import { asking, fillableDisk, lifeFolder, smallServed } from './small-served.ts'

interface Answered {
  readonly id: string
  readonly choices: readonly { readonly text: string }[]
}

async function life() {
  const folder = await lifeFolder()
  const made = await asking({}, await smallServed(folder))
  const { ask } = made
  return {
    ...{ ...made, folder },
    complete: async (own: object = {}) =>
      (await ask('/v1/completions', { model: 'life', prompt: 'The', max_tokens: 12, seed: 1, ...own }))
        .json as unknown as Answered,
    judge: (body: object) => ask('/v1/feedback', body),
    saved: () => loadLife(nodeDisk(folder)),
    lines: () =>
      readFileSync(join(folder, 'feedback.jsonl'), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>),
  }
}

const bitsOf = async ({ learner }: Awaited<ReturnType<typeof loadLife>>): Promise<number[][]> =>
  [...learner.model.parameters].map(({ tensor }) => [...tensor.readSync()])

test('a correction is learnt as the prompt and what was wanted, and nothing else', async () => {
  const { complete, judge, saved, lines, app } = await life()
  const { id, choices } = await complete()
  const followed = await follow(app)
  const { status, json } = await judge({ response_id: id, correction: ' quick brown fox.', comment: 'so' })
  expect(status).toBe(200)
  expect(json).toMatchObject({ effect: 'learnt', duplicate: false, lesson: { saved: true, bytes: 19 } })
  const heard = await followed.until(({ name }) => name === 'feedback')
  expect(heard.find(({ name }) => name === 'lesson')?.data['domain']).toBe('feedback')
  expect(heard.at(-1)?.data).toEqual({ judgement: null, effect: 'learnt', source: 'api' })
  await followed.leave()
  const byHand = await life()
  await byHand.ask('/v1/learn', { text: 'The quick brown fox.', domain: 'feedback' })
  expect(await bitsOf(await saved())).toEqual(await bitsOf(await byHand.saved()))
  expect(lines()).toEqual([
    {
      ...{ id: json['id'], at: expect.any(Number) as number, source: 'api', response: `${id}#0` },
      ...{ key: 'correction', judgement: null, prompt: 'The', answer: choices[0].text, value: null },
      ...{ correction: ' quick brown fox.', comment: 'so', weight: 1, isOwner: true },
      ...{ kind: 'correct', score: null, written: null, pieces: 0 },
    },
  ])
})

test('an accepted answer is learnt, a rejected one is written down and changes no weight', async () => {
  const { complete, judge, saved, lines, served } = await life()
  const { id } = await complete()
  const before = await bitsOf(await saved())
  const rejected = await judge({ run_id: id, key: 'helpful', score: 0, source: 'u1' })
  expect(rejected.json).toMatchObject({ judgement: 'reject', effect: 'noted', lesson: null, step: 0 })
  expect(await bitsOf(await saved())).toEqual(before)
  const none = await judge({ trace_id: id, label: true, weight: 0 })
  expect(none.json).toMatchObject({ judgement: 'accept', effect: 'noted', step: 0 })
  const accepted = await judge({ trace_id: id, name: 'thumb', value: 1, source: 'u2' })
  expect(accepted.json).toMatchObject({ judgement: 'accept', effect: 'learnt' })
  expect(served.step()).toBeGreaterThan(0)
  expect(lines().map(({ source, key, judgement }) => [source, key, judgement])).toEqual([
    ['u1', 'helpful', 'reject'],
    ['api', 'judgement', 'accept'],
    ['u2', 'thumb', 'accept'],
  ])
})

test('the same of the same source is one; another source, key or choice is another', async () => {
  const { complete, judge, lines, served } = await life()
  const { id } = await complete({ n: 2 })
  const body = { response_id: id, label: true, source: 'u1' }
  const first = await judge(body)
  const step = served.step()
  const again = await judge({ ...body, label: false })
  expect(again.json).toMatchObject({ id: first.json['id'], duplicate: true, lesson: null })
  expect([served.step(), lines().length]).toEqual([step, 1])
  for (const other of [{ source: 'u2' }, { key: 'k' }, { choice: 1 }])
    expect((await judge({ ...body, ...other })).json['duplicate']).toBe(false)
  expect(lines()).toHaveLength(4)
})

test.each([
  [{ label: true }, 'accept'],
  [{ label: 'reject' }, 'reject'],
  [{ score: 1 }, 'accept'],
  [{ score: 0.5 }, null],
  [{ score: 0 }, 'reject'],
  [{ score: null, value: true }, 'accept'],
  [{ value: 0, dataType: 'BOOLEAN' }, 'reject'],
  [{ value: 'polite', dataType: 'CATEGORICAL' }, null],
  [{ value: -10, weight: 0.5 }, 'reject'],
  [{ label: false, score: 1 }, 'reject'],
  [{ comment: 'hm', feedback_source: { type: 'app' } }, null],
])('%j is %s', async (body, judgement) => {
  const { judge, lines } = await life()
  const about = { prompt: 'Two and two is', completion: ' four.' }
  const { status, json } = await judge({ ...about, ...body })
  expect([status, json['judgement']]).toEqual([200, judgement])
  expect(lines()[0]).toMatchObject({ prompt: about.prompt, answer: about.completion, judgement })
})

test('chats and streams are known by their names as well', async () => {
  const { ask, app, judge, lines } = await life()
  const messages = [{ role: 'user', content: 'Hello' }]
  const chat = await ask('/v1/chat/completions', { model: 'life', messages, max_tokens: 5 })
  const about = await judge({ response_id: chat.json['id'], correction: ' Good day.' })
  expect(about.status).toBe(200)
  expect(lines()[0]['prompt']).toBe('User: Hello\nAssistant:')
  const stream = await app.fetch(
    new Request('http://localhost/v1/completions', {
      method: 'POST',
      headers: { host: 'localhost', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'life', prompt: 'The', max_tokens: 5, stream: true }),
    }),
  )
  const [, id] = /"id":"([^"]+)"/.exec(await stream.text()) ?? []
  expect((await judge({ response_id: id, label: false })).json['effect']).toBe('noted')
})

test('an answer that is not known, of a choice that is not there, or of two names is a mistake', async () => {
  const { complete, judge } = await life()
  const { id } = await complete()
  for (const [body, status] of [
    [{ response_id: 'cmpl-other', label: true }, 404],
    [{ response_id: id, choice: 1, label: true }, 404],
    [{ response_id: id, run_id: id, label: true }, 400],
    [{ label: true }, 400],
    [{ prompt: 'a', label: true }, 400],
    [{ completion: 'a', response_id: id, label: true }, 400],
  ] as const) {
    expect((await judge(body)).status, JSON.stringify(body)).toBe(status)
  }
  const { ask } = await asking({}, await smallServed(undefined, true))
  expect((await ask('/v1/feedback', { prompt: 'a', completion: 'b' })).json.error?.code).toBe(
    'does_not_learn',
  )
})

test('only so many answers are known, the latest', async () => {
  const { complete, judge } = await life()
  const first = await complete({ max_tokens: 1 })
  for (let i = 0; i < 64; i++) await complete({ prompt: new Array<string>(16).fill('a'), max_tokens: 1 })
  expect((await judge({ response_id: first.id, label: false })).status).toBe(200)
  const long = 'x'.repeat(50)
  for (let i = 0; i < 1024; i++) await complete({ prompt: long, max_tokens: 1 })
  expect((await judge({ response_id: first.id, label: false })).status).toBe(404)
})

test('a full disk is said, nothing of it is learnt, and it may be sent again', async () => {
  const folder = await lifeFolder()
  const room = fillableDisk(folder, 'append')
  const { ask, served } = await asking({}, await smallServed(folder, false, { disk: room.disk }))
  const body = { prompt: 'The', completion: ' quick brown fox.', label: true }
  room.isFull = true
  const { status, json } = await ask('/v1/feedback', body)
  expect([status, json.error?.['code']]).toEqual([500, 'not_kept'])
  expect(json.error?.['message']).toContain('ENOSPC')
  expect(served.step()).toBe(0)
  room.isFull = false
  expect((await ask('/v1/feedback', body)).json).toMatchObject({ duplicate: false, effect: 'learnt' })
})

test('what is on disk is known to the next server, a line that was cut short is not', async () => {
  const { judge, folder, app, saved, lines } = await life()
  const body = { prompt: 'a', completion: 'b c', label: false }
  await judge(body)
  await app.drain()
  appendFileSync(join(folder, 'feedback.jsonl'), '{"id":"cut sh')
  const again = await asking({}, await smallServed(folder))
  expect((await again.ask('/v1/feedback', body)).json['duplicate']).toBe(true)
  const other = { prompt: 'a', completion: 'b c d', label: true }
  expect((await again.ask('/v1/feedback', other)).json).toMatchObject({ duplicate: false, effect: 'learnt' })
  expect(() => lines()).toThrow(SyntaxError)
  expect(readFileSync(join(folder, 'feedback.jsonl'), 'utf8').split('\n').at(-2)).toContain('b c d')
  const { record } = await saved()
  expect(record.feedback).toHaveLength(1)
})

test('after a rollback, what the life no longer knows is learnt when it is sent again', async () => {
  const { ask, judge, served } = await life()
  const body = { prompt: 'The', completion: ' quick brown fox.', label: true }
  const { json } = await ask('/v1/checkpoints', {})
  await judge(body)
  const step = served.step()
  await ask(`/v1/checkpoints/${String(json['kept'])}/rollback`, {})
  expect(served.step()).toBe(0)
  expect((await judge(body)).json).toMatchObject({ duplicate: false, effect: 'learnt', step })
  expect((await judge(body)).json['duplicate']).toBe(true)
})

test('a kill at any moment loses no feedback that was answered, and learns none twice', async () => {
  for (let trial = 0; trial < times(1, 8, 20); trial++) {
    const folder = await lifeFolder()
    const serving = async () => {
      const process = running(['serve', folder, '--port', '0'], dirname(folder))
      await process.says('status', /answers at (\S+)\/v1/)
      const [, url] = /answers at (\S+)\/v1/.exec(process.said.status) ?? []
      return { process, url }
    }
    const send = async (url: string, i: number): Promise<Readonly<Record<string, unknown>>> => {
      const body = { prompt: 'Number', completion: ` ${i} is a number.`, label: true }
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }
      return (await (await fetch(`${url}/v1/feedback`, init)).json()) as Readonly<Record<string, unknown>>
    }
    const first = await serving()
    let answered = 0
    const all = (async () => {
      for (;;) {
        await send(first.url, answered)
        answered++
      }
    })().catch(() => {})
    await expect.poll(() => answered).toBeGreaterThan(1 + (trial % 3))
    await new Promise((resolve) => setTimeout(resolve, 5 * trial))
    first.process.child.kill('SIGKILL')
    await all
    const second = await serving()
    for (let i = 0; i < answered; i++) expect((await send(second.url, i))['duplicate']).toBe(true)
    await send(second.url, answered)
    second.process.child.kill('SIGKILL')
    const { record, learner } = await loadLife(nodeDisk(folder))
    // Each is a lesson of one step.
    expect([learner.step, record.feedback?.length]).toEqual([answered + 1, answered + 1])
  }
})
