import { checkOptions, checks } from '@burgeon/tensor'
import { count } from '../../saved-state.ts'
import type { DriftDetector } from '../drift-detector.ts'
import { RuleDetector } from '../rule-detector.ts'
import { takeError } from './take-error.ts'

/** How sensitive DDM is. */
export interface DdmOptions {
  /** Standard deviations above the best error rate so far that are an alarm, > 0. 3 unless given. */
  readonly threshold?: number
  /** Values before the first alarm, ≥ 1. 30 unless given. */
  readonly minSamples?: number
}

/** The error rate p, and p and its deviation s where p + s was least. */
interface DdmMemory {
  readonly count: number
  readonly rate: number
  readonly lowestRate: number
  readonly lowestDeviation: number
}

const deviationOf = ({ count: n, rate }: DdmMemory): number => Math.sqrt((rate * (1 - rate)) / n)

/**
 * DDM, the drift detection method (Gama et al. 2004, section 3): the error rate p of a learner should fall,
 * or stay. An alarm when p + s is more than `threshold` of the least deviation above the rate it came with, s
 * = √(p(1 − p)/n). It hears a rise alone. The estimate is the error rate since the last alarm.
 *
 * @throws OptionError for an option outside its range. `update` takes 0 (right) and 1 (an error), and throws
 *   SignalError for anything else.
 */
export function ddm(options: DdmOptions = {}): DriftDetector {
  checkOptions('ddm', options, {
    threshold: checks.number({ above: 0 }),
    minSamples: checks.integer({ from: 1 }),
  })
  const { threshold = 3, minSamples = 30 } = options
  const share = checks.number({ from: 0, to: 1 })
  return new RuleDetector<DdmOptions, DdmMemory>({
    name: 'DDM',
    kind: 'ddm',
    options: { threshold, minSamples },
    // Above any rate and deviation that come.
    initial: { count: 0, rate: 0, lowestRate: 1, lowestDeviation: 1 },
    memory: { count, rate: share, lowestRate: share, lowestDeviation: share },
    take: (value) => takeError('DDM', value),
    next: (memory, value) => {
      const n = memory.count + 1
      const now = { ...memory, count: n, rate: memory.rate + (value - memory.rate) / n }
      const deviation = deviationOf(now)
      const isLowest = now.rate + deviation <= memory.lowestRate + memory.lowestDeviation
      return n > minSamples && isLowest ? { ...now, lowestRate: now.rate, lowestDeviation: deviation } : now
    },
    alarm: (memory) => {
      const { count: n, rate, lowestRate, lowestDeviation } = memory
      const isHigh = rate + deviationOf(memory) > lowestRate + threshold * lowestDeviation
      return n > minSamples && isHigh ? 'up' : null
    },
    estimate: ({ rate }) => rate,
  })
}
