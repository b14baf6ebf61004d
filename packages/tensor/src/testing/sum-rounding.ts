/** How many roundings a sum or a product may cost: the orders of addition that kernels are allowed. */

/** Maximum number of terms, or of blocks, that are added one after another. */
const blockTerms = 64
/**
 * Roundings that one level of blocks may cost: its terms, and joining the lanes and invocations that share
 * them.
 */
const roundingsOfBlock = blockTerms + 8

/**
 * How many roundings of Σ|x| a sum of `terms` may be off: any order for a block, O(log n) for long sums
 * (Higham 2002, section 4.2). One running sum of a million equal numbers in single precision is off by
 * several hundred times as much.
 */
export function roundingsOfSum(terms: number): number {
  const levels = Math.ceil(Math.log2(Math.max(terms, 2)) / Math.log2(blockTerms))
  return Math.min(Math.max(0, terms - 1), roundingsOfBlock * levels)
}

/**
 * Maximum number of terms that a matrix product may add one after another; longer sums are cut into
 * stretches.
 */
const productStretch = 4096

/**
 * How many roundings a sum of `terms` products of two numbers may be off; each product is rounded once, too.
 */
export function roundingsOfProduct(terms: number): number {
  return terms <= productStretch ? terms : productStretch + Math.ceil(terms / productStretch)
}
