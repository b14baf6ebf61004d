/** The seams between machines, over one NATS broker with JetStream. */
import { checkArgument } from '@burgeon/tensor'
import type { ClusterPlace } from '../learners/coordinator.ts'
import { aWord } from '../seams/subject.ts'
import type { Transport } from '../seams/transport.ts'
import { ensureStream, type NatsOptions } from './broker.ts'
import { connected } from './connected.ts'
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
  const subjects = { log: `${name}.log`, records: `${name}.records`, blobs: `${name}.blob` }
  const broker = await connected('natsSeams', options, async (open) => {
    const { makes = true } = options
    for (const kind of ['log', 'records'] as const) {
      const config = { subjects: [subjects[kind], `${subjects[kind]}.*`], duplicate_window: known }
      await ensureStream(open, `${name}-${kind}`, config, makes)
    }
    const config = { subjects: [`${subjects.blobs}.*.*`], max_msgs_per_subject: 1 }
    await ensureStream(open, `${name}-blobs`, config, makes)
  })
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
