/** Unpacks rows that `packRows` or `packWeights` has packed. */
import { checkOptions, type ChecksOf } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import * as checks from '../../checks/checks.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp, f32 } from '../../op.ts'
import { aFormat, checkForm, type PackedForm, rowWords } from '../../packed/packed-form.ts'
import { formatShape, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

/** How rows are packed, and how many numbers each has. */
export interface UnpackRowsAttrs extends PackedForm {
  /** Numbers of a row. */
  readonly width: number
}

export const unpackRowsOp = defineOp<UnpackRowsAttrs>()({
  name: 'unpackRows',
  takes: { packed: 'i32' },
  infer([packed], attrs) {
    checkForm('unpackRows', attrs)
    const expected = rowWords(attrs, attrs.width)
    if (packed.shape.at(-1) !== expected) {
      throw new ShapeError(
        `unpackRows: got ${formatShape(packed.shape)}; expected […, ${expected}], the words of ${attrs.width} numbers as ${attrs.format}.`,
      )
    }
    return [f32([...packed.shape.slice(0, -1), attrs.width])]
  },
  flops: (_, [out]) => sizeOf(out.shape),
})

/** Checks of `UnpackRowsAttrs`. */
export const unpackRowsChecks: ChecksOf<UnpackRowsAttrs> = {
  format: checks.required(aFormat),
  group: checks.integer({ from: 1 }),
  width: checks.required(checks.integer({ from: 0 })),
}

/**
 * The numbers of packed rows, the same on every device.
 *
 * @param packed `i32 […, words]`, from `packRows` or `packWeights`.
 * @returns `f32 […, width]`.
 * @throws ShapeError if the words are not those of `width` numbers.
 */
export function unpackRows(packed: Tensor, options: UnpackRowsAttrs): Tensor {
  checkTensor('unpackRows', 'packed', packed)
  checkOptions('unpackRows', options, unpackRowsChecks)
  return runOp('unpackRows', [packed], options)[0]
}
