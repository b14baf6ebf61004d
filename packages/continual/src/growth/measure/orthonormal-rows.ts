/** Rows of numbers that are made orthogonal to each other. */
import type { RandomStream } from '@burgeon/tensor'

/** Share of a row that has to be left of it, or another direction is drawn in its place. */
const leastLeft = 1e-5

/**
 * Makes rows orthogonal to those before them and of norm 1, by Gram and Schmidt, each twice. A row that
 * depends on the others becomes a direction that is drawn.
 *
 * @param width Numbers in a row, at least as many as there are rows.
 */
export function orthonormalRows(rows: ArrayLike<number>, width: number, random: RandomStream): Float64Array {
  const made = Float64Array.from(rows)
  for (let start = 0; start < made.length; start += width) {
    let row = made.subarray(start, start + width)
    for (;;) {
      const before = normOf(row)
      for (const _ of [1, 2]) {
        for (let other = 0; other < start; other += width)
          subtractAlong(row, made.subarray(other, other + width))
      }
      const left = normOf(row)
      if (left > leastLeft * before) break
      row = row.map(() => random.normal())
    }
    const norm = normOf(row)
    made.set(
      row.map((x) => x / norm),
      start,
    )
  }
  return made
}

const normOf = (row: Float64Array): number => Math.sqrt(row.reduce((sum, x) => sum + x * x, 0))

/** Takes out of a row its part along another, whose norm is 1. */
function subtractAlong(row: Float64Array, other: Float64Array): void {
  const along = row.reduce((sum, x, i) => sum + x * other[i], 0)
  for (let i = 0; i < row.length; i++) row[i] -= along * other[i]
}
