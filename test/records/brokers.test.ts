/** A life that learns messages of brokers learns each once, whenever it is killed, and while the broker is away. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { Aedes } from 'aedes'
import { describe, expect, onTestFinished, test } from 'vitest'
import { running } from '../front-door/running.ts'
import { shortOrLong, times } from '../how-long.ts'
import { lifeFolder } from '../server/small-served.ts'
import { expectLearntOnce, type Giver, killAndLearn, textOf } from './learnt-once.ts'

/** An MQTT broker in this process, which keeps what comes while its reader is away. */
async function mqttBroker(): Promise<
  Giver & { publish(topic: string, payload: Buffer): Promise<void>; breakOff(): void }
> {
  const broker = await Aedes.createBroker()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    broker.handle(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    broker.close()
    server.close()
  })
  const subscribed = new Promise<void>((resolve) => broker.once('subscribe', () => resolve()))
  const publish = (topic: string, payload: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      const packet = { cmd: 'publish', qos: 1, retain: false, dup: false, topic, payload } as const
      broker.publish(packet, (error) => (error ? reject(error) : resolve()))
    })
  let given = 0
  return {
    address: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}/notes/#`,
    publish,
    given: () => given,
    async give(count) {
      await subscribed
      for (const end = given + count; given < end; given++)
        await publish('notes/a', Buffer.from(textOf(given)))
    },
    breakOff() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

describe('MQTT', () => {
  test('each message is learnt once, whenever the process is killed', async () => {
    const giver = await mqttBroker()
    await expectLearntOnce(await killAndLearn(giver, times(1, 8, 200), 5), giver.given())
  })
  test('a broker that breaks off is asked again; what is no text is left out, and both are said', async () => {
    const giver = await mqttBroker()
    const folder = await lifeFolder()
    const process = running(['learn', giver.address, '--resume', '--out', folder], dirname(folder))
    await giver.give(2)
    await giver.publish('notes/b', Buffer.of(1, 0, 255))
    await process.says('status', /a message of mqtt:\S+ is no text, and is left out/)
    giver.breakOff()
    await process.says('status', /mqtt:\S+ broke off.*It is asked again/)
    await giver.give(2)
    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(0)
  })
})

const hasNats = spawnSync('nats-server', ['--version']).status === 0

/** A NATS server with JetStream; the test that started it ends it. */
async function natsServer(port: number, store: string): Promise<{ process: ChildProcess; port: number }> {
  const process = spawn('nats-server', ['-js', '-a', '127.0.0.1', '-p', `${port}`, '-sd', store], {
    stdio: 'pipe',
  })
  onTestFinished(() => void process.kill('SIGKILL'))
  let said = ''
  const found = await new Promise<number>((resolve, reject) => {
    process.on('close', () => reject(new Error(said)))
    process.stderr.on('data', (data) => {
      said += String(data)
      const [, own] = /client connections on 127\.0\.0\.1:(\d+)[^]*Server is ready/.exec(said) ?? []
      if (own !== undefined) resolve(Number(own))
    })
  })
  return { process, port: found }
}

/** A stream of messages at such a server. */
async function natsBroker(): Promise<
  Giver & { restart(): Promise<void>; publish(data: Uint8Array): Promise<void> }
> {
  const store = mkdtempSync(join(tmpdir(), 'burgeon-nats-'))
  onTestFinished(() => rmSync(store, { recursive: true, force: true }))
  let server = await natsServer(-1, store)
  const { port } = server
  const published = async (messages: readonly (readonly [id: string, data: Uint8Array])[]): Promise<void> => {
    const connection = await connect({ servers: `127.0.0.1:${port}` })
    for (const [msgID, data] of messages) await jetstream(connection).publish('notes.a', data, { msgID })
    await connection.close()
  }
  const connection = await connect({ servers: `127.0.0.1:${port}` })
  await (await jetstreamManager(connection)).streams.add({ name: 'NOTES', subjects: ['notes.>'] })
  await connection.close()
  let given = 0
  return {
    address: `nats://127.0.0.1:${port}/notes.>`,
    given: () => given,
    async give(count) {
      const from = given
      given += count
      await published(
        Array.from(
          { length: count },
          (_, i) => [`${from + i}`, new TextEncoder().encode(textOf(from + i))] as const,
        ),
      )
    },
    publish: (data) => published([['other', data]]),
    async restart() {
      server.process.removeAllListeners('close')
      server.process.kill('SIGKILL')
      await new Promise((resolve) => server.process.once('exit', resolve))
      server = await natsServer(port, store)
    },
  }
}

describe('NATS', () => {
  const why = 'there is no nats-server here'
  test('each message is learnt once, whenever the process is killed', async ({ skip }) => {
    skip(!hasNats, why)
    const giver = await natsBroker()
    await expectLearntOnce(await killAndLearn(giver, times(1, 8, 200), 7), giver.given())
  })
  test('a server that is killed is asked again, and what came meanwhile is learnt', async ({ skip }) => {
    skip(!hasNats, why)
    skip(shortOrLong(true, false), 'the short form restarts no server')
    const giver = await natsBroker()
    const folder = await lifeFolder()
    const process = running(['learn', giver.address, '--resume', '--out', folder], dirname(folder))
    await giver.give(3)
    await giver.publish(Uint8Array.of(255, 254))
    await process.says('status', /message 4 of nats:\S+ is no text, and is left out/)
    await giver.restart()
    await process.says('status', /nats:\S+ broke off.*It is asked again/)
    await giver.give(2)
    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(0)
  })
  test('a subject that no stream keeps is said', async ({ skip }) => {
    skip(!hasNats, why)
    const giver = await natsBroker()
    const folder = await lifeFolder()
    const address = giver.address.replace('notes.>', 'letters')
    const process = running(['learn', address, '--resume', '--out', folder], dirname(folder))
    await process.says('status', /has no stream that keeps letters; add one to JetStream\. It is asked again/)
    process.child.kill('SIGTERM')
    expect(await process.ended).toBe(0)
  })
})

test.each(['nats://localhost', 'mqtt:///notes', 'nats://me:secret@localhost/'])(
  '%s is refused, and no password is shown',
  async (address) => {
    const folder = await lifeFolder()
    const process = running(['learn', address, '--resume', '--out', folder], dirname(folder))
    expect(await process.ended).not.toBe(0)
    expect(process.said.status).toMatch(/expected an address such as/)
    expect(process.said.status + process.said.output).not.toContain('secret')
  },
)
