/** A learner's model, its source, and a network whose messages and blobs can be spoilt. */
import { sgd } from '@burgeon/autograd/optim'
import {
  type Announced,
  type Blobs,
  type InProcessNetwork,
  inProcessNetwork,
  memoryBlobs,
  Replica,
  type ReplicaEvent,
  type Transport,
  WeightsSource,
} from '@burgeon/cluster'
import { Gpt } from '@burgeon/gpt'
import { openReference } from '@burgeon/tensor/reference'
import { drawFrom } from '../../growth/tiny-model.ts'
import { rowsOf, wholeStep } from '../shards/sharded.ts'

export const device = openReference()
export const subject = 'weights.life'

/** A model that learns, and announces its weights. */
export interface Followed {
  readonly model: Gpt
  readonly network: InProcessNetwork
  readonly blobs: Blobs
  readonly source: WeightsSource
  readonly transport: Transport
  /** Learns so many steps more, and announces them. */
  learn(steps?: number): Promise<Announced>
  /** Learns a step more, and announces nothing. */
  learnSilently(): void
}

/** @param spoil Changes, drops or doubles what is published: returns what comes in its place. */
export async function followed(
  spoil: (payload: Uint8Array, at: number) => readonly Uint8Array[] = (payload) => [payload],
  keeps?: number,
): Promise<Followed> {
  const sizes = { vocabulary: 13, context: 8, embed: 8, heads: 2, layers: 2 }
  const model = Gpt.create(sizes, { device, seed: 1 })
  const network = inProcessNetwork()
  const [transport, blobs] = [network.connect(), memoryBlobs()]
  const optimizer = sgd({ learningRate: 0.5 })
  let [steps, published] = [0, 0]
  const spoilt: Transport = {
    ...{ subscribe: transport.subscribe.bind(transport), respond: transport.respond.bind(transport) },
    ...{ request: transport.request.bind(transport), close: () => transport.close() },
    publish: async (to, payload) => {
      for (const each of spoil(payload, published++)) await transport.publish(to, each)
    },
  }
  const source = await WeightsSource.open(model, {
    transport: spoilt,
    blobs,
    subject,
    ...(keeps && { keeps }),
  })
  const learnSilently = (): void => {
    wholeStep(model, optimizer, steps, rowsOf(model, drawFrom(steps++), 2))
  }
  return {
    ...{ model, network, blobs, source, transport, learnSilently },
    async learn(count = 1) {
      for (let i = 0; i < count; i++) learnSilently()
      return source.announce({ step: steps })
    },
  }
}

/** A replica, and what happened to it. */
export async function follow({ network, blobs }: Pick<Followed, 'network' | 'blobs'>): Promise<{
  readonly replica: Replica
  readonly events: ReplicaEvent[]
}> {
  const events: ReplicaEvent[] = []
  const replica = await Replica.follow({
    ...{ transport: network.connect(), blobs, subject, device },
    onEvent: (event) => events.push(event),
  })
  return { replica, events }
}

/** The numbers of a model by path. */
export const numbersOf = (model: Gpt): Record<string, number[]> =>
  Object.fromEntries(
    [...model.parameters].map(({ path, tensor }) => [path, [...Float32Array.from(tensor.readSync())]]),
  )
