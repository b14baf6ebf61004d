import { checks, checkState, fields, StateError } from '@burgeon/tensor'
import { count } from '../saved-state.ts'

/** Mean and spread of some consecutive values. */
export interface Moments {
  readonly count: number
  readonly mean: number
  /** Sum of squared differences from the mean. */
  readonly deviation: number
}

const aBucket = fields<Moments>('moments', {
  count: checks.integer({ from: 1 }),
  mean: checks.number(),
  deviation: checks.number({ from: 0 }),
})

/** The moments of no values. */
export const noMoments: Moments = { count: 0, mean: 0, deviation: 0 }

/** The moments of two neighboring stretches together (Chan, Golub & LeVeque 1979, eq. 2.1). */
export function joined(a: Moments, b: Moments): Moments {
  const count = a.count + b.count
  const step = b.mean - a.mean
  return {
    count,
    mean: a.mean + (step * b.count) / count,
    deviation: a.deviation + b.deviation + (step * step * a.count * b.count) / count,
  }
}

export interface ExponentialHistogramState {
  readonly rows: readonly (readonly Moments[])[]
  readonly total: Moments
}

/**
 * A window of the last `total.count` values in O(log n) memory: row r holds up to five buckets, oldest first,
 * each the moments of 2^r consecutive values (Bifet & Gavaldà 2007, section 4, M = 5; variance as in Babcock
 * et al. 2003).
 */
export class ExponentialHistogram {
  static readonly bucketsPerRow: number = 5
  #rows: Moments[][] = [[]]
  #total: Moments = noMoments

  /** The moments of the whole window. */
  get total(): Moments {
    return this.#total
  }

  insert(value: number): void {
    const bucket = { count: 1, mean: value, deviation: 0 }
    this.#total = joined(this.#total, bucket)
    this.#rows[0].push(bucket)
    for (let r = 0; this.#rows[r].length > ExponentialHistogram.bucketsPerRow; r++) {
      // The two oldest merge, so that resolution is lost where it matters least.
      const [oldest, next] = this.#rows[r].splice(0, 2)
      this.#rows[r + 1] ??= []
      this.#rows[r + 1].push(joined(oldest, next))
    }
  }

  dropOldest(): void {
    this.#rows[this.#rows.length - 1].shift()
    if (this.#rows.length > 1 && this.#rows[this.#rows.length - 1].length === 0) this.#rows.pop()
    // Summed anew: taking the bucket's moments away would leave rounding errors, even a negative spread,
    // behind.
    this.#total = noMoments
    for (const bucket of this.oldestFirst()) this.#total = joined(this.#total, bucket)
  }

  *oldestFirst(): Generator<Moments, void> {
    for (let r = this.#rows.length - 1; r >= 0; r--) yield* this.#rows[r]
  }

  toState(): ExponentialHistogramState {
    return { rows: this.#rows.map((row) => [...row]), total: this.#total }
  }

  /** @throws StateError for an invalid state, or one whose buckets do not make up the whole. */
  static fromState(state: unknown): ExponentialHistogram {
    const saved = checkState<ExponentialHistogramState>('adaptive-windowing: window', state, {
      rows: checks.list('rows of buckets', checks.list('buckets', aBucket)),
      total: fields<Moments>('moments', {
        count,
        mean: checks.number(),
        deviation: checks.number({ from: 0 }),
      }),
    })
    const inBuckets = saved.rows.flat().reduce((sum, bucket) => sum + bucket.count, 0)
    if (saved.rows.length === 0 || inBuckets !== saved.total.count) {
      throw new StateError(
        `adaptive-windowing: the saved window has ${inBuckets} values in ${saved.rows.length} rows of buckets; ` +
          `expected ${saved.total.count} in one or more. Is the file whole?`,
      )
    }
    const histogram = new ExponentialHistogram()
    histogram.#rows = saved.rows.map((row) => [...row])
    histogram.#total = saved.total
    return histogram
  }
}
