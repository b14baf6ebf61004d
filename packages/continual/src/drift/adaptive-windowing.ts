import { checkOptions, checks, checkState } from '@burgeon/tensor'
import { requireMeasurement } from '../errors.ts'
import { count, requireSameOptions, stateOfKind } from '../saved-state.ts'
import type { DriftDetector, DriftDirection, DriftVerdict } from './drift-detector.ts'
import {
  ExponentialHistogram,
  type ExponentialHistogramState,
  joined,
  type Moments,
  noMoments,
} from './exponential-histogram.ts'

/** How sensitive ADWIN is, and how often it looks. */
export interface AdaptiveWindowingOptions {
  /** Chance of a false cut, in (0, 1); smaller is calmer and later. 0.002 unless given. */
  readonly delta?: number
  /** Values from one test to the next, ≥ 1; larger is cheaper and later. 32 unless given. */
  readonly clock?: number
  /** The window is tested only once it holds more values than this, ≥ 0. 10 unless given. */
  readonly gracePeriod?: number
  /** Fewest values on each side of a cut, ≥ 1. 5 unless given. */
  readonly minWindow?: number
}

interface AdaptiveWindowingState {
  readonly kind: 'adaptive-windowing'
  readonly options: Required<AdaptiveWindowingOptions>
  readonly sinceTest: number
  readonly window: ExponentialHistogramState
}

/** ADWIN, with a window that can be looked at. */
export class AdaptiveWindowing implements DriftDetector {
  readonly name = 'ADWIN'
  readonly #options: Required<AdaptiveWindowingOptions>
  #window: ExponentialHistogram = new ExponentialHistogram()
  #sinceTest: number = 0

  constructor(options: AdaptiveWindowingOptions) {
    checkOptions('adaptiveWindowing', options, {
      delta: checks.number({ above: 0, below: 1 }),
      clock: checks.integer({ from: 1 }),
      gracePeriod: checks.integer({ from: 0 }),
      minWindow: checks.integer({ from: 1 }),
    })
    const { delta = 0.002, clock = 32, gracePeriod = 10, minWindow = 5 } = options
    this.#options = { delta, clock, gracePeriod, minWindow }
  }

  /** Number, mean and spread of the values that still count as the present. */
  get window(): Moments {
    return this.#window.total
  }

  update(value: number): DriftVerdict {
    this.#window.insert(requireMeasurement(this.name, value))
    this.#sinceTest++
    let direction: DriftDirection | null = null
    if (this.#sinceTest >= this.#options.clock) {
      this.#sinceTest = 0
      if (this.window.count > this.#options.gracePeriod) direction = this.#shrink()
    }
    return { drift: direction !== null, direction, estimate: this.window.mean }
  }

  reset(): void {
    this.#window = new ExponentialHistogram()
    this.#sinceTest = 0
  }

  /** Drops the oldest bucket until no cut is left; returns the last cut, the one next to what stays. */
  #shrink(): DriftDirection | null {
    let direction: DriftDirection | null = null
    for (let cut = this.#cut(); cut !== null; cut = this.#cut()) {
      direction = cut
      this.#window.dropOldest()
    }
    return direction
  }

  /**
   * Returns whether some border between two buckets, the last of each row included, parts the window into
   * unequal means.
   */
  #cut(): DriftDirection | null {
    const { minWindow, delta } = this.#options
    const { count: n, mean, deviation } = this.window
    const variance = deviation / n
    const confidence = Math.log((2 * Math.log(n)) / delta) // ln(2/δ'), δ' = δ/ln n
    let older = noMoments
    for (const bucket of this.#window.oldestFirst()) {
      older = joined(older, bucket)
      const [n0, n1] = [older.count, n - older.count]
      if (n1 < minWindow) break
      if (n0 < minWindow) continue
      const difference = ((mean - older.mean) * n) / n1 // newer mean − older mean
      const m = 1 / (n0 - minWindow + 1) + 1 / (n1 - minWindow + 1)
      // Equation 3.1 with 1/m for the paper's m, and the sizes less minWindow − 1 as in the authors' own
      // program.
      const bound = Math.sqrt(2 * m * variance * confidence) + (2 / 3) * m * confidence
      if (Math.abs(difference) > bound) return difference > 0 ? 'up' : 'down'
    }
    return null
  }

  toState(): AdaptiveWindowingState {
    return {
      kind: 'adaptive-windowing',
      options: this.#options,
      sinceTest: this.#sinceTest,
      window: this.#window.toState(),
    }
  }

  restore(state: unknown): void {
    const { kind, options, sinceTest, window } = stateOfKind<AdaptiveWindowingState>(
      state,
      'adaptive-windowing',
    )
    requireSameOptions(kind, this.#options, options)
    checkState<{ sinceTest: number }>(kind, { sinceTest }, { sinceTest: count })
    this.#window = ExponentialHistogram.fromState(window)
    this.#sinceTest = sinceTest
  }
}

/**
 * ADWIN (Bifet & Gavaldà 2007): keeps the longest window whose older and newer parts have the same mean, and
 * reports drift when it has to drop old values for that. Two-sided, O(log n) memory.
 *
 * After a drift the newer part of the window stays, as in the paper (figure 1). It may hold a few values from
 * before the change, so the same change can be reported again a test or two later; river empties the window
 * instead, which never repeats itself but has to gather evidence from nothing.
 *
 * The second term of the cut assumes a signal whose range is about 1. Put `standardized` around signals of
 * much smaller scale: they would never be heard.
 *
 * @throws OptionError for an option outside its range.
 * @example
 * const detector = adaptiveWindowing({ delta: 0.002 })
 * const { drift, direction } = detector.update(loss)
 */
export function adaptiveWindowing(options: AdaptiveWindowingOptions = {}): AdaptiveWindowing {
  return new AdaptiveWindowing(options)
}
