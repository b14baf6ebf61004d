import { checkOptions, checks } from '@burgeon/tensor'
import { requireMeasurement } from '../errors.ts'
import { count } from '../saved-state.ts'
import type { DriftDetector, DriftDirection } from './drift-detector.ts'
import { RuleDetector } from './rule-detector.ts'

/** How sensitive CUSUM is, in standard deviations of the signal. */
export interface CusumOptions {
  /** Which changes count: a rise of the mean, a fall, or both. `both` unless given. */
  readonly mode?: DriftDirection | 'both'
  /** Cumulated deviation that is an alarm, > 0, in standard deviations. 5 unless given. */
  readonly threshold?: number
  /** Deviation per value that is tolerated, ≥ 0, in standard deviations. 0.5 unless given. */
  readonly slack?: number
  /** Values that mean and deviation are taken of, ≥ 2. 30 unless given. */
  readonly minSamples?: number
}

/** Mean and sum of squares around it, of the first values; then the two sums. */
interface CusumMemory {
  readonly count: number
  readonly mean: number
  readonly squares: number
  readonly rise: number
  readonly fall: number
  /** Mean of all values since the last alarm. */
  readonly level: number
}

/**
 * The cumulative sum chart (Page 1954, section 2), in its tabular form: the first values give mean μ and
 * deviation σ, which then stay; S⁺ = max(0, S⁺ + x − μ − slack·σ), S⁻ likewise; an alarm when one passes
 * threshold·σ. At the usual 0.5 and 5 a stationary stream of unit noise gives one false alarm in some
 * hundreds of values: raise the threshold to 8 or more where alarms cost much. The estimate is the mean since
 * the last alarm.
 *
 * @throws OptionError for an option outside its range.
 */
export function cusum(options: CusumOptions = {}): DriftDetector {
  checkOptions('cusum', options, {
    mode: checks.oneOf('up', 'down', 'both'),
    threshold: checks.number({ above: 0 }),
    slack: checks.number({ from: 0 }),
    minSamples: checks.integer({ from: 2 }),
  })
  const { mode = 'both', threshold = 5, slack = 0.5, minSamples = 30 } = options
  // The floor is what rounding does to a constant signal.
  const deviationOf = ({ mean, squares }: CusumMemory): number =>
    Math.max(Math.sqrt(squares / (minSamples - 1)), 1e-9 * Math.abs(mean) + 1e-12)
  const [anyNumber, size] = [checks.number(), checks.number({ from: 0 })]
  return new RuleDetector<CusumOptions, CusumMemory>({
    name: 'CUSUM',
    kind: 'cusum',
    options: { mode, threshold, slack, minSamples },
    initial: { count: 0, mean: 0, squares: 0, rise: 0, fall: 0, level: 0 },
    memory: { count, mean: anyNumber, squares: size, rise: size, fall: size, level: anyNumber },
    take: (value) => requireMeasurement('CUSUM', value),
    next: (memory, value) => {
      const n = memory.count + 1
      const level = memory.level + (value - memory.level) / n
      const isFirst = n <= minSamples
      const squares = memory.squares + (isFirst ? (value - memory.mean) * (value - level) : 0)
      const now = { ...memory, count: n, level, mean: isFirst ? level : memory.mean, squares }
      if (n < minSamples) return now
      const [deviation, tolerated] = [value - now.mean, slack * deviationOf(now)]
      return {
        ...now,
        rise: Math.max(0, now.rise + deviation - tolerated),
        fall: Math.max(0, now.fall - deviation - tolerated),
      }
    },
    alarm: (memory) => {
      if (memory.count < minSamples) return null
      const limit = threshold * deviationOf(memory)
      if (mode !== 'down' && memory.rise > limit) return 'up'
      return mode !== 'up' && memory.fall > limit ? 'down' : null
    },
    estimate: ({ level }) => level,
  })
}
