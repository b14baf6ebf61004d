/** Compares the losses of the same rows under two sets of weights, row by row. */
import type { TriedArm } from '../journal/trials/trial-outcome.ts'

/**
 * The mean of the differences in bits, and its standard error.
 *
 * @param first Losses of the rows in nats, as the first arm has them.
 * @param other The same rows' in the other arm.
 */
export function pairedGain(
  first: readonly number[],
  other: readonly number[],
): Pick<TriedArm, 'gain' | 'error'> {
  const differences = first.map((loss, row) => (loss - other[row]) / Math.LN2)
  const gain = meanOf(differences)
  const squares = differences.reduce((sum, difference) => sum + (difference - gain) ** 2, 0)
  return { gain, error: Math.sqrt(squares / (first.length - 1) / first.length) }
}

/** The mean of some numbers, of which there are any. */
export const meanOf = (numbers: readonly number[]): number =>
  numbers.reduce((sum, number) => sum + number, 0) / numbers.length
