import { checkOptions, checks, fields } from '@burgeon/tensor'
import { count } from '../../saved-state.ts'
import type { DriftDetector, DriftDirection } from '../drift-detector.ts'
import { RuleDetector } from '../rule-detector.ts'
import { takeShare } from './take-error.ts'

/** How sensitive HDDM-W is, and how short its memory. */
export interface HddmWeightedOptions {
  /** Which changes count: a rise of the mean, a fall, or both. `up` unless given. */
  readonly mode?: DriftDirection | 'both'
  /** Chance of a false alarm of one test, in (0, 1). 0.001 unless given. */
  readonly confidence?: number
  /** Weight of the newest value in a moving mean, in (0, 1). 0.05 unless given. */
  readonly lambda?: number
}

/** An exponentially weighted mean, and the sum of the squares of its weights. */
interface WeightedMean {
  readonly count: number
  readonly mean: number
  readonly squaredWeights: number
}

/** What lies before and after the point where the mean may have begun to change. */
interface Sides {
  readonly before: WeightedMean
  readonly after: WeightedMean
}

interface HddmWeightedMemory {
  readonly all: WeightedMean
  readonly rise: Sides
  readonly fall: Sides
}

const nothing: WeightedMean = { count: 0, mean: 0, squaredWeights: 1 }
const neither: Sides = { before: nothing, after: nothing }

/**
 * HDDM-W (Frías-Blanco et al. 2015, algorithm 1 with the W-test, corollary 5): by McDiarmid's bound for
 * exponentially weighted means of numbers from 0 to 1. Quick to hear an abrupt change, at the price of more
 * false alarms than HDDM-A. The estimate is the weighted mean.
 *
 * @throws OptionError for an option outside its range. `update` takes numbers from 0 to 1, such as errors,
 *   and
 *   throws SignalError for anything else.
 */
export function hddmWeighted(options: HddmWeightedOptions = {}): DriftDetector {
  checkOptions('hddmWeighted', options, {
    mode: checks.oneOf('up', 'down', 'both'),
    confidence: checks.number({ above: 0, below: 1 }),
    lambda: checks.number({ above: 0, below: 1 }),
  })
  const { mode = 'up', confidence = 0.001, lambda = 0.05 } = options
  const share = checks.number({ from: 0, to: 1 })
  const mean = fields<WeightedMean>('a weighted mean', { count, mean: share, squaredWeights: share })
  const sides = fields<Sides>('two weighted means', { before: mean, after: mean })
  const bound = (squaredWeights: number): number => Math.sqrt((squaredWeights * Math.log(1 / confidence)) / 2)
  const with1 = (old: WeightedMean, value: number): WeightedMean => ({
    count: old.count + 1,
    mean: old.count === 0 ? value : old.mean + lambda * (value - old.mean),
    squaredWeights: old.count === 0 ? 1 : lambda ** 2 + (1 - lambda) ** 2 * old.squaredWeights,
  })
  /** `sign` 1 looks for a rise, −1 for a fall: where the mean is least, or most, a new side begins. */
  const moved = (all: WeightedMean, { before, after }: Sides, value: number, sign: 1 | -1): Sides => {
    const level = ({ mean: of, squaredWeights }: WeightedMean): number => sign * of + bound(squaredWeights)
    const isFurthest = before.count === 0 || level(all) < level(before)
    return isFurthest ? { before: all, after: nothing } : { before, after: with1(after, value) }
  }
  const isFar = ({ before, after }: Sides, sign: 1 | -1): boolean =>
    before.count > 0 &&
    after.count > 0 &&
    sign * (after.mean - before.mean) > bound(before.squaredWeights + after.squaredWeights)
  return new RuleDetector<HddmWeightedOptions, HddmWeightedMemory>({
    name: 'HDDM-W',
    kind: 'hddm-weighted',
    options: { mode, confidence, lambda },
    initial: { all: nothing, rise: neither, fall: neither },
    memory: { all: mean, rise: sides, fall: sides },
    take: (value) => takeShare('HDDM-W', value),
    next: (memory, value) => {
      const all = with1(memory.all, value)
      return { all, rise: moved(all, memory.rise, value, 1), fall: moved(all, memory.fall, value, -1) }
    },
    alarm: ({ rise, fall }) => {
      if (mode !== 'down' && isFar(rise, 1)) return 'up'
      return mode !== 'up' && isFar(fall, -1) ? 'down' : null
    },
    estimate: ({ all }) => all.mean,
  })
}
