/** Knobs: factors of what a learner is made of, for a step that is to be another than usual. */
import { type ChecksOf, checkOptions, checks } from '@burgeon/tensor'

/** Factors, each ≥ 0. With 1 everywhere a step is what it is without them, to the bit. */
export interface Knobs {
  /** Of the old rows that are learnt beside each new one. */
  readonly rehearsalShare: number
  /** Of the change of the weights, so of the learning rate. */
  readonly rate: number
  /** Of what penalties add to the loss. */
  readonly penalty: number
}

/** All at 1. */
export const usualKnobs: Knobs = { rehearsalShare: 1, rate: 1, penalty: 1 }

const factor = checks.number({ from: 0 })

const knobChecks: ChecksOf<Partial<Knobs>> = { rehearsalShare: factor, rate: factor, penalty: factor }

/** The knobs with 1 for each that is not given. Throws OptionError for others, or a factor below 0. */
export function knobsOf(who: string, given: Partial<Knobs>): Knobs {
  checkOptions(who, given, knobChecks)
  const { rehearsalShare = 1, rate = 1, penalty = 1 } = given
  return { rehearsalShare, rate, penalty }
}
