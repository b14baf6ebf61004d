import {
  type Check,
  checkOptions,
  checks,
  checkState,
  keyFromSeed,
  OptionError,
  RandomStream,
} from '@burgeon/tensor'
import { requireMeasurement } from '../errors.ts'
import { count, requireSameOptions, stateOfKind } from '../saved-state.ts'
import type { DriftDetector, DriftVerdict } from './drift-detector.ts'

/** How sensitive KSWIN is, and how much it looks at. */
export interface KswinOptions {
  /** Chance of a false alarm of one test, in (0, 1). 0.005 unless given. */
  readonly alpha?: number
  /** Values that are kept, from twice `recent` to 10,000. 100 unless given. */
  readonly window?: number
  /** The newest values of them, which are held against as many older ones, ≥ 2. 30 unless given. */
  readonly recent?: number
  /** Same seed, same older values; 0 unless given. */
  readonly seed?: number
}

interface KswinState {
  readonly kind: 'kswin'
  readonly options: Required<KswinOptions>
  readonly tests: number
  readonly values: readonly number[]
}

const someValues: Check<readonly number[]> = checks.list('a list of numbers', checks.number())
/** Distances below this do not count, however sure they are. */
const leastDistance = 0.1

class Kswin implements DriftDetector {
  readonly name = 'KSWIN'
  readonly #options: Required<KswinOptions>
  readonly #random: RandomStream
  #values: number[] = []
  #tests = 0

  constructor(options: KswinOptions) {
    checkOptions('kswin', options, {
      alpha: checks.number({ above: 0, below: 1 }),
      window: checks.integer({ from: 4, to: 10_000 }),
      recent: checks.integer({ from: 2 }),
      seed: checks.seed,
    })
    const { alpha = 0.005, window = 100, recent = 30, seed = 0 } = options
    if (window < 2 * recent) {
      throw new OptionError(
        `kswin: got window ${window} and recent ${recent}; expected a window of twice as many values at least.`,
      )
    }
    this.#options = { alpha, window, recent, seed }
    this.#random = new RandomStream(keyFromSeed(seed)).named('kswin')
  }

  /** The estimate is the mean of the newest values. */
  update(value: number): DriftVerdict {
    const x = requireMeasurement(this.name, value)
    const { window, recent, alpha } = this.#options
    this.#values = [...this.#values.slice(1 - window), x]
    const newest = this.#values.slice(-recent)
    const estimate = meanOf(newest)
    if (this.#values.length < window) return { drift: false, direction: null, estimate }
    const older = this.#older()
    const distance = largestDistance(older, newest)
    const isFar = distance > leastDistance * recent && chanceOf(distance, recent) <= alpha
    if (!isFar) return { drift: false, direction: null, estimate }
    this.reset()
    this.#values = newest
    return { drift: true, direction: estimate >= meanOf(older) ? 'up' : 'down', estimate }
  }

  reset(): void {
    this.#values = []
    this.#tests = 0
  }

  /** As many of the older values as there are newest ones, drawn without putting any back. */
  #older(): number[] {
    const { window, recent } = this.#options
    const random = this.#random.named(`test ${this.#tests++}`)
    const places = Array.from({ length: window - recent }, (_, i) => i)
    return Array.from({ length: recent }, (_, i) => {
      const at = i + random.below(places.length - i)
      const place = places[at]
      places[at] = places[i]
      return this.#values[place]
    })
  }

  toState(): KswinState {
    return { kind: 'kswin', options: this.#options, tests: this.#tests, values: [...this.#values] }
  }

  restore(state: unknown): void {
    const { kind, options, tests, values } = stateOfKind<KswinState>(state, 'kswin')
    requireSameOptions(kind, this.#options, options)
    const { window } = this.#options
    const saved = checkState<Pick<KswinState, 'tests' | 'values'>>(
      kind,
      { tests, values },
      {
        tests: count,
        values: {
          expected: `at most ${window} numbers`,
          accepts: (of): of is readonly number[] => someValues.accepts(of) && of.length <= window,
        },
      },
    )
    this.#tests = saved.tests
    this.#values = [...saved.values]
  }
}

const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length

/**
 * Largest difference of how many of two equally many values lie up to any number: n times the distance of
 * Kolmogorov and Smirnov.
 */
function largestDistance(a: readonly number[], b: readonly number[]): number {
  const marked = [...a.map((value) => [value, 1] as const), ...b.map((value) => [value, -1] as const)]
  marked.sort(([x], [y]) => x - y)
  let [height, largest] = [0, 0]
  marked.forEach(([value, step], i) => {
    height += step
    // Equal values count together.
    if (i + 1 === marked.length || marked[i + 1][0] !== value) largest = Math.max(largest, Math.abs(height))
  })
  return largest
}

/**
 * Chance that two samples of n values of one continuous distribution lie h/n apart, or further (Gnedenko &
 * Korolyuk 1951): 2·Σ (−1)^(k−1)·C(2n, n − kh)/C(2n, n), k = 1 … n/h.
 */
function chanceOf(h: number, n: number): number {
  let chance = 0
  for (let k = 1; k * h <= n; k++) {
    let share = 1 // C(2n, n − kh)/C(2n, n) = Π (n − i)/(n + i + 1) over i from 0 to kh − 1
    for (let i = 0; i < k * h; i++) share *= (n - i) / (n + i + 1)
    chance += k % 2 === 1 ? 2 * share : -2 * share
  }
  return Math.min(1, Math.max(0, chance))
}

/**
 * KSWIN (Raab et al. 2020, section 3.2): the newest values against as many drawn from the older ones of a
 * window, by the test of Kolmogorov and Smirnov with its exact distribution. It hears any change of the
 * distribution, not of the mean alone; `direction` is that of the mean. After an alarm the newest values
 * stay.
 *
 * @throws OptionError for an option outside its range.
 */
export function kswin(options: KswinOptions = {}): DriftDetector {
  return new Kswin(options)
}
