/** A cluster in one process: a small model, texts to learn, and members that take turns. */
import {
  type ClusterEntry,
  type ClusterPlace,
  entryFromBytes,
  type ClusterSettings,
  ClusterWorker,
  Coordinator,
  memoryBlobs,
  memoryLog,
} from '@burgeon/cluster'
import { Learner, type LearnerOptions } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { adamw } from '@burgeon/autograd/optim'
import { onTestFinished } from 'vitest'

const smallModel = (): Gpt =>
  Gpt.create({ vocabulary: 256, context: 16, embed: 8, heads: 2, layers: 1 }, { seed: 5 })

/** Texts that are all different, and alike enough to learn from. */
export const texts = (count: number): string[] =>
  Array.from(
    { length: count },
    (_, i) => `the ${['cat', 'dog', 'owl'][i % 3]} of house ${i} sleeps at ${(i * 7) % 24}.`,
  )

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

export interface SmallCluster {
  readonly place: ClusterPlace
  coordinator: Coordinator
  readonly workers: Map<string, ClusterWorker>
  /** What each worker has observed, in order: positions of records. */
  readonly seen: Record<string, string[]>
  open(name: string, options?: Partial<LearnerOptions>): Promise<ClusterWorker>
  /** One turn of each. */
  settleOnce(): Promise<boolean>
  /** All take turns, in order of name, until nobody has anything to do. */
  settle(): Promise<void>
}

export async function smallCluster(
  records: readonly string[],
  names: readonly string[],
  settings: ClusterSettings = {},
  place: ClusterPlace = { log: memoryLog(), records: memoryLog(), blobs: memoryBlobs() },
): Promise<SmallCluster> {
  for (const text of records) await place.records.append(bytesOf(text))
  const model = smallModel()
  const coordinator = await Coordinator.found(place, model, { localSteps: 4, keepEvery: 2, ...settings })
  model.dispose()
  const workers = new Map<string, ClusterWorker>()
  const seen: Record<string, string[]> = {}
  const cluster: SmallCluster = {
    ...{ place, coordinator, workers, seen },
    async open(name, options = {}) {
      seen[name] ??= []
      const worker = await ClusterWorker.open(place, {
        name,
        makeLearner: (own) =>
          new Learner({ model: own, optimizer: adamw({ learningRate: 3e-3 }), ...options }),
        dataOf(payload) {
          const text = new TextDecoder().decode(payload)
          seen[name].push(text)
          return text
        },
      })
      workers.set(name, worker)
      return worker
    },
    async settleOnce() {
      let isBusy = false
      for (const name of [...workers.keys()].toSorted()) {
        isBusy = (await workers.get(name)?.turn()) === true || isBusy
      }
      return (await cluster.coordinator.turn()) || isBusy
    },
    async settle() {
      while (await cluster.settleOnce());
    },
  }
  for (const name of names) await cluster.open(name)
  return cluster
}

/** One whose workers are let go of when the test that is running ends. */
export async function clusterOfTest(...args: Parameters<typeof smallCluster>): Promise<SmallCluster> {
  const cluster = await smallCluster(...args)
  onTestFinished(() => {
    for (const worker of cluster.workers.values()) worker.dispose()
  })
  return cluster
}

/** What a worker has in the end, by its own weights. */
export const weightsOf = async (cluster: SmallCluster, name: string): Promise<unknown> =>
  (await cluster.workers.get(name)?.learner.model.toState())?.weights

/** Every entry of a log, as text. */
export async function entriesOf({ log }: ClusterPlace): Promise<string[]> {
  const entries: string[] = []
  for await (const { payload } of log.read(1)) entries.push(new TextDecoder().decode(payload))
  return entries
}

/** The entries of a kind. */
export async function entriesOfKind<K extends ClusterEntry['kind']>(
  { log }: ClusterPlace,
  kind: K,
): Promise<(ClusterEntry & { kind: K })[]> {
  const entries: (ClusterEntry & { kind: K })[] = []
  for await (const { payload } of log.read(1)) {
    const entry = entryFromBytes(payload)
    if (entry?.kind === kind) entries.push(entry as ClusterEntry & { kind: K })
  }
  return entries
}
