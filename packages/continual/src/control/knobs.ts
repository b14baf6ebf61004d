/** Knobs: factors of what a learner is made of, for a step that is to be another than usual. */
import { type Check, type ChecksOf, checkOptions, checks, fields } from '@burgeon/tensor'

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

/** Knobs of a saved state. */
export const savedKnobs: Check<Knobs> = fields<Knobs>('knobs', {
  rehearsalShare: factor,
  rate: factor,
  penalty: factor,
})

const knobChecks: ChecksOf<Partial<Knobs>> = { rehearsalShare: factor, rate: factor, penalty: factor }

/** The knobs with 1 for each that is not given. Throws OptionError for others, or a factor below 0. */
export function knobsOf(who: string, given: Partial<Knobs>): Knobs {
  checkOptions(who, given, knobChecks)
  const { rehearsalShare = 1, rate = 1, penalty = 1 } = given
  return { rehearsalShare, rate, penalty }
}

/** The factors of both at once. */
export const bothKnobs = (a: Knobs, b: Knobs): Knobs => ({
  rehearsalShare: a.rehearsalShare * b.rehearsalShare,
  rate: a.rate * b.rate,
  penalty: a.penalty * b.penalty,
})

/** `rehearsal × 0.31, rate × 1.00, penalty × 1.37`. */
export const knobsText = ({ rehearsalShare, rate, penalty }: Knobs): string =>
  `rehearsal × ${rehearsalShare.toFixed(2)}, rate × ${rate.toFixed(2)}, penalty × ${penalty.toFixed(2)}`
