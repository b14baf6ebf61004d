/** The seams between machines, over one NATS broker with JetStream. */
import { type Check, checkArgument, checkOptions, checks, fields, optional } from '@burgeon/tensor'
import { TransportError } from '../errors.ts'
import type { ClusterPlace } from '../learners/coordinator.ts'
import { aWord } from '../seams/subject.ts'
import type { Transport } from '../seams/transport.ts'
import { ensureStream, type NatsOptions, reach } from './broker.ts'
import { NatsBlobs } from './nats-blobs.ts'
import { NatsLog } from './nats-log.ts'
import { NatsTransport } from './nats-transport.ts'

/** What a cluster needs of a broker. */
export interface NatsSeams {
  /** What a coordinator and workers need. */
  readonly place: ClusterPlace
  readonly transport: Transport
  /** Ends all of them, and the connection. */
  close(): Promise<void>
}

/** Nanoseconds for which an entry is known by its id: a day. */
const known = 24 * 3600 * 1e9

const { text } = checks
const someServers: Check<string | readonly string[]> = {
  expected: 'an address, such as nats://localhost:4222, or a list of some',
  accepts: (value): value is string | readonly string[] => {
    const all: readonly unknown[] = Array.isArray(value) ? value : [value]
    return all.length > 0 && all.every((one) => typeof one === 'string' && one !== '')
  },
}

/**
 * Connects to a broker, and opens what a cluster of a name keeps there: streams `NAME-log`, `NAME-records` and
 * `NAME-blobs`, made where they are not. Two that are opened with one name see the same.
 *
 * A broker acknowledges what it may not have on disk yet (`sync_interval`); it is what machines speak through,
 * and not the only place of anything that matters. An entry is known by its id for a day. One who answers and is
 * killed leaves the one who asked waiting: give requests a signal.
 *
 * @param name A word of letters, digits, _ and -.
 * @throws OptionError for a name or options that are none, UnsupportedError without the packages
 *   `@nats-io/transport-node` and `@nats-io/jetstream`, TransportError if the broker cannot be reached, or
 *   refuses.
 */
export async function natsSeams(name: string, options: NatsOptions): Promise<NatsSeams> {
  checkArgument('natsSeams', 'name', name, aWord)
  checkOptions('natsSeams', options, {
    servers: checks.required(someServers),
    ...{ user: text, password: text, token: text, makes: checks.boolean },
    tls: fields('an object of files', {
      caFile: optional(text),
      certFile: optional(text),
      keyFile: optional(text),
    }),
  })
  const failed = (cause: unknown): never => {
    if ((cause as Error).name === 'UnsupportedError') throw cause
    throw new TransportError(`natsSeams: ${String(options.servers)}: ${(cause as Error).message}`, { cause })
  }
  const { makes = true } = options
  const broker = await reach(options).catch(failed)
  const subjects = { log: `${name}.log`, records: `${name}.records`, blobs: `${name}.blob` }
  try {
    for (const kind of ['log', 'records'] as const) {
      const config = { subjects: [subjects[kind], `${subjects[kind]}.*`], duplicate_window: known }
      await ensureStream(broker, `${name}-${kind}`, config, makes)
    }
    const config = { subjects: [`${subjects.blobs}.*.*`], max_msgs_per_subject: 1 }
    await ensureStream(broker, `${name}-blobs`, config, makes)
  } catch (error) {
    await broker.connection.close()
    failed(error)
  }
  const transport = new NatsTransport(broker, `${name}.talk`)
  const [log, records] = (['log', 'records'] as const).map(
    (kind) => new NatsLog(broker, `${name}-${kind}`, subjects[kind]),
  )
  return {
    place: { log, records, blobs: new NatsBlobs(broker, `${name}-blobs`, subjects.blobs) },
    transport,
    async close() {
      await Promise.all([transport.close(), log.close(), records.close()])
      await broker.connection.close()
    },
  }
}
