// Reaches inside: when a keeper lets go of a checkpoint is nothing that the package offers.
// Checkpoints over HTTP: kept, listed and gone back to while texts are written and lessons come.
import { readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { keptCheckpoints } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { loadLife } from 'burgeon/session'
import { expect, test } from 'vitest'
import { keeper } from '../../packages/burgeon/src/session/keeper.ts'
import { running } from '../front-door/running.ts'
import { times } from '../how-long.ts'
import { follow } from './follow.ts'
import { asking, fillableDisk, lifeFolder, servedLife, smallServed } from './small-served.ts'

const text = 'the quick brown fox jumps over the lazy dog. '.repeat(20)
const request = { model: 'life', prompt: 'The', max_tokens: 30, seed: 2 }

interface Facts {
  readonly kept: number | null
  readonly step: number
  readonly bytes: number
}
interface List {
  readonly present: Facts
  readonly kept: readonly Facts[]
}

async function life(own: Parameters<typeof smallServed>[2] = {}, settings = servedLife) {
  const folder = await lifeFolder(settings)
  const made = await asking({}, await smallServed(folder, false, own))
  const { ask } = made
  return {
    ...{ ...made, folder },
    teach: () => ask('/v1/learn', { text }),
    keep: async () => (await ask('/v1/checkpoints', {})).json as unknown as Facts,
    list: async () => (await ask('/v1/checkpoints')).json as unknown as List,
    back: (n: number | null) => ask(`/v1/checkpoints/${n}/rollback`, {}),
    version: async () => (await ask('/version')).json['weights_version'],
    said: async () => (await ask('/v1/completions', request)).json['choices'],
    saved: (kept?: number) => loadLife(nodeDisk(folder), {}, kept === undefined ? {} : { kept }),
  }
}

test('what was kept is there again after a rollback, and what was left as well', async () => {
  const { app, teach, keep, list, back, version, said, saved } = await life()
  await teach()
  const first = { version: await version(), said: await said() }
  const kept = await keep()
  expect(kept).toMatchObject({ object: 'checkpoint', step: 4, bytes: text.length - 1 })
  await teach()
  const second = { version: await version(), said: await said() }
  expect(second.version).not.toBe(first.version)
  const followed = await follow(app)
  const { status, json } = await back(kept.kept)
  expect(status).toBe(200)
  const { to, left } = json as unknown as { to: Facts; left: Facts }
  expect([to.step, left.step]).toEqual([4, 8])
  expect({ version: await version(), said: await said() }).toEqual(first)
  const heard = await followed.until(({ name }) => name === 'rollback')
  expect(heard.at(-1)?.data).toEqual({ to, left })
  expect(heard.find(({ data }) => data['kind'] === 'rollback')?.data['summary']).toMatch(
    /of step 4, from step 8/,
  )
  await followed.leave()
  const now = await saved()
  expect([now.learner.step, now.record.bytes]).toEqual([4, text.length - 1])
  expect(now.record.events.at(-1)?.event).toMatchObject({ kind: 'rollback', step: 4, data: { from: 8 } })
  expect((await list()).kept.map(({ step }) => step)).toEqual([4, 8])
  await back(left.kept)
  expect({ version: await version(), said: await said() }).toEqual(second)
  // The same lesson from the same state comes to the same weights.
  await back(kept.kept)
  await teach()
  expect({ version: await version(), said: await said() }).toEqual(second)
})

test('a text that is being written is written to its end by the weights that it began with', async () => {
  const { app, ask, teach, keep, back, said } = await life()
  const { kept } = await keep()
  await teach()
  const quiet = await said()
  const stream = await app.fetch(
    new Request('http://localhost/v1/completions', {
      method: 'POST',
      headers: { host: 'localhost', 'content-type': 'application/json' },
      body: JSON.stringify({ ...request, stream: true }),
    }),
  )
  expect((await back(kept)).status).toBe(200)
  expect(String((await ask('/metrics')).json['text'])).toMatch(/burgeon_weights_held 1\n/)
  expect(await said()).not.toEqual(quiet)
  const written = (await stream.text()).split('\n\n').filter((line) => line.startsWith('data: {'))
  const pieces = written.map((line) => JSON.parse(line.slice(6)) as { choices: { text: string }[] })
  expect(pieces.map(({ choices }) => choices[0].text).join('')).toBe((quiet as { text: string }[])[0].text)
  expect(String((await ask('/metrics')).json['text'])).toMatch(/burgeon_weights_held 0\n/)
})

test('rollbacks free what they leave', async () => {
  const { teach, keep, back, served } = await life()
  const { kept } = await keep()
  await teach()
  await back(kept)
  const { device } = served.model
  const before = device.memory.buffers
  for (let i = 0; i < 3; i++) {
    await teach()
    await back(kept)
  }
  expect(device.memory.buffers).toBe(before)
})

test('lessons, growth and rollbacks that come together wait for each other, and each is of the life of by then', async () => {
  const settings = { ...servedLife, plateau: 8, maxParameters: 9000 }
  const { ask, teach, keep, back, list, saved, served } = await life({}, settings)
  await teach()
  const { kept } = await keep()
  const grown = { request: { kind: 'widenMlp', block: 'b0', to: 24 } }
  const [one, rolled, two, growth] = await Promise.all([
    ...[teach(), back(kept), teach(), ask('/v1/growth', grown)],
  ])
  expect([one, rolled, two, growth].map(({ status }) => status)).toEqual([200, 200, 200, 200])
  expect([one, two].map(({ json }) => json['step'])).toEqual([8, 8])
  expect((await list()).kept.map(({ step }) => step)).toEqual([4, 8])
  const now = await saved()
  expect(now.learner.step).toBe(9)
  expect(now.learner.model.parameters.size).toBe(served.model.parameters.size)
  expect(now.learner.model.growthLog?.entries).toHaveLength(1)
})

test('what is not there, or no number, is refused, and a model that is no life says so', async () => {
  const { ask, keep, back, list } = await life()
  await keep()
  const before = await list()
  for (const n of ['0', '999', '-1', 'x', '1e0', '..', '%2e%2e', '%00', '1.0', '01']) {
    const asked = await ask(`/v1/checkpoints/${n}/rollback`, {})
    expect([asked.status], n).toEqual([404])
  }
  expect((await ask('/v1/checkpoints', { name: 'x' })).json.error?.code).toBe('unknown_parameter')
  expect((await ask(`/v1/checkpoints/1/rollback`, [])).status).toBe(400)
  expect(await list()).toEqual(before)
  expect((await back(null)).status).toBe(404)
  const other = await asking({}, await smallServed(undefined, true))
  for (const [path, body] of [
    ['/v1/checkpoints', undefined],
    ['/v1/checkpoints', {}],
    ['/v1/checkpoints/1/rollback', {}],
  ] as const) {
    expect((await other.ask(path, body)).json.error?.code, path).toBe('no_life')
  }
})

test('one that is damaged, and a disk that is full, leave the life as it was', async () => {
  const folder = await lifeFolder()
  const room = fillableDisk(folder, 'create')
  const { ask } = await asking({}, await smallServed(folder, false, { disk: room.disk }))
  const { kept } = (await ask('/v1/checkpoints', {})).json as unknown as Facts
  await ask('/v1/learn', { text })
  const before = (await ask('/version')).json
  room.isFull = true
  const full = await ask(`/v1/checkpoints/${kept}/rollback`, {})
  expect([full.status, full.json.error?.code]).toEqual([500, 'checkpoint_failed'])
  expect(JSON.stringify(full.json)).toContain('ENOSPC')
  expect((await ask('/v1/checkpoints', {})).json.error?.code).toBe('checkpoint_failed')
  room.isFull = false
  const file = readdirSync(folder).find((name) => name.startsWith(`model-${String(kept).padStart(6, '0')}`))
  writeFileSync(join(folder, file as string), 'nothing')
  const damaged = await ask(`/v1/checkpoints/${kept}/rollback`, {})
  expect([damaged.status, damaged.json.error?.code]).toEqual([500, 'checkpoint_failed'])
  expect((await ask('/version')).json).toEqual(before)
  expect((await ask('/v1/learn', { text })).json['step']).toBe(8)
  expect((await loadLife(nodeDisk(folder))).learner.step).toBe(8)
})

test('a life that asks before it grows does so after a rollback, too', async () => {
  const { ask, keep, back, folder } = await life({}, { ...servedLife, plateau: 8 })
  const { kept } = await keep()
  expect((await ask('/v1/growth')).json['approval']).toBe(false)
  const asks = await asking({}, await smallServed(folder, false, { asks: true }))
  await asks.ask(`/v1/checkpoints/${kept}/rollback`, {})
  expect((await asks.ask('/v1/growth')).json['approval']).toBe(true)
  expect((await back(kept)).status).toBe(200)
})

test('what the user keeps is not let go of when the life predicts well again', async () => {
  const { folder, teach, keep } = await life()
  await teach()
  const { kept } = await keep()
  const disk = nodeDisk(folder)
  const again = await loadLife(disk)
  const saves = keeper(again, { disk }, () => {})
  const { recent } = again.record.curve
  const good = [...recent]
  // It predicts far worse: the checkpoint before is kept, which is the one that the user keeps.
  recent.splice(0, recent.length, ...good.map((bits) => bits + 5))
  await saves.save()
  expect(again.record.good).toMatchObject({ kept, stays: true })
  expect((await loadLife(disk)).record.good).toMatchObject({ kept, stays: true })
  recent.splice(0, recent.length, ...good)
  await saves.save()
  expect(await keptCheckpoints(disk)).toEqual([kept])
})

const post = (url: string, path: string, body: unknown): Promise<Response> =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

async function process(args: readonly string[], folder: string) {
  const process = running([...args, '--port', '0'], folder)
  await process.says('status', /answers at (\S+)\/v1/)
  const [, url] = /answers at (\S+)\/v1/.exec(process.said.status) ?? []
  return { process, url }
}

test('a kill in the middle of a rollback leaves the one life or the other', async () => {
  for (let trial = 0; trial < times(1, 10, 30); trial++) {
    const { folder, teach, keep, app } = await life()
    await teach()
    const { kept } = await keep()
    await teach()
    await app.drain()
    const server = await process(['serve', folder], dirname(folder))
    const answer = post(server.url, `/v1/checkpoints/${kept}/rollback`, {}).then(
      ({ status }) => status,
      () => null,
    )
    await new Promise((resolve) => setTimeout(resolve, 11 * trial))
    server.process.child.kill('SIGKILL')
    const status = await answer
    const { learner, record } = await loadLife(nodeDisk(folder))
    if (status === 200) expect(learner.step).toBe(4)
    expect([4, 8]).toContain(learner.step)
    expect(record.events.some(({ event }) => event.kind === 'rollback')).toBe(learner.step === 4)
    // What it was is there in any case.
    const steps = [learner.step]
    for (const n of await keptCheckpoints(nodeDisk(folder)))
      steps.push((await loadLife(nodeDisk(folder), {}, { kept: n })).learner.step)
    expect(steps).toContain(8)
    expect(steps).toContain(4)
  }
})

test('notes that are learnt beside are gone on with from the place of the checkpoint', async () => {
  const folder = dirname(await lifeFolder())
  const notes = join(folder, 'a.txt')
  writeFileSync(notes, text.repeat(3))
  const bytesIn = async (name: string): Promise<number> =>
    (await loadLife(nodeDisk(join(folder, name)))).record.bytes
  const learnt = async (...args: readonly string[]): Promise<void> => {
    const learning = running(['learn', 'a.txt', ...args], folder)
    expect(await learning.ended, learning.said.status).toBe(0)
  }
  // Of a life that nobody rolls back.
  await learnt('--out', 'quiet')
  const first = await bytesIn('quiet')
  const { process: server, url } = await process(['serve', 'mine', '--learn', 'a.txt'], folder)
  const present = async (): Promise<Facts> =>
    ((await (await fetch(`${url}/v1/checkpoints`)).json()) as List).present
  await expect.poll(async () => (await present()).step).toBeGreaterThan(0)
  const { kept } = (await (await post(url, '/v1/checkpoints', {})).json()) as Facts
  await expect.poll(async () => (await present()).bytes).toBe(first)
  const back = (await (await post(url, `/v1/checkpoints/${kept}/rollback`, {})).json()) as { to: Facts }
  expect(back.to.bytes).toBeLessThanOrEqual(first)
  // It learns the rest again, and what is added.
  await expect.poll(async () => (await present()).bytes).toBe(first)
  writeFileSync(notes, text.repeat(3) + 'More of it came later. '.repeat(90))
  await expect.poll(async () => (await present()).bytes).toBeGreaterThan(first)
  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(143)
  await learnt('--resume', '--out', 'mine')
  await learnt('--resume', '--out', 'quiet')
  expect(await bytesIn('mine')).toBe(await bytesIn('quiet'))
})
