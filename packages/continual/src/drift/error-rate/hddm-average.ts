import { checkOptions, checks, fields } from '@burgeon/tensor'
import { count } from '../../saved-state.ts'
import type { DriftDetector, DriftDirection } from '../drift-detector.ts'
import { RuleDetector } from '../rule-detector.ts'
import { takeShare } from './take-error.ts'

/** How sensitive HDDM-A is. */
export interface HddmAverageOptions {
  /** Which changes count: a rise of the mean, a fall, or both. `up` unless given. */
  readonly mode?: DriftDirection | 'both'
  /** Chance of a false alarm of one test, in (0, 1). 0.001 unless given. */
  readonly confidence?: number
}

/** How many values, and their mean. */
interface Average {
  readonly count: number
  readonly mean: number
}

/** All values, and those up to the point where the mean may have begun to rise, and to fall. */
interface HddmAverageMemory {
  readonly all: Average
  readonly beforeRise: Average
  readonly beforeFall: Average
}

const nothing: Average = { count: 0, mean: 0 }

/**
 * HDDM-A (Frías-Blanco et al. 2015, algorithm 1 with the A-test, corollary 3): by Hoeffding's bound for means
 * of numbers from 0 to 1, whatever their distribution. It keeps the point up to which the mean is least
 * beyond doubt, and calls when the mean of all has risen above that by more than chance. The estimate is the
 * mean since the last alarm.
 *
 * @throws OptionError for an option outside its range. `update` takes numbers from 0 to 1, such as errors,
 *   and
 *   throws SignalError for anything else.
 */
export function hddmAverage(options: HddmAverageOptions = {}): DriftDetector {
  checkOptions('hddmAverage', options, {
    mode: checks.oneOf('up', 'down', 'both'),
    confidence: checks.number({ above: 0, below: 1 }),
  })
  const { mode = 'up', confidence = 0.001 } = options
  const average = fields<Average>('an average', { count, mean: checks.number({ from: 0, to: 1 }) })
  const bound = (n: number): number => Math.sqrt(Math.log(1 / confidence) / (2 * n))
  const isFar = (before: Average, all: Average, difference: number): boolean => {
    if (before.count === all.count) return false
    const m = (all.count - before.count) / before.count / all.count
    return difference >= Math.sqrt((m / 2) * Math.log(2 / confidence))
  }
  return new RuleDetector<HddmAverageOptions, HddmAverageMemory>({
    name: 'HDDM-A',
    kind: 'hddm-average',
    options: { mode, confidence },
    initial: { all: nothing, beforeRise: nothing, beforeFall: nothing },
    memory: { all: average, beforeRise: average, beforeFall: average },
    take: (value) => takeShare('HDDM-A', value),
    next: ({ all: before, beforeRise, beforeFall }, value) => {
      const n = before.count + 1
      const all = { count: n, mean: before.mean + (value - before.mean) / n }
      const isLowest = n === 1 || all.mean + bound(n) <= beforeRise.mean + bound(beforeRise.count)
      const isHighest = n === 1 || all.mean - bound(n) >= beforeFall.mean - bound(beforeFall.count)
      return { all, beforeRise: isLowest ? all : beforeRise, beforeFall: isHighest ? all : beforeFall }
    },
    alarm: ({ all, beforeRise, beforeFall }) => {
      if (mode !== 'down' && isFar(beforeRise, all, all.mean - beforeRise.mean)) return 'up'
      if (mode !== 'up' && isFar(beforeFall, all, beforeFall.mean - all.mean)) return 'down'
      return null
    },
    estimate: ({ all }) => all.mean,
  })
}
