/** Records from NATS JetStream, through the optional packages `@nats-io/transport-node` and `@nats-io/jetstream`. */
import { createHash } from 'node:crypto'
import { StreamError } from '../../stream-error.ts'
import { type BrokerAddress, brokerAddress } from './broker-address.ts'
import { optionalPackage } from './optional-package.ts'
import type { OpenRecords, RecordSource, SourceRecord } from '../record-source.ts'
import { textOfBytes } from './text-of-bytes.ts'

/** A connection, as far as it is used. */
interface Connection {
  closed(): Promise<Error | void>
  close(): Promise<void>
}
interface Transport {
  connect(options: {
    servers: string
    user?: string
    pass?: string
    reconnect: boolean
    name: string
  }): Promise<Connection>
}
/** A message of a stream. */
interface Message {
  readonly data: Uint8Array
  readonly subject: string
  readonly seq: number
  readonly headers?: { get(key: string): string }
  ack(): void
}
interface Messages extends AsyncIterable<Message> {
  stop(error?: Error): void
}
interface JetStream {
  jetstreamManager(connection: Connection): Promise<{
    readonly streams: { find(subject: string): Promise<string> }
    readonly consumers: { add(stream: string, config: object): Promise<unknown> }
    jetstream(): {
      readonly consumers: {
        get(stream: string, durable: string): Promise<{ consume(options: object): Promise<Messages> }>
      }
    }
  }>
}

const transport = { name: '@nats-io/transport-node', version: '3.4.0' }
const jetStream = { name: '@nats-io/jetstream', version: '3.4.0' }

/** Nanoseconds after which a message that was not acknowledged is given again. */
const ackWait = 10e9
/** Messages that are given and not acknowledged at a time. */
const maxPending = 1000

/**
 * The messages of a subject that a stream of JetStream keeps, from its first on. The broker remembers in a
 * durable consumer what was acknowledged: `?reader=name` names it, and two lives need one each.
 *
 * @param address Such as `nats://localhost:4222/notes.>`.
 * @throws UsageError for another address.
 */
export function natsMessages(address: string): RecordSource {
  const parts = brokerAddress(address, 'nats://localhost:4222/notes')
  return { name: parts.name, reopens: true, open: (options) => messages(parts, options) }
}

async function* messages(
  { host, user, password, subject, reader, name }: BrokerAddress,
  { signal, note }: OpenRecords,
): AsyncGenerator<SourceRecord, void, void> {
  const { connect } = await optionalPackage<Transport>(transport, name)
  const { jetstreamManager } = await optionalPackage<JetStream>(jetStream, name)
  const connection = await connect({
    ...{ servers: host, name: 'burgeon', reconnect: false },
    ...(user !== undefined && { user, pass: password ?? '' }),
  }).catch((cause: unknown) => {
    throw failed(name, `cannot be reached (${(cause as Error).message})`, cause)
  })
  const close = (): void => void connection.close().catch(() => {})
  signal.addEventListener('abort', close)
  try {
    const manager = await jetstreamManager(connection)
    const stream = await manager.streams.find(subject).catch((cause: unknown) => {
      throw failed(name, `has no stream that keeps ${subject}; add one to JetStream`, cause)
    })
    const durable = reader ?? `burgeon-${createHash('sha256').update(subject).digest('hex').slice(0, 16)}`
    const config = { durable_name: durable, filter_subject: subject, deliver_policy: 'all' }
    const limits = { ack_policy: 'explicit', ack_wait: ackWait, max_ack_pending: maxPending }
    await manager.consumers.add(stream, { ...config, ...limits })
    const consumer = await manager.jetstream().consumers.get(stream, durable)
    const given = await consumer.consume({ max_messages: maxPending / 4 })
    void connection.closed().then(() => given.stop())
    for await (const message of given) {
      const text = textOfBytes(message.data)
      if (text === null) {
        note(`message ${message.seq} of ${name} is no text, and is left out`)
        message.ack()
        continue
      }
      // What its publisher calls it is also the same where it was published twice.
      const id = message.headers?.get('Nats-Msg-Id') || `${stream} ${message.seq}`
      yield { id, text, domain: message.subject, acknowledge: () => message.ack() }
    }
    if (!signal.aborted) throw failed(name, 'broke off')
  } finally {
    signal.removeEventListener('abort', close)
    close()
  }
}

function failed(name: string, how: string, cause?: unknown): StreamError {
  return new StreamError('source-failed', `learn: ${name} ${how}.`, { cause })
}
