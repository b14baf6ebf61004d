/** A learner that publishes, replicas that follow it, and a door before them, as processes over a NATS broker. */
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hasNats, type NatsServer, natsServer } from '../cluster/nats-server.ts'
import { type Running, running } from '../front-door/running.ts'
import { times } from '../how-long.ts'
import { lifeFolder, servedLife } from './small-served.ts'

/** A process that answers. */
interface Answering {
  readonly process: Running
  readonly url: string
}

/** A name that no other test has. */
let names = 0

async function started(
  args: readonly string[],
  folder: string,
  says = /at (http\S+?)(?:\/v1)? /,
): Promise<Answering> {
  const process = running(['serve', '--port', '0', ...args], folder)
  await process.says('status', says)
  return { process, url: says.exec(process.said.status)?.[1] ?? '' }
}
const answers = /answers at (\S+)\/v1/
const letsIn = /lets requests in at (\S+)\/v1/

/** A learner and some who follow it. */
async function fleet(server: NatsServer, count: number, settings = servedLife) {
  const [path, name] = [await lifeFolder(settings), `fleet-${names++}`]
  const broker = ['--broker', server.address]
  const at = dirname(path)
  const learner = await started([path, '--publish', name, '--publish-every', '0.1', ...broker], at, answers)
  const follow = (): Promise<Answering> => started(['--follow', name, ...broker], at, answers)
  const replicas = await Promise.all(Array.from({ length: count }, follow))
  const door = (): Promise<Answering> => started(['--door', name, ...broker], at, letsIn)
  return { learner, replicas, follow, door, path, at, name, broker }
}

const post = (url: string, path: string, body: object): Promise<Response> =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

/** What one of them writes, with the weights that wrote it. */
async function written({ url }: Answering, model: string, tokens = 12) {
  const body = { model, prompt: 'the quick', max_tokens: tokens, seed: 7, temperature: 1, logprobs: 1 }
  const response = await post(url, '/v1/completions', body)
  const { headers, status } = response
  const said = (await response.json()) as { choices?: { text: string; logprobs: object }[] }
  return {
    ...{
      status,
      version: headers.get('x-burgeon-weights-version'),
      replica: headers.get('x-burgeon-replica'),
    },
    ...{ behind: headers.get('x-burgeon-weights-behind'), said: JSON.stringify(said.choices) },
  }
}
const healthOf = async ({ url }: Answering): Promise<unknown> => (await fetch(`${url}/health`)).json()
const sentence = 'the quick brown fox jumps over the lazy dog. '
const lesson = (n: number): object => ({ text: `lesson ${n}: the quick brown fox jumps. `.repeat(8) })

