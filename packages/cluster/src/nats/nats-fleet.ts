/** What a fleet of replicas needs, over one NATS broker with JetStream. */
import { checkArgument } from '@burgeon/tensor'
import type { Blobs } from '../seams/blobs.ts'
import { aWord } from '../seams/subject.ts'
import type { Transport } from '../seams/transport.ts'
import { ensureStream, type NatsOptions } from './broker.ts'
import { connected } from './connected.ts'
import { NatsBlobs } from './nats-blobs.ts'
import { NatsTransport } from './nats-transport.ts'

/** What a learner, its replicas and their doors share. */
export interface NatsFleet {
  readonly transport: Transport
  /** Holds the weights that were announced, and nothing else. */
  readonly blobs: Blobs
  /** Ends both, and the connection. */
  close(): Promise<void>
}

/**
 * Connects to a broker for a fleet of a name: messages below `NAME.fleet`, weights in the stream `NAME-weights`, made
 * where it is not. A cluster of the same name has others.
 *
 * @param name A word of letters, digits, _ and -.
 * @throws As `natsSeams`.
 */
export async function natsFleet(name: string, options: NatsOptions): Promise<NatsFleet> {
  checkArgument('natsFleet', 'name', name, aWord)
  const [stream, subject] = [`${name}-weights`, `${name}.weights`]
  const broker = await connected('natsFleet', options, (open) =>
    ensureStream(
      open,
      stream,
      { subjects: [`${subject}.*.*`], max_msgs_per_subject: 1 },
      options.makes ?? true,
    ),
  )
  const transport = new NatsTransport(broker, `${name}.fleet`)
  return {
    ...{ transport, blobs: new NatsBlobs(broker, stream, subject) },
    async close() {
      await transport.close()
      await broker.connection.close()
    },
  }
}
