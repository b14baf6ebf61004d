/** The seams over NATS: what they promise, a cluster on them, a server that is killed, and who may do what. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, headers } from '@nats-io/transport-node'
import { sgd } from '@burgeon/autograd/optim'
import { ClusterWorker, dismissWorker, LogError, maxPayload, TransportError } from '@burgeon/cluster'
import { type NatsSeams, natsSeams } from '@burgeon/cluster/nats'
import { checkBlobs, checkLog, checkTransport, type CheckResult } from '@burgeon/cluster/testing'
import { Learner } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, onTestFinished, test } from 'vitest'
import { times } from '../how-long.ts'
import { folderOfTest, hasNats, type NatsServer, natsServer } from './nats-server.ts'
import { bytesOf, smallCluster, texts } from './small-cluster.ts'

const failing = (results: readonly CheckResult[]): CheckResult[] => results.filter(({ holds }) => !holds)
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values)

let names = 0
/** Opens the seams, which the test that opened them closes; as often as is asked for, of one new name. */
async function opened(
  { address }: Pick<NatsServer, 'address'>,
  name = `cluster-${names++}`,
  more: object = {},
): Promise<NatsSeams> {
  const seams = await natsSeams(name, { servers: address, ...more })
  onTestFinished(() => seams.close())
  return seams
}
async function twice(server: NatsServer): Promise<[NatsSeams, NatsSeams]> {
  const name = `cluster-${names++}`
  return [await opened(server, name), await opened(server, name)]
}

