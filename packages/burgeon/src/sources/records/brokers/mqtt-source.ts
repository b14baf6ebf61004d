/** Records from an MQTT broker, through the optional package `mqtt`. */
import { createHash } from 'node:crypto'
import { StreamError } from '../../stream-error.ts'
import { arrivals } from '../arrivals.ts'
import { type BrokerAddress, brokerAddress } from './broker-address.ts'
import { optionalPackage } from './optional-package.ts'
import type { OpenRecords, RecordSource, SourceRecord } from '../record-source.ts'
import { textOfBytes } from './text-of-bytes.ts'

/** A message, as far as it is used. */
interface Packet {
  readonly topic: string
  readonly payload: Uint8Array | string
}
interface Client {
  /** Is given each message; the broker is told of it once `done` is called, and the next one comes then. */
  handleMessage(packet: Packet, done: () => void): void
  on(event: 'connect' | 'close', heard: () => void): void
  on(event: 'error', heard: (error: Error) => void): void
  subscribeAsync(topic: string, options: { qos: 1 }): Promise<readonly { readonly qos: number }[]>
  end(force: boolean): void
}
interface Mqtt {
  connect(url: string, options: object): Client
}

const library = { name: 'mqtt', version: '5.16.0' }

/**
 * The messages of a topic, of quality of service 1. The broker keeps for its reader what comes while nobody
 * reads: `?reader=name` names the reader, and two lives need one each. Messages have no ids, so two with the
 * same text are the same.
 *
 * @param address Such as `mqtt://localhost:1883/notes/#`.
 * @throws UsageError for another address.
 */
export function mqttMessages(address: string): RecordSource {
  const parts = brokerAddress(address, 'mqtt://localhost:1883/notes')
  return { name: parts.name, reopens: true, open: (options) => messages(parts, options) }
}

interface Given {
  readonly packet: Packet
  done(): void
}

async function* messages(
  { host, user, password, subject, reader, name }: BrokerAddress,
  { signal, note }: OpenRecords,
): AsyncGenerator<SourceRecord, void, void> {
  const mqtt = await optionalPackage<Mqtt>(library, name)
  const clientId = reader ?? `burgeon-${createHash('sha256').update(subject).digest('hex').slice(0, 12)}`
  const client = mqtt.connect(`${name.slice(0, name.indexOf(':'))}://${host}`, {
    ...{ clientId, clean: false, reconnectPeriod: 0 },
    ...(user !== undefined && { username: user, password: password ?? '' }),
  })
  const given = arrivals<Given>(Infinity)
  let [isConnected, reason] = [false, 'broke off']
  // What waits for its reader is given as soon as there is a connection.
  client.handleMessage = (packet, done) => void given.push({ packet, done }, signal)
  client.on('connect', () => {
    isConnected = true
  })
  client.on('error', ({ message }) => {
    reason = `${isConnected ? 'broke off' : 'cannot be reached'} (${message})`
  })
  client.on('close', () => given.fail(failed(name, reason)))
  const close = (): void => {
    given.end()
    client.end(true)
  }
  signal.addEventListener('abort', close)
  try {
    client.subscribeAsync(subject, { qos: 1 }).then(
      (granted) =>
        granted.some(({ qos }) => qos === 1) || given.fail(failed(name, 'refuses messages of quality 1')),
      (error: Error) => given.fail(failed(name, `refuses ${subject} (${error.message})`)),
    )
    for await (const { packet, done } of given) {
      const { topic, payload } = packet
      const text = textOfBytes(typeof payload === 'string' ? new TextEncoder().encode(payload) : payload)
      if (text === null) {
        note(`a message of ${name} is no text, and is left out`)
        done()
        continue
      }
      yield { text, domain: topic, acknowledge: done }
    }
  } finally {
    signal.removeEventListener('abort', close)
    client.end(true)
  }
}

function failed(name: string, how: string): StreamError {
  return new StreamError('source-failed', `learn: ${name} ${how}.`)
}