describe.skipIf(!hasNats)('a fleet of processes', () => {
  test('replicas write what the learner writes, to the bit, as it learns and grows', async () => {
    const server = await natsServer()
    const settings = { ...servedLife, plateau: 400, maxParameters: 30_000, vocabulary: 270 }
    const { learner, replicas, name } = await fleet(server, 2, settings)
    const known = new Map<string | null, string>()
    const versions = new Set<string | null>()
    /** Whatever the weights are: the same weights write the same. */
    const note = async (one: Answering, model: string): Promise<void> => {
      const { version, said } = await written(one, model)
      versions.add(version)
      expect(known.get(version) ?? said).toBe(said)
      known.set(version, said)
    }
    const learning = new AbortController()
    const asking = Promise.all(
      replicas.map(async (replica) => {
        while (!learning.signal.aborted) await note(replica, name)
      }),
    )
    asking.catch(() => {})
    const agree = async (): Promise<void> => {
      const { version, said } = await written(learner, 'life')
      for (const replica of replicas) {
        await expect.poll(async () => (await written(replica, name)).version).toBe(version)
        expect(await written(replica, name)).toMatchObject({ said, behind: '0' })
      }
    }
    for (let i = 0; i < times(3, 20); i++) {
      expect((await post(learner.url, '/v1/learn', lesson(i))).status).toBe(200)
      await note(learner, 'life')
    }
    await agree()
    // New tokens: the tokenizer comes with the weights that know them.
    expect((await post(learner.url, '/v1/learn', { text: sentence.repeat(1500) })).status).toBe(200)
    await agree()
    const tokens = await Promise.all(
      [learner, ...replicas].map(async ({ url }) => {
        const response = await post(url, '/tokenize', { content: sentence })
        return ((await response.json()) as { tokens: number[] }).tokens
      }),
    )
    expect(Math.max(...tokens[0])).toBeGreaterThan(255)
    expect(tokens.slice(1)).toEqual([tokens[0], tokens[0]])
    const before = (await (await fetch(`${replicas[0].url}/v1/models`)).json()) as {
      data: { parameters: number }[]
    }
    const request = { kind: 'addLayer', at: 1 }
    expect(await (await post(learner.url, '/v1/growth', { request })).json()).toMatchObject({
      status: 'grown',
    })
    await agree()
    const after = (await (await fetch(`${replicas[0].url}/v1/models`)).json()) as typeof before
    expect(after.data[0].parameters).toBeGreaterThan(before.data[0].parameters)
    learning.abort()
    await asking
    // The control: other weights write something else.
    expect(versions.size).toBeGreaterThan(2)
    expect(new Set(known.values()).size).toBeGreaterThan(2)
    expect(await healthOf(replicas[0])).toEqual({ status: 'ok', follows: { name, versions_behind: 0 } })
    expect(await (await fetch(`${replicas[0].url}/metrics`)).text()).toMatch(/^burgeon_weights_behind 0$/m)
    // A replica does not learn, and one that follows nobody says nothing of it.
    expect((await post(replicas[0].url, '/v1/learn', lesson(0))).status).toBe(409)
    expect(await healthOf(learner)).toEqual({ status: 'ok' })
    expect((await written(learner, 'life')).behind).toBeNull()
  })

  test('a replica that is killed while versions come, a broker and a learner that go and come back', async () => {
    const server = await natsServer()
    const { learner, replicas, follow, name, path, at, broker } = await fleet(server, 2)
    const [first, second] = replicas
    let steps = 0
    const lessons = new AbortController()
    const teaching = (async () => {
      while (!lessons.signal.aborted) await post(learner.url, '/v1/learn', lesson(steps++))
    })()
    for (let i = 0; i < times(2, 30); i++) {
      const before = steps
      await expect.poll(() => steps).toBeGreaterThan(before + (i % 3))
      first.process.child.kill('SIGKILL')
      const next = await follow()
      Object.assign(first, next)
    }
    lessons.abort()
    await teaching
    const agree = async (one: Answering): Promise<void> => {
      const { version, said } = await written(one, 'life')
      for (const replica of [first, second]) {
        await expect.poll(async () => (await written(replica, name)).version).toBe(version)
        expect((await written(replica, name)).said).toBe(said)
      }
    }
    await agree(learner)
    await server.kill()
    const old = await written(second, name)
    expect(old.status).toBe(200)
    await post(learner.url, '/v1/learn', lesson(99))
    await second.process.says('status', /is not heard; its latest weights here stay/)
    expect(await healthOf(second)).toEqual({ status: 'ok', follows: { name, versions_behind: null } })
    expect(await written(second, name)).toMatchObject({
      status: 200,
      version: old.version,
      behind: 'unknown',
    })
    await server.start()
    await second.process.says('status', /is heard again/)
    await agree(learner)
    // What is not saved was never answered: the learner goes on where it was, and is followed.
    learner.process.child.kill('SIGKILL')
    await learner.process.ended
    const again = await started([path, '--publish', name, '--publish-every', '0.1', ...broker], at, answers)
    await post(again.url, '/v1/learn', lesson(100))
    await agree(again)
    // Two who publish under one name would contradict each other.
    const other = running(['serve', await lifeFolder(), '--port', '0', '--publish', name, ...broker], at)
    expect(await other.ended).toBe(1)
    expect(other.said.status).toMatch(/another source announces/)
    again.process.child.kill('SIGTERM')
    expect(await again.process.ended).toBe(143)
    expect((await written(second, name)).status).toBe(200)
    // One that begins when nobody is there any more serves what was left.
    const left = await written(second, name)
    const late = await follow()
    expect(late.process.said.status).toContain('its latest weights at the broker are served')
    expect(await written(late, name)).toMatchObject({ ...left, replica: null, behind: 'unknown' })
    late.process.child.kill('SIGTERM')
    expect(await late.process.ended).toBe(143)
    // Who ends says so, and has nothing open that keeps it.
    second.process.child.kill('SIGTERM')
    expect(await second.process.ended).toBe(143)
  })

  test('a door shares out questions, and has another answer those of a replica that dies', async () => {
    const server = await natsServer()
    const { learner, replicas, door, name } = await fleet(server, 2)
    await post(learner.url, '/v1/learn', lesson(1))
    const { version, said } = await written(learner, 'life')
    for (const replica of replicas)
      await expect.poll(async () => (await written(replica, name)).version).toBe(version)
    const entrance = await door()
    const all = await Promise.all(Array.from({ length: 16 }, () => written(entrance, name)))
    for (const one of all) expect(one).toMatchObject({ status: 200, version, said, behind: '0' })
    expect(new Set(all.map(({ replica }) => replica)).size).toBe(2)
    const streamed = await post(entrance.url, '/v1/completions', {
      ...{ model: name, prompt: 'the', max_tokens: 5, stream: true },
    })
    expect(await streamed.text()).toMatch(/^data: .*\n\ndata: [^]*\[DONE\]/)
    // Long texts, and one of the two is killed while it writes some of them.
    const long = Array.from({ length: 12 }, () => written(entrance, name, 50))
    const busy = async (): Promise<string> => (await fetch(`${replicas[0].url}/metrics`)).text()
    await expect.poll(busy).toMatch(/burgeon_requests_in_flight [1-9]/)
    replicas[0].process.child.kill('SIGKILL')
    const ended = await Promise.all(long)
    expect(ended.map(({ status }) => status)).toEqual(ended.map(() => 200))
    expect(new Set(ended.map((one) => one.said)).size).toBe(1)
    expect(await healthOf(entrance)).toMatchObject({ status: 'ok', follows: { name } })
    replicas[1].process.child.kill('SIGKILL')
    await replicas[1].process.ended
    const none = await post(entrance.url, '/v1/completions', { model: name, prompt: 'a', max_tokens: 1 })
    expect(none.status).toBe(503)
    expect(await none.json()).toMatchObject({ error: { code: 'no_replica' } })
    const large = await post(entrance.url, '/v1/completions', { model: name, prompt: 'a'.repeat(600_000) })
    expect(large.status).toBe(413)
    entrance.process.child.kill('SIGTERM')
    expect(await entrance.process.ended).toBe(143)
  })
})
