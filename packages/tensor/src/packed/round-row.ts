/**
 * Rounds rows to eight or seven bits as every device does it while it computes: exactly the same codes, with
 * no more than single floats.
 *
 * The scale has 15 significant bits. So the products with odd integers that decide between two codes are
 * exact, and a device may find its first guess of a code by whatever division it has.
 */
import { bitsOf, floatOf } from './half-floats.ts'

/** Rows of smaller numbers are zeros, far above what a GPU may flush. */
export const smallestRow: number = 2 ** -100

/** Bits that a scale does not have; it is rounded up. */
export const scaleMask = 0x1ff

/**
 * The scale of a row whose largest magnitude is `largest`: 0 for numbers that count as zeros, NaN where one
 * is not finite.
 */
export function roundedScale(largest: number, max: number): number {
  if (!(largest < Infinity)) return Number.NaN
  if (largest < smallestRow) return 0
  const scale = Math.fround(Math.fround(largest) * Math.fround(1 / max))
  return floatOf((bitsOf(scale) + scaleMask) & ~scaleMask)
}

/** The code of a number, halves away from zero; 0 where the scale is 0 or NaN. */
export function roundedCode(x: number, scale: number, max: number): number {
  if (!(scale > 0)) return 0
  const magnitude = Math.abs(Math.fround(x))
  // A number and a scale of 15 bits: the quotient in double precision is exact where halves lie.
  const code = Math.min(max, Math.floor(magnitude / scale + 0.5))
  const half = scale / 2
  const exact =
    (2 * code + 1) * half <= magnitude ? code + 1 : (2 * code - 1) * half > magnitude ? code - 1 : code
  return (x < 0 ? -1 : 1) * Math.min(max, exact)
}