describe.skipIf(!hasNats)('over NATS', () => {
  test('log, blobs and transport keep every statement', async () => {
    const server = await natsServer()
    expect(
      failing(
        await checkLog(async () => (await twice(server)).map(({ place }) => place.log) as [never, never]),
      ),
    ).toEqual([])
    let name = ''
    const make = async () => {
      name = `cluster-${names++}`
      return (await opened(server, name)).place.blobs
    }
    const damage = async (digest: string): Promise<void> => {
      const connection = await connect({ servers: server.address })
      await connection.request(`${name}.blob.${digest}.piece-0`, bytes(1, 2, 3))
      await connection.close()
    }
    expect(failing(await checkBlobs(make, { damage }))).toEqual([])
    const transports = async () => (await twice(server)).map(({ transport }) => transport) as [never, never]
    expect(failing(await checkTransport(transports))).toEqual([])
  })

  test('a cluster comes to the same state as in one process, to the bit', async () => {
    const server = await natsServer()
    const { place } = await opened(server)
    const settings = { localSteps: 2 }
    const [near, far] = [
      await smallCluster(texts(12), ['a', 'b'], settings),
      await smallCluster(texts(12), ['a', 'b'], settings, place),
    ]
    await near.settle()
    await far.settle()
    expect(far.coordinator.course.learnt).toBe(12)
    expect(far.coordinator.course).toEqual(near.coordinator.course)
    const state = await near.place.blobs.list()
    for (const digest of state) expect(await place.blobs.has(digest)).toBe(true)
  })

  test('a server that is killed and comes back has every entry once, and who reads goes on', async () => {
    const server = await natsServer()
    const name = `cluster-${names++}`
    const [{ place: writer }, { place: reader }] = [await opened(server, name), await opened(server, name)]
    const until = new AbortController()
    const seen: number[] = []
    const count = times(60, 400)
    const reading = (async () => {
      for (;;) {
        try {
          for await (const { position, payload } of reader.log.read(seen.length + 1, {
            until: until.signal,
          })) {
            expect(position).toBe(seen.length + 1)
            seen.push(payload[0] * 256 + payload[1])
            if (seen.length === count) return
          }
        } catch (error) {
          // While it is away; what was read stays read.
          expect(error).toBeInstanceOf(LogError)
        }
      }
    })()
    const digests: string[] = []
    for (let i = 0; i < count; i++) {
      if (i % 20 === 7) {
        await server.kill()
        void server.start()
      }
      // A writer that does not know whether it was heard says it again.
      for (;;) {
        try {
          const { position } = await writer.log.append(bytes(i >> 8, i), { id: `entry ${i}` })
          expect(position).toBe(i + 1)
          break
        } catch (error) {
          expect(error).toBeInstanceOf(LogError)
        }
      }
      if (i % 20 === 3) digests.push(await writer.blobs.put(new Uint8Array(maxPayload + 5).fill(i)))
    }
    await reading
    until.abort()
    expect(seen).toEqual(Array.from({ length: count }, (_, i) => i))
    expect(await writer.log.last()).toBe(count)
    for (const digest of digests) expect((await reader.blobs.get(digest)).length).toBe(maxPayload + 5)
  })

  test('whoever may only read appends nothing, and nobody comes in without a name', async () => {
    const name = 'guarded'
    const config = join(folderOfTest(), 'nats.conf')
    writeFileSync(config, permissionsOf(name))
    const server = await natsServer(['-c', config])
    await expect(opened(server, name)).rejects.toThrow(TransportError)
    await expect(opened(server, name, { user: 'writer', password: 'wrong' })).rejects.toThrow(TransportError)
    const { place: writer } = await opened(server, name, { user: 'writer', password: 'w' })
    await writer.log.append(bytes(7))
    const digest = await writer.blobs.put(bytes(1, 2))
    const { place: reader } = await opened(server, name, { user: 'reader', password: 'r' })
    const read: number[] = []
    for await (const { payload } of reader.log.read(1)) read.push(...payload)
    expect(read).toEqual([7])
    expect(await reader.blobs.get(digest)).toEqual(bytes(1, 2))
    await expect(reader.log.append(bytes(8))).rejects.toThrow(LogError)
    await expect(reader.blobs.put(bytes(9))).rejects.toThrow(/natsBlobs: put/)
    await expect(reader.blobs.remove(digest)).rejects.toThrow(/natsBlobs: remove/)
    expect(await writer.log.last()).toBe(1)
    expect(await writer.blobs.list()).toEqual([digest])
  })

  test('a worker writes as itself alone, needs no more to learn, and keeps no name from another', async () => {
    const name = 'roles'
    const config = join(folderOfTest(), 'nats.conf')
    writeFileSync(config, permissionsOf(name))
    const server = await natsServer(['-c', config])
    const { place } = await opened(server, name, { user: 'writer', password: 'w' })
    const { place: own } = await opened(server, name, { user: 'worker-a', password: 'a' })
    const cluster = await smallCluster(texts(8), [], { localSteps: 4 }, place)
    const makeLearner = (model: Gpt): Learner => new Learner({ model, optimizer: sgd(0.1) })
    const worker = await ClusterWorker.open(own, { name: 'a', makeLearner })
    // Its user may write as nobody else, and append no records.
    for (const author of ['b', 'coordinator', undefined]) {
      const left = bytesOf(JSON.stringify({ kind: 'left', worker: 'b', reason: '' }))
      await expect(own.log.append(left, author === undefined ? {} : { author })).rejects.toThrow(LogError)
    }
    await expect(own.records.append(bytes(1))).rejects.toThrow(LogError)
    // To remove is the coordinator's.
    const { version } = cluster.coordinator.course
    await expect(own.blobs.remove(version)).rejects.toThrow(/natsBlobs: remove/)
    expect(await place.blobs.has(version)).toBe(true)
    await expect(dismissWorker(own.log, 'b', 'a says so')).rejects.toThrow(LogError)
    for (let isBusy = true; isBusy; ) isBusy = (await worker.turn()) || (await cluster.coordinator.turn())
    expect(cluster.coordinator.course).toMatchObject({ learnt: 8, members: ['a'] })
    await worker.leave('tired')
    worker.dispose()
    // What says itself to be another's entry by the name that a broker knows it by takes nothing from it.
    const connection = await connect({ servers: server.address, user: 'worker-a', pass: 'a' })
    const known = headers()
    known.set('Nats-Msg-Id', 'b round 7')
    const before = await place.log.last()
    connection.publish(`${name}.log.a`, bytes(1), { headers: known })
    await connection.drain()
    await expect.poll(() => place.log.last()).toBe(before + 1)
    const { position, isNew } = await place.log.append(bytes(2), { id: 'round 7', author: 'b' })
    expect([position, isNew]).toEqual([await place.log.last(), true])
  })

  test('whoever may not hear of entries looks for them, and nothing fails where nobody sees it', async () => {
    const config = join(folderOfTest(), 'nats.conf')
    writeFileSync(config, permissionsOf('deaf', '_INBOX.>'))
    const server = await natsServer(['-c', config])
    const { place: writer } = await opened(server, 'deaf', { user: 'writer', password: 'w' })
    const { place, transport } = await opened(server, 'deaf', { user: 'reader', password: 'r' })
    const until = new AbortController()
    const reading = place.log.read(1, { until: until.signal })[Symbol.asyncIterator]()
    const first = reading.next()
    await writer.log.append(bytes(5))
    expect((await first).value).toMatchObject({ position: 1 })
    until.abort()
    expect((await reading.next()).done).toBe(true)
    // A subscription that the broker refuses hears nothing; what it would have thrown is nobody's.
    await (await transport.subscribe('news', () => {})).close()
  })

  test('who answers when the connection has gone fails nowhere', async () => {
    const server = await natsServer()
    const [one, other] = await twice(server)
    let go = (): void => {}
    const asked = new Promise<void>((resolve) => {
      void one.transport.respond('ask', async () => {
        resolve()
        await new Promise<void>((later) => {
          go = later
        })
        return bytes(1)
      })
    })
    const signal = new AbortController()
    await expect
      .poll(async () => {
        const answer = other.transport.request('ask', bytes(1), { signal: signal.signal })
        answer.catch(() => {})
        return Promise.race([asked.then(() => true), answer.catch(() => false)])
      })
      .toBe(true)
    await one.close()
    go()
    signal.abort()
    await expect(one.transport.publish('a', bytes(1))).rejects.toThrow(TransportError)
    await expect(one.transport.subscribe('a', () => {})).rejects.toThrow(TransportError)
  })

  test.skipIf(spawnSync('openssl', ['version']).status !== 0)(
    'with TLS it speaks to a broker whose certificate it knows, and to no other',
    async () => {
      const folder = folderOfTest()
      const [cert, key, other] = ['cert.pem', 'key.pem', 'other.pem'].map((file) => join(folder, file))
      for (const [certificate, own] of [
        [cert, key],
        [other, join(folder, 'other-key.pem')],
      ]) {
        const made = spawnSync('openssl', [
          ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
          ...['-keyout', own, '-out', certificate, '-days', '2', '-subj', '/CN=burgeon'],
          ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
        ])
        expect(made.status, String(made.stderr)).toBe(0)
      }
      const server = await natsServer(['--tls', '--tlscert', cert, '--tlskey', key])
      const { place } = await opened(server, 'sealed', { tls: { caFile: cert } })
      expect(await place.log.append(bytes(1))).toEqual({ position: 1, isNew: true })
      await expect(opened(server, 'sealed', { tls: { caFile: other } })).rejects.toThrow(TransportError)
      await expect(opened(server, 'sealed')).rejects.toThrow(TransportError)
    },
  )
})

