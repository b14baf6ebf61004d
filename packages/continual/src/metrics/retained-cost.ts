/** What it costs to keep what was known. */
import { checkOptions, checks } from '@burgeon/tensor'

/** A way of learning, beside doing nothing against forgetting. */
export interface RetainedInput {
  /** Accuracy at the end, mean over all domains learnt, from 0 to 1. */
  readonly accuracy: number
  /** The same of the model that learnt without protection, from 0 to 1. */
  readonly unprotected: number
  /** Floating-point operations of the whole run. */
  readonly flops: number
  /** Those of the run without protection. */
  readonly unprotectedFlops: number
  /** Bytes that are kept beside the weights: memory, importance, anchors, optimizer state. */
  readonly stateBytes: number
}

/** Costs by percentage point of accuracy that was retained; null where none was. */
export interface RetainedCost {
  /** 100 · (accuracy − unprotected); negative if protection did harm. */
  readonly points: number
  /** Operations beyond those of the unprotected run. */
  readonly flopsPerPoint: number | null
  readonly bytesPerPoint: number | null
}

/**
 * Operations and bytes per point of retained accuracy.
 *
 * @throws OptionError for a number outside its range.
 */
export function retainedCost(input: RetainedInput): RetainedCost {
  const share = checks.required(checks.number({ from: 0, to: 1 }))
  const amount = checks.required(checks.number({ from: 0 }))
  checkOptions('retainedCost', input, {
    accuracy: share,
    unprotected: share,
    flops: amount,
    unprotectedFlops: amount,
    stateBytes: amount,
  })
  const { accuracy, unprotected, flops, unprotectedFlops, stateBytes } = input
  const points = 100 * (accuracy - unprotected)
  const per = (cost: number): number | null => (points > 0 ? cost / points : null)
  return { points, flopsPerPoint: per(flops - unprotectedFlops), bytesPerPoint: per(stateBytes) }
}
