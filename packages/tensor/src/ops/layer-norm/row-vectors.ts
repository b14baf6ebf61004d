/** The common parts of the normalizations: vectors of the last axis's size, and sums down the columns. */
import { ShapeError } from '../../errors.ts'
import { formatShape, sameShape, type TensorSpec } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { sum } from '../reduce/reduce.ts'

/** Throws ShapeError unless `x` is […, C] with C ≥ 1 and every vector is [C]. */
export function checkRowVectors(
  op: string,
  x: TensorSpec,
  vectors: Readonly<Record<string, TensorSpec>>,
): void {
  const c = x.shape.at(-1)
  for (const [name, vector] of Object.entries(vectors)) {
    if (!c || vector.shape.length !== 1 || vector.shape[0] !== c) {
      throw new ShapeError(
        `${op}: got x${formatShape(x.shape)} and ${name}${formatShape(vector.shape)}; ` +
          `expected x[…, C] with C ≥ 1 and ${name}[C].`,
      )
    }
  }
}

/** Throws ShapeError unless `dy` has the shape of `x`, […, C], and everything kept per row is […, 1]. */
export function checkGradInputs(
  op: string,
  x: TensorSpec,
  dy: TensorSpec,
  perRow: Readonly<Record<string, TensorSpec>>,
): void {
  const rows = [...x.shape.slice(0, -1), 1]
  for (const [name, kept] of Object.entries(perRow)) {
    if (!sameShape(dy.shape, x.shape) || !sameShape(kept.shape, rows)) {
      throw new ShapeError(
        `${op}: got dy${formatShape(dy.shape)} and ${name}${formatShape(kept.shape)} for x${formatShape(x.shape)}; ` +
          `expected dy${formatShape(x.shape)} and ${name}${formatShape(rows)}.`,
      )
    }
  }
}

/** Sums `[…, C]` over all but the last axis. */
export function columnSum(x: Tensor): Tensor {
  return sum(x, { axes: x.shape.slice(0, -1).map((_, i) => i) })
}
