/** Expected calibration error in bins of equal mass. */
import { checkArgument, checks, OptionError } from '@burgeon/tensor'

/**
 * Expected calibration error (Naeini et al. 2015; Guo et al. 2017, equation 3) in bins that hold equally many
 * predictions (Nguyen and O'Connor 2015): Σ (n_b/n)·|share right in b − mean confidence in b|. Confidences of
 * 0 and 1 belong to the first and the last bin; with fewer predictions than bins each has its own.
 *
 * @param confidences Probability of the predicted class of each prediction, from 0 to 1.
 * @param right 1 for a prediction that was right, 0 for another.
 * @param bins ≥ 1. Default 15.
 * @returns From 0 to 1; 0 of no predictions.
 * @throws OptionError for a confidence outside [0, 1], or lists of two lengths.
 */
export function equalMassCalibrationError(
  confidences: ArrayLike<number>,
  right: ArrayLike<number>,
  bins: number = 15,
): number {
  const who = 'equalMassCalibrationError'
  checkArgument(
    who,
    'confidences',
    confidences,
    checks.each('probabilities', checks.number({ from: 0, to: 1 })),
  )
  checkArgument(who, 'right', right, checks.each('0 or 1 each', checks.number({ from: 0, to: 1 })))
  checkArgument(who, 'bins', bins, checks.integer({ from: 1 }))
  const { length } = confidences
  if (right.length !== length) {
    throw new OptionError(
      `${who}: got right with ${right.length} outcomes and ${length} confidences; expected as many.`,
    )
  }
  if (length === 0) return 0
  const order = Array.from({ length }, (_, i) => i).sort((a, b) => confidences[a] - confidences[b])
  const used = Math.min(bins, length)
  let error = 0
  for (let bin = 0; bin < used; bin++) {
    const [from, to] = [bin, bin + 1].map((edge) => Math.round((edge * length) / used))
    let gap = 0
    for (let i = from; i < to; i++) gap += right[order[i]] - confidences[order[i]]
    error += Math.abs(gap)
  }
  return error / length
}
