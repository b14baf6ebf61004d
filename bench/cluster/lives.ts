/** Lives of several workers in one process: in step, apart and joined, and controls. */
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import {
  type ClusterSettings,
  ClusterWorker,
  Coordinator,
  memoryBlobs,
  memoryLog,
  sharedGradients,
} from '@burgeon/cluster'
import {
  batchOfTokens,
  type GradientExchange,
  evaluateText,
  joinBatches,
  gradientParts,
  Learner,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt, type GptState } from '@burgeon/gpt'
import { Traffic } from './counted.ts'

const context = 64
const rowsOfStep = 4
/** Bytes of a record: the rows of one local step. */
export const recordBytes: number = rowsOfStep * context + 1

const sizes = { vocabulary: 256, context, embed: 48, heads: 4, layers: 2 }

/** A learner as every worker has it. */
const makeLearner = (model: Gpt, exchange?: GradientExchange): Learner =>
  new Learner({
    model,
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: warmUp(3e-3, 50) })),
    ...(exchange && { exchange }),
  })

/** A model that has read some records by itself: what a cluster begins with. */
export async function bornWith(seed: number, records: readonly Uint8Array[]): Promise<GptState> {
  const learner = makeLearner(Gpt.create(sizes, { seed }))
  for (const record of records) await learner.observe(rowsOf(record))
  const state = await learner.model.toState()
  learner.dispose()
  learner.model.dispose()
  return state
}

const rowsOf = (record: Uint8Array): TokenBatch => batchOfTokens(Int32Array.from(record), context, 'text')

/** How a life ended. */
export interface Ended {
  /** Held-out loss of each text, bits per byte. */
  readonly losses: readonly number[]
  /** Bytes that a worker sent and received, once all had begun: the mean of them. */
  readonly bytesPerWorker: number
}

const lossesOf = async (model: Gpt, heldOut: readonly Uint8Array[]): Promise<number[]> => {
  const losses: number[] = []
  for (const text of heldOut) losses.push((await evaluateText(model, text)).bitsPerByte)
  return losses
}

/** A number of a model's weights that tells two of them apart. */
async function printOf(model: Gpt): Promise<string> {
  const { weights } = await model.toState()
  const bytes = Object.values(weights).map(({ data }) =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  )
  return Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.concat(bytes))).toString('hex')
}

/** All take every step together: each step has a record of each. */
export async function inStep(
  born: GptState,
  count: number,
  records: readonly Uint8Array[],
  heldOut: readonly Uint8Array[],
): Promise<Ended & { readonly print: string }> {
  const [log, blobs] = [memoryLog(), memoryBlobs()]
  const members = Array.from({ length: count }, (_, i) => `w${i}`)
  const traffic = new Traffic()
  const learners = members.map((name) => {
    const exchange = sharedGradients({ log: traffic.log(log), blobs: traffic.blobs(blobs), name, members })
    return makeLearner(Gpt.fromState(born), exchange)
  })
  for (let at = 0; at + count <= records.length; at += count) {
    await Promise.all(learners.map((learner, i) => learner.observe(rowsOf(records[at + i]))))
    for (const digest of await blobs.list()) await blobs.remove(digest)
  }
  const [{ model }] = learners
  const ended = {
    losses: await lossesOf(model, heldOut),
    bytesPerWorker: traffic.bytes / count,
    print: await printOf(model),
  }
  for (const learner of learners) {
    learner.dispose()
    learner.model.dispose()
  }
  return ended
}

/** One machine that takes the same rows in the same parts. */
export async function alone(born: GptState, count: number, records: readonly Uint8Array[]): Promise<string> {
  const model = Gpt.fromState(born)
  const learner = makeLearner(model, gradientParts(count))
  for (let at = 0; at + count <= records.length; at += count) {
    await learner.observe(joinBatches(records.slice(at, at + count).map(rowsOf)))
  }
  const print = await printOf(model)
  learner.dispose()
  model.dispose()
  return print
}

/** Workers that learn apart and join; record number i goes to worker i mod their number. */
export async function apart(
  born: GptState,
  count: number,
  records: readonly Uint8Array[],
  heldOut: readonly Uint8Array[],
  settings: ClusterSettings,
): Promise<Ended> {
  const place = { log: memoryLog(), records: memoryLog(), blobs: memoryBlobs() }
  for (const record of records) await place.records.append(record)
  const model = Gpt.fromState(born)
  const coordinator = await Coordinator.found(place, model, { ...settings, keepEvery: 1000 })
  model.dispose()
  const traffic = new Traffic()
  const counted = { ...place, log: traffic.log(place.log), blobs: traffic.blobs(place.blobs) }
  const workers: ClusterWorker[] = []
  for (let i = 0; i < count; i++) {
    workers.push(
      await ClusterWorker.open(counted, {
        name: `w${i}`,
        makeLearner: (own) => makeLearner(own),
        dataOf: rowsOf,
      }),
    )
  }
  traffic.bytes = 0
  for (let isBusy = true; isBusy; ) {
    isBusy = false
    for (const worker of workers) isBusy = (await worker.turn()) || isBusy
    isBusy = (await coordinator.turn()) || isBusy
  }
  const [{ learner }] = workers
  const ended = { losses: await lossesOf(learner.model, heldOut), bytesPerWorker: traffic.bytes / count }
  for (const worker of workers) worker.dispose()
  return ended
}

/** One worker without any others, on its own records. */
export async function byItself(
  born: GptState,
  records: readonly Uint8Array[],
  heldOut: readonly Uint8Array[],
): Promise<readonly number[]> {
  const model = Gpt.fromState(born)
  const learner = makeLearner(model)
  for (const record of records) await learner.observe(rowsOf(record))
  const losses = await lossesOf(model, heldOut)
  learner.dispose()
  model.dispose()
  return losses
}