test('bad options are refused, and a broker that is not there is said', async () => {
  await expect(natsSeams('two words', { servers: 'nats://127.0.0.1:1' })).rejects.toThrow(OptionError)
  await expect(natsSeams('a', {} as never)).rejects.toThrow(/servers/)
  await expect(natsSeams('a', { servers: 'nats://127.0.0.1:1', colour: 1 } as never)).rejects.toThrow(
    OptionError,
  )
  await expect(natsSeams('a', { servers: 'nats://127.0.0.1:1' })).rejects.toThrow(TransportError)
  const servers = 'nats://127.0.0.1:1'
  await expect(natsSeams('a', { servers, tls: { caFile: 3 } } as never)).rejects.toThrow(/caFile/)
})

/** Subjects by which streams are read. */
const reading = (name: string): string =>
  ['log', 'records', 'blobs']
    .flatMap((kind) => ['STREAM.INFO', 'DIRECT.GET'].map((call) => `$JS.API.${call}.${name}-${kind}`))
    .flatMap((subject) => [`"${subject}"`, `"${subject}.>"`])
    .join(', ')

/** What a reader of a cluster may do, a worker `a`, and a coordinator; nobody else anything. */
const permissionsOf = (name: string, heard = `${name}.>`): string => `
authorization {
  writer = { publish = ["${name}.>", "$JS.API.>"], subscribe = ["${name}.>", "_INBOX.>"] }
  reader = {
    publish = [${reading(name)}]
    subscribe = ["${heard}", "_INBOX.>"]
  }
  worker = {
    publish = ["${name}.log.a", "${name}.blob.*.*", "${name}.talk.>", ${reading(name)}]
    subscribe = ["${name}.>", "_INBOX.>"]
  }
  users = [
    { user = worker-a, password = a, permissions = $worker }
    { user = writer, password = w, permissions = $writer }
    { user = reader, password = r, permissions = $reader }
  ]
}
`
