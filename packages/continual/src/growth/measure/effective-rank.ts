/** How many directions a set of vectors fills. */
import { symmetricEigenvalues } from './symmetric-eigenvalues.ts'

/** Rounding of single precision, relative to the largest eigenvalue and per row. */
const rounding = 2 ** -23

/**
 * exp of the entropy of the normalized singular values (Roy & Vetterli 2007, definition 1), from 1 to the
 * rank; 0 for a matrix of zeros.
 *
 * @param gram AᵀA or A·Aᵀ, n·n numbers. Eigenvalues that single precision cannot tell from 0 count as 0.
 */
export function effectiveRank(gram: ArrayLike<number>, n: number): number {
  const eigenvalues = symmetricEigenvalues(gram, n)
  const least = n * rounding * (eigenvalues.at(-1) ?? 0)
  const singular = eigenvalues.flatMap((x) => (x > Math.max(0, least) ? [Math.sqrt(x)] : []))
  const total = singular.reduce((a, b) => a + b, 0)
  if (total === 0) return 0
  return Math.exp(singular.reduce((entropy, s) => entropy - (s / total) * Math.log(s / total), 0))
}
