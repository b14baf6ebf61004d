import { checkOptions, checks, checkState, type StateChecks } from '@burgeon/tensor'
import { requireMeasurement } from '../errors.ts'
import { count, requireSameOptions, stateOfKind } from '../saved-state.ts'
import type { DriftDetector, DriftDirection, DriftVerdict } from './drift-detector.ts'

/** How sensitive Page–Hinkley is, in units of the signal. */
export interface PageHinkleyOptions {
  /** Which changes count: a rise of the mean, a fall, or both. `both` unless given. */
  readonly mode?: DriftDirection | 'both'
  /** Cumulated deviation that is an alarm, > 0, in units of the signal. 50 unless given. */
  readonly threshold?: number
  /** Deviation per value that is tolerated, ≥ 0, in units of the signal. 0.005 unless given. */
  readonly delta?: number
  /** Factor on the cumulative sum from value to value, in (0, 1]. 0.9999 unless given. */
  readonly alpha?: number
  /** Values before the first alarm, ≥ 1. 30 unless given. */
  readonly minSamples?: number
}

/** Cumulative sums and how far they have been; all are 0 before the first value. */
interface Sums {
  readonly count: number
  readonly mean: number
  readonly rise: number
  readonly lowestRise: number
  readonly fall: number
  readonly highestFall: number
}

interface PageHinkleyState extends Sums {
  readonly kind: 'page-hinkley'
  readonly options: Required<PageHinkleyOptions>
}

const sumChecks: StateChecks<Sums> = {
  count,
  mean: checks.number(),
  rise: checks.number(),
  lowestRise: checks.number(),
  fall: checks.number(),
  highestFall: checks.number(),
}

const noSums: Sums = { count: 0, mean: 0, rise: 0, lowestRise: 0, fall: 0, highestFall: 0 }

class PageHinkley implements DriftDetector {
  readonly name = 'Page–Hinkley'
  readonly #options: Required<PageHinkleyOptions>
  #sums: Sums = noSums

  constructor(options: PageHinkleyOptions) {
    checkOptions('pageHinkley', options, {
      mode: checks.oneOf('up', 'down', 'both'),
      threshold: checks.number({ above: 0 }),
      delta: checks.number({ from: 0 }),
      alpha: checks.number({ above: 0, to: 1 }),
      minSamples: checks.integer({ from: 1 }),
    })
    const { mode = 'both', threshold = 50, delta = 0.005, alpha = 0.9999, minSamples = 30 } = options
    this.#options = { mode, threshold, delta, alpha, minSamples }
  }

  /** The estimate is the mean of all values since the last alarm, the one that gave the alarm included. */
  update(value: number): DriftVerdict {
    const x = requireMeasurement(this.name, value)
    const { alpha, delta } = this.#options
    const count = this.#sums.count + 1
    const mean = this.#sums.mean + (x - this.#sums.mean) / count
    // The sums fade, the mean does not.
    const rise = alpha * this.#sums.rise + (x - mean - delta)
    const fall = alpha * this.#sums.fall + (x - mean + delta)
    const lowestRise = Math.min(this.#sums.lowestRise, rise)
    const highestFall = Math.max(this.#sums.highestFall, fall)
    this.#sums = { count, mean, rise, lowestRise, fall, highestFall }
    const direction = this.#alarm()
    if (direction !== null) this.reset()
    return { drift: direction !== null, direction, estimate: mean }
  }

  reset(): void {
    this.#sums = noSums
  }

  #alarm(): DriftDirection | null {
    const { mode, threshold, minSamples } = this.#options
    const { count, rise, lowestRise, fall, highestFall } = this.#sums
    if (count < minSamples) return null
    if (mode !== 'down' && rise - lowestRise > threshold) return 'up'
    if (mode !== 'up' && highestFall - fall > threshold) return 'down'
    return null
  }

  toState(): PageHinkleyState {
    return { kind: 'page-hinkley', options: this.#options, ...this.#sums }
  }

  restore(state: unknown): void {
    const { kind, options, ...saved } = stateOfKind<PageHinkleyState>(state, 'page-hinkley')
    requireSameOptions(kind, this.#options, options)
    const { count, mean, rise, lowestRise, fall, highestFall } = checkState<Sums>(kind, saved, sumChecks)
    this.#sums = { count, mean, rise, lowestRise, fall, highestFall }
  }
}

/**
 * The Page–Hinkley test (Page 1954): an alarm when the sum of deviations from the running mean has moved by
 * more than `threshold` from its lowest (rise) or highest (fall) point. After an alarm it starts afresh.
 *
 * Threshold and delta are in units of the signal. Put `standardized` around it unless you know them: unit
 * noise alone passes the default threshold about once in two thousand values.
 *
 * @throws OptionError for an option outside its range.
 * @example
 * const detector = pageHinkley({ mode: 'up', threshold: 5 })
 * if (detector.update(loss).drift) consolidate()
 */
export function pageHinkley(options: PageHinkleyOptions = {}): DriftDetector {
  return new PageHinkley(options)
}
