/** How a parameter of any rank is read as a matrix: its first axes are the rows, the others the columns. */
import type { Shape } from '@burgeon/tensor'
import { OptionError, ShapeError, sizeOf } from '@burgeon/tensor'

/** Says how many leading axes of a parameter are rows. */
export type RowAxes = (path: string, shape: Shape) => number

/**
 * The split that makes the matrix most nearly square, and of two alike the one with fewer row axes: that
 * reads `[embed, head, headDim]` as embed × (head·headDim) and `[head, headDim, embed]` as (head·headDim) ×
 * embed.
 */
export function mostSquare(_: string, shape: Shape): number {
  const lopsided = (rows: number): number =>
    Math.abs(Math.log(sizeOf(shape.slice(0, rows)) / sizeOf(shape.slice(rows))))
  const splits = shape.slice(1).map((_, i) => i + 1)
  // Products of the same sizes in another order differ in the last bits of their logarithm.
  return splits.reduce((best, rows) => (lopsided(rows) < lopsided(best) - 1e-9 ? rows : best), 1)
}

/**
 * Row axes of a parameter of rank 2 or more.
 *
 * @throws ShapeError for a lower rank; OptionError if `rowAxes` leaves no axis for rows or for columns.
 */
export function checkedRowAxes(who: string, path: string, shape: Shape, rowAxes: RowAxes): number {
  if (shape.length < 2) {
    throw new ShapeError(
      `${who}: got ${path} of shape [${shape.join(', ')}]; expected two axes or more. Give it to another optimizer with byPath.`,
    )
  }
  const rows = rowAxes(path, shape)
  if (Number.isInteger(rows) && rows > 0 && rows < shape.length) return rows
  throw new OptionError(
    `${who}: rowAxes returns ${rows} for ${path} of shape [${shape.join(', ')}]; expected an integer from 1 to ${shape.length - 1}.`,
  )
}
