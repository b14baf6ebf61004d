/** Measured values as bytes: 255 levels, and one for what is missing. */
import type { PastScale } from './past-scale.ts'

/** The level of the median, and that of a value that is missing. */
const middle = 127
const missing = 255
/** asinh of the outermost level: 201 scales away. */
const outermost = 6
const step = outermost / middle

/** The level of a value: asinh((x − median)/scale), rounded. What is further out counts as outermost. */
export function levelOf(value: number, { median, scale }: PastScale): number {
  if (Number.isNaN(value)) return missing
  const level = middle + Math.round(Math.asinh((value - median) / scale) / step)
  return Math.min(Math.max(level, 0), missing - 1)
}

/** The value in the middle of a level; NaN for what is missing. */
export function valueOf(level: number, { median, scale }: PastScale): number {
  return level === missing ? NaN : median + scale * Math.sinh((level - middle) * step)
}

/** The value in the middle of a level and the edges of what is rounded to it; NaN for what is missing. */
export function edgesOf(
  level: number,
  scale: PastScale,
): { readonly value: number; readonly from: number; readonly to: number } {
  const value = valueOf(level, scale)
  if (Number.isNaN(value)) return { value, from: NaN, to: NaN }
  return { value, from: valueOf(level - 0.5, scale), to: valueOf(level + 0.5, scale) }
}
