/** Packs rows of numbers into half, brain or scaled integers, while a device computes. */
import { checkArgument } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { OptionError, ShapeError } from '../../errors.ts'
import { defineOp, i32 } from '../../op.ts'
import { aFormat, type PackedFormat, rowWords } from '../../packed/packed-form.ts'
import { formatShape, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

/** Formats that rows can be rounded to at once. */
export type RowFormat = Exclude<PackedFormat, 'int4'>

export interface PackRowsAttrs {
  readonly format: RowFormat
}

export const packRowsOp = defineOp<PackRowsAttrs>()({
  name: 'packRows',
  takes: { x: 'f32' },
  infer([x], { format }) {
    const width = x.shape.at(-1)
    if (width === undefined) {
      throw new ShapeError('packRows: got a scalar; expected rows, […, width].')
    }
    if ((format as PackedFormat) === 'int4') {
      throw new OptionError(
        'packRows: got int4; expected f16, bf16, int8 or int7. Pack int4 with packWeights, on the CPU.',
      )
    }
    return [i32([...x.shape.slice(0, -1), rowWords({ format }, width)])]
  },
  flops: ([x]) => sizeOf(x.shape),
})

/**
 * Packs every row along the last axis into words that `unpackRows` reads, and `packedMatmul` multiplies by:
 * `f16` and `bf16` round to even; `int8` and `int7` divide by a scale of each row. Every device gives the
 * same words. A row of integers with NaN or an infinity in it becomes NaN; a number beyond the halves becomes
 * infinity.
 *
 * @param x `f32 […, width]`.
 * @returns `i32 […, words]`, as many as `packedWords` says.
 * @throws ShapeError for a scalar, OptionError for `int4`, which `packWeights` makes.
 */
export function packRows(x: Tensor, format: RowFormat): Tensor {
  checkTensor('packRows', 'x', x)
  checkArgument('packRows', 'format', format, aFormat)
  if (x.dtype !== 'f32') {
    throw new ShapeError(`packRows: got ${x.dtype}${formatShape(x.shape)}; expected f32 […, width].`)
  }
  return runOp('packRows', [x], { format })[0]
}
