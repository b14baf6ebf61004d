import { checkOptions, checks } from '@burgeon/tensor'
import { count } from '../../saved-state.ts'
import type { DriftDetector } from '../drift-detector.ts'
import { RuleDetector } from '../rule-detector.ts'
import { takeError } from './take-error.ts'

/** How sensitive EDDM is. */
export interface EddmOptions {
  /** Share of the widest distance between errors below which it calls, in (0, 1). 0.9 unless given. */
  readonly beta?: number
  /** Values, and errors, before the first alarm, ≥ 1. 30 unless given. */
  readonly minSamples?: number
}

/**
 * Distances between errors: their mean, the sum of squares around it, and the largest mean + 2 deviations.
 */
interface EddmMemory {
  readonly count: number
  readonly errors: number
  readonly lastError: number
  readonly mean: number
  readonly squares: number
  readonly widest: number
}

const widthOf = ({ errors, mean, squares }: EddmMemory): number =>
  mean + 2 * Math.sqrt(errors > 1 ? squares / (errors - 1) : 0)

/**
 * EDDM, the early drift detection method (Baena-García et al. 2006, section 3): errors of a learner should
 * lie ever further apart. An alarm, at an error, when the mean distance plus two deviations has fallen below
 * `beta` of the most that it was. Made for gradual change; on a stationary stream it calls often, so it is no
 * trigger for anything that costs much. The estimate is the error rate since the last alarm.
 *
 * @throws OptionError for an option outside its range. `update` takes 0 (right) and 1 (an error), and throws
 *   SignalError for anything else.
 */
export function eddm(options: EddmOptions = {}): DriftDetector {
  checkOptions('eddm', options, {
    beta: checks.number({ above: 0, below: 1 }),
    minSamples: checks.integer({ from: 1 }),
  })
  const { beta = 0.9, minSamples = 30 } = options
  const size = checks.number({ from: 0 })
  return new RuleDetector<EddmOptions, EddmMemory>({
    name: 'EDDM',
    kind: 'eddm',
    options: { beta, minSamples },
    initial: { count: 0, errors: 0, lastError: 0, mean: 0, squares: 0, widest: 0 },
    memory: { count, errors: count, lastError: count, mean: size, squares: size, widest: size },
    take: (value) => takeError('EDDM', value),
    next: (memory, value) => {
      const n = memory.count + 1
      if (value === 0) return { ...memory, count: n }
      const [errors, distance] = [memory.errors + 1, n - memory.lastError]
      const mean = memory.mean + (distance - memory.mean) / errors
      const squares = memory.squares + (distance - memory.mean) * (distance - mean)
      const now = { ...memory, count: n, errors, lastError: n, mean, squares }
      return n > minSamples ? { ...now, widest: Math.max(memory.widest, widthOf(now)) } : now
    },
    alarm: (memory) => {
      const { count: n, errors, lastError, widest } = memory
      const isAtError = lastError === n && n > minSamples && errors > minSamples
      return isAtError && widthOf(memory) < beta * widest ? 'up' : null
    },
    estimate: ({ count: n, errors }) => errors / n,
  })
}
