/** The task of a peer: the same GPT as ours, trained the same way. */
import type { PlainTensor } from '@burgeon/tensor'
import { Bench } from 'tinybench'

/** Sizes of a model and its batch. */
export interface TrainingCase {
  readonly name: string
  readonly layers: number
  readonly heads: number
  readonly embed: number
  readonly context: number
  readonly batch: number
  readonly vocabulary: number
}

/** Numbers of AdamW with clipping, the same for everyone. */
export const optimizer = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0.1,
  clip: 1,
}

/** Weights by path, as `Gpt.toState` returns them. */
export type Weights = Readonly<Record<string, PlainTensor>>

/** A model in training. */
export interface Trainer {
  /**
   * Does updates number `first` to `first + count − 1` and returns their losses and the milliseconds each
   * took.
   */
  run(first: number, count: number): Promise<{ losses: number[]; milliseconds: number[] }>
  dispose(): Promise<void> | void
}

/** `run` of a trainer in this process, of an update that returns its loss once it is done. */
export function timedUpdates(update: (step: number) => number): Trainer['run'] {
  return (first, count) => {
    const [losses, milliseconds]: number[][] = [[], []]
    for (let step = first; step < first + count; step++) {
      const start = performance.now()
      losses.push(update(step))
      milliseconds.push(performance.now() - start)
    }
    return Promise.resolve({ losses, milliseconds })
  }
}

/** A library to compare with. */
export interface Peer {
  /** As printed in tables, with its version. */
  readonly name: string
  readonly isJavaScript: boolean
  trainer(about: TrainingCase, weights: Weights): Promise<Trainer>
  /**
   * Milliseconds until `a · b` has been read, the median of many; absent where the peer does not have that
   * product.
   */
  matmul?(shape: ProductShape): Promise<number>
  /** Milliseconds of causal attention forward over [B, T, H, D]. */
  attention?(shape: readonly [number, number, number, number]): Promise<number>
  close(): Promise<void> | void
}

/** C[m, n] = A[m, k]·B[k, n], each operand stored as it is or transposed. */
export interface ProductShape {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly transposeA?: boolean
  readonly transposeB?: boolean
}

/** Tokens and targets of update `step`: arithmetic, so that every peer makes them itself. */
export function batchOf(step: number, { batch, context, vocabulary }: TrainingCase) {
  const token = (i: number): number => (i * 7 + i * Math.floor(i / 3) + step * 31) % vocabulary
  const count = batch * context
  return {
    tokens: Int32Array.from({ length: count }, (_, i) => token(i)),
    targets: Int32Array.from({ length: count }, (_, i) => token(i + 1)),
  }
}

/** Runs something until it is warm, then for a while, and returns the median of the milliseconds it took. */
export async function medianOf(run: () => void, milliseconds = 60): Promise<number> {
  const bench = new Bench({
    ...{ time: milliseconds, iterations: 5 },
    ...{ warmupTime: milliseconds, warmupIterations: 1 },
    throws: true,
  })
  bench.add('run', run)
  await bench.run()
  const { result } = bench.tasks[0]
  if (!('latency' in result)) throw new Error(`bench: a run ended as ${result.state}.`)
  return result.latency.p50
}

/**
 * Rounds of a comparison, and how long one contestant may take for its part of one before it is let off the
 * others.
 */
const [rounds, maxMilliseconds] = [7, 3000]

/** Times of one contestant, round by round, in milliseconds. */
export interface Timed {
  readonly name: string
  readonly times: readonly number[]
}

/**
 * Measures all in turn, round after round, so that every round is a comparison within one mood of the
 * machine.
 */
export async function inTurn<T extends { readonly name: string; measure(): Promise<number> }>(
  contestants: readonly T[],
): Promise<(T & Timed)[]> {
  const entries = contestants.map((contestant) => ({ contestant, times: [] as number[], isSlow: false }))
  for (let round = 0; round < rounds; round++) {
    for (const entry of entries.filter(({ isSlow }) => !isSlow)) {
      const start = performance.now()
      entry.times.push(await entry.contestant.measure())
      entry.isSlow = performance.now() - start > maxMilliseconds
    }
  }
  return entries.map(({ contestant, times }) => ({ ...contestant, times }))
}

/** How many times as fast as `peer`: the median of the rounds that both took part in. */
export const timesAsFast = (own: Timed, peer: Timed): number =>
  median(peer.times.map((time, round) => time / own.times[round]))

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
