import { checkArgument, checkOptions, checks, checkState, type StateChecks } from '@burgeon/tensor'
import { requireMeasurement } from '../errors.ts'
import { count, requireSameOptions, stateOfKind } from '../saved-state.ts'
import { aDriftDetector, type DriftDetector, type DriftVerdict } from './drift-detector.ts'

/** How the yardstick follows the signal. */
export interface StandardizedOptions {
  /**
   * Factor on the weight of older values from value to value, in (0, 1). 0.999 unless given: a memory of
   * 1,000.
   */
  readonly decay?: number
  /** Values that only set the yardstick, ≥ 2; the inner detector does not see them. 100 unless given. */
  readonly warmUp?: number
}

interface Yardstick {
  readonly count: number
  readonly mean: number
  readonly variance: number
}

interface StandardizedState extends Yardstick {
  /** As it is spelt in saved states, like the name of the part. */
  readonly kind: 'standardised'
  readonly options: Required<StandardizedOptions>
  readonly inner: unknown
}

const yardstickChecks: StateChecks<Yardstick> = {
  count,
  mean: checks.number(),
  variance: checks.number({ from: 0 }),
}

const noYardstick: Yardstick = { count: 0, mean: 0, variance: 0 }

/**
 * Standard deviations that one value may count for: a lone spike must neither raise an alarm nor blunt the
 * yardstick.
 */
const farthest = 10

class StandardizedDetector implements DriftDetector {
  readonly name: string
  readonly #inner: DriftDetector
  readonly #options: Required<StandardizedOptions>
  #yardstick: Yardstick = noYardstick

  constructor(inner: DriftDetector, options: StandardizedOptions) {
    checkArgument('standardized', 'inner', inner, aDriftDetector)
    // A deviation needs two values.
    checkOptions('standardized', options, {
      decay: checks.number({ above: 0, below: 1 }),
      warmUp: checks.integer({ from: 2 }),
    })
    const { decay = 0.999, warmUp = 100 } = options
    this.name = `standardised ${inner.name}`
    this.#inner = inner
    this.#options = { decay, warmUp }
  }

  /** The estimate is the inner detector's in units of the signal; while warming up, the mean so far. */
  update(value: number): DriftVerdict {
    const x = requireMeasurement(this.name, value)
    const { count, mean, variance } = this.#yardstick
    if (count < this.#options.warmUp) {
      this.#learn(x - mean)
      return { drift: false, direction: null, estimate: this.#yardstick.mean }
    }
    // The floor is what rounding does to a constant signal.
    const scale = Math.max(Math.sqrt(variance), 1e-9 * Math.abs(mean) + 1e-12)
    const score = Math.max(-farthest, Math.min(farthest, (x - mean) / scale))
    const verdict = this.#inner.update(score)
    if (verdict.drift) this.reset()
    else this.#learn(score * scale)
    return { ...verdict, estimate: mean + scale * verdict.estimate }
  }

  reset(): void {
    this.#yardstick = noYardstick
    this.#inner.reset()
  }

  /**
   * Exponentially weighted mean and variance (Finch 2009, eq. 140–143); plain averages as long as they are
   * few.
   */
  #learn(deviation: number): void {
    const count = this.#yardstick.count + 1
    const weight = Math.max(1 / count, 1 - this.#options.decay)
    this.#yardstick = {
      count,
      mean: this.#yardstick.mean + weight * deviation,
      variance: (1 - weight) * (this.#yardstick.variance + weight * deviation * deviation),
    }
  }

  toState(): StandardizedState {
    return { kind: 'standardised', options: this.#options, inner: this.#inner.toState(), ...this.#yardstick }
  }

  restore(state: unknown): void {
    const yardstick = this.#yardstickOf(state)
    // It may refuse, so it comes before anything changes here.
    this.#inner.restore(stateOfKind<StandardizedState>(state, 'standardised').inner)
    this.#yardstick = yardstick
  }

  #yardstickOf(state: unknown): Yardstick {
    const { kind, options, inner: _, ...saved } = stateOfKind<StandardizedState>(state, 'standardised')
    requireSameOptions(kind, this.#options, options)
    const { count, mean, variance } = checkState<Yardstick>(kind, saved, yardstickChecks)
    return { count, mean, variance }
  }
}

/**
 * Hands another detector the signal in standard deviations from its running mean, so that the inner
 * detector's options mean the same for every signal. Inside it, `pageHinkley({ threshold: 30, delta: 0.25 })`
 * gives about one false alarm in 200,000 values of Gaussian noise and finds a shift of one deviation in about
 * 40.
 *
 * Each value is measured by those before it. The yardstick is exponentially weighted, so a slow trend (a loss
 * that keeps falling as the model learns) is followed instead of reported, and so is a jump too small for the
 * inner detector to notice within the yardstick's memory. An alarm ends a regime, and the old one's yardstick
 * does not fit the new one: yardstick and inner detector start afresh, and the next `warmUp` values are not
 * watched.
 *
 * @param inner A fresh detector; it belongs to this one from now on.
 * @throws OptionError for an option outside its range, or if `inner` is not a detector.
 */
export function standardized(inner: DriftDetector, options: StandardizedOptions = {}): DriftDetector {
  return new StandardizedDetector(inner, options)
}
