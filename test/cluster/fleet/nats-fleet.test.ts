/** A source and replicas over a NATS broker: a broker that is killed, and who may say which weights there are. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  answerRequests,
  BlobError,
  Replica,
  type ReplicaEvent,
  RequestRelay,
  TransportError,
  WeightsSource,
} from '@burgeon/cluster'
import { type NatsFleet, natsFleet, natsSeams } from '@burgeon/cluster/nats'
import { grow } from '@burgeon/gpt/growth'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, onTestFinished, test } from 'vitest'
import { times } from '../../how-long.ts'
import { folderOfTest, hasNats, type NatsServer, natsServer } from '../nats-server.ts'
import { device, followed, numbersOf, subject } from './followed.ts'

/** Opens what a fleet needs, which the test that opened it closes. */
async function opened(
  { address }: NatsServer,
  name: string,
  more: object = {},
): Promise<Pick<NatsFleet, 'transport' | 'blobs'>> {
  const { transport, blobs, close } = await natsFleet(name, { servers: address, ...more })
  onTestFinished(() => close())
  return { transport, blobs }
}

describe.skipIf(!hasNats)('over NATS', () => {
  test('a replica has the learner s weights at every version, though the broker is killed again and again', async () => {
    const server = await natsServer()
    const life = await followed()
    await life.source.close()
    const source = await WeightsSource.open(life.model, { ...(await opened(server, 'kills')), subject })
    const events: ReplicaEvent[] = []
    const waits: AbortController[] = []
    const replica = await Replica.follow({
      ...{ ...(await opened(server, 'kills')), subject, device },
      onEvent: (event) => events.push(event),
      limit: () => {
        const wait = new AbortController()
        waits.push(wait)
        return wait.signal
      },
    })
    const known = new Map([[replica.version, numbersOf(life.model)]])
    const isWhole = (): void => expect(numbersOf(replica.model)).toEqual(known.get(replica.version))
    for (let i = 0; i < times(6, 60); i++) {
      life.learnSilently()
      if (i === 2)
        await grow(life.model, { kind: 'widenMlp', block: 'b1', to: 40 }, { mirrors: [], key: [1, 2] })
      if (i % 3 === 1) {
        await server.kill()
        void server.start()
      }
      // A source that could not announce says it again.
      for (;;) {
        try {
          const { step, root } = await source.announce({ step: i + 1 })
          known.set(`${step}-${root.slice(0, 12)}`, numbersOf(life.model))
          break
        } catch (error) {
          expect([BlobError, TransportError].some((kind) => error instanceof kind)).toBe(true)
        }
      }
      isWhole()
      await expect
        .poll(async () => {
          for (const wait of waits.splice(0)) wait.abort()
          const looking = replica.look()
          await Promise.race([looking, new Promise((resolve) => setImmediate(resolve))])
          isWhole()
          return replica.step
        })
        .toBe(i + 1)
      expect(numbersOf(replica.model)).toEqual(numbersOf(life.model))
    }
    expect(events.some(({ kind }) => kind === 'followed')).toBe(true)
  })

  test('a fleet and a cluster of one name have nothing to do with each other', async () => {
    const server = await natsServer()
    const [fleet, cluster] = [
      await opened(server, 'both'),
      await natsSeams('both', { servers: server.address }),
    ]
    onTestFinished(() => cluster.close())
    await cluster.place.blobs.put(Uint8Array.of(1))
    expect(await fleet.blobs.list()).toEqual([])
    await expect(fleet.transport.request('weights.head', new Uint8Array())).rejects.toThrow(TransportError)
  })

  test('the permissions of the document: a replica follows and answers, a door asks, neither says which weights there are', async () => {
    const config = join(folderOfTest(), 'nats.conf')
    writeFileSync(config, permissionsOf('notes'))
    const server = await natsServer(['-c', config])
    const as = (user: string) => opened(server, 'notes', { user, password: user })
    await expect(opened(server, 'notes')).rejects.toThrow(TransportError)
    const life = await followed()
    await life.source.close()
    const source = await WeightsSource.open(life.model, { ...(await as('learner')), subject: 'weights' })
    const own = await as('replica')
    const replica = await Replica.follow({ ...own, subject: 'weights', device })
    life.learnSilently()
    await source.announce({ step: 1 })
    await expect.poll(() => replica.step).toBe(1)
    await answerRequests(() => new Response(replica.version), {
      transport: own.transport,
      subject: 'requests',
    })
    const before = await as('door')
    const relay = await RequestRelay.open({
      ...{ transport: before.transport, subject: 'requests', attempts: 1 },
      pause: (signal) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
    })
    const answer = await relay.ask({ method: 'GET', path: '/', headers: {}, body: new Uint8Array() })
    expect(await answer.text()).toBe(replica.version)
    // What others say of weights reaches nobody.
    let heard = 0
    const ear = await as('learner')
    await ear.transport.subscribe('weights', () => void heard++)
    for (const { transport, blobs } of [own, before]) {
      await transport.publish('weights', Uint8Array.of(1)).catch(() => {})
      await expect(blobs.put(Uint8Array.of(1))).rejects.toThrow(BlobError)
      await expect(blobs.remove('0'.repeat(64))).rejects.toThrow(BlobError)
    }
    life.learnSilently()
    await source.announce({ step: 2 })
    await expect.poll(() => replica.step).toBe(2)
    expect(heard).toBe(1)
  })
})

test('bad names and options are refused', async () => {
  await expect(natsFleet('two words', { servers: 'nats://127.0.0.1:1' })).rejects.toThrow(OptionError)
  await expect(natsFleet('a', {} as never)).rejects.toThrow(/natsFleet: got no servers/)
  await expect(natsFleet('a', { servers: 'nats://127.0.0.1:1' })).rejects.toThrow(TransportError)
})

/** What docs/cluster.md prints, with users. */
const permissionsOf = (name: string): string => `
authorization {
  learner = { publish = ["${name}.>", "$JS.API.>", "_INBOX.>"], subscribe = ["${name}.>", "_INBOX.>"] }
  replica = {
    publish = ["${name}.fleet.ask.weights.*", "${name}.fleet.msg.requests.door.*", "_INBOX.>",
               "$JS.API.STREAM.INFO.${name}-weights", "$JS.API.DIRECT.GET.${name}-weights", "$JS.API.DIRECT.GET.${name}-weights.>"]
    subscribe = ["${name}.fleet.msg.weights", "${name}.fleet.ask.requests", "${name}.fleet.ask.requests.member.*", "_INBOX.>"]
  }
  door = {
    publish = ["${name}.fleet.ask.requests", "${name}.fleet.ask.requests.member.*", "$JS.API.STREAM.INFO.${name}-weights"]
    subscribe = ["${name}.fleet.msg.requests.door.*", "_INBOX.>"]
  }
  users = [${['learner', 'replica', 'door']
    .map((role) => `{ user = ${role}, password = ${role}, permissions = $${role} }`)
    .join(', ')}]
}
`
