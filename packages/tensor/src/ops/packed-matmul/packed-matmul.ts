/** Products with packed weights: y = x·Wᵀ, the rows of W packed one by one. */
import { checkOptions, type ChecksOf } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import * as checks from '../../checks/checks.ts'
import { runOp } from '../../engine.ts'
import { OptionError, ShapeError } from '../../errors.ts'
import { defineOp, f32 } from '../../op.ts'
import { aFormat, blockSize, checkForm, type PackedForm, rowWords } from '../../packed/packed-form.ts'
import { formatShape, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { matmul } from '../matmul/matmul.ts'
import { packRows } from '../pack-rows/pack-rows.ts'
import { pad } from '../pad/pad.ts'
import { reshape } from '../reshape/reshape.ts'
import { slice } from '../slice/slice.ts'
import { unpackRows } from '../unpack-rows/unpack-rows.ts'

/** Single floats, or integers of so many bits with a scale for each 32 numbers. */
export type Activations = 'f32' | 'int8' | 'int7'

export interface PackedMatmulAttrs extends PackedForm {
  readonly activations: Activations
}

/** Form of the weights, and what the activations are rounded to. */
export interface PackedMatmulOptions extends PackedForm {
  /**
   * `f32`, unless given: nothing is rounded but the weights. `int8` and `int7`: each 32 numbers of a row of x
   * are rounded as `packRows` does it, and multiplied as integers, which is faster on a CPU. Weights of
   * `int4` take either; those of `int8` are fastest with `int7`.
   */
  readonly activations?: Activations | undefined
}

export const packedMatmulOp = defineOp<PackedMatmulAttrs>()({
  name: 'packedMatmul',
  takes: { x: 'f32', packed: 'i32' },
  infer([x, packed], attrs) {
    const { format, activations } = attrs
    checkForm('packedMatmul', attrs)
    const K = x.shape.at(-1) ?? 0
    const expected = rowWords(attrs, K)
    if (x.shape.length !== 2 || packed.shape.length !== 2 || packed.shape[1] !== expected) {
      throw new ShapeError(
        `packedMatmul: got x${formatShape(x.shape)} and packed${formatShape(packed.shape)}; ` +
          `expected x[M, K] and packed[N, ${expected}], the words of K = ${K} numbers as ${format}.`,
      )
    }
    if (activations !== 'f32' && (format === 'f16' || format === 'bf16')) {
      throw new OptionError(
        `packedMatmul: got activations ${activations} for weights in ${format}; expected f32.`,
      )
    }
    return [f32([x.shape[0], packed.shape[0]])]
  },
  flops: ([x, packed]) => 2 * sizeOf(x.shape) * packed.shape[0],
  definition: ([x, packed], { format, group, activations }) => {
    const width = x.shape[1]
    const weights = unpackRows(packed, { format, group, width })
    return [matmul(roundedActivations(x, activations), weights, { transposeB: true })]
  },
})

/** Rows with every 32 numbers rounded. */
export function roundedActivations(x: Tensor, activations: Activations): Tensor {
  if (activations === 'f32') return x
  const [M, K] = x.shape
  const blocks = Math.ceil(K / blockSize)
  const whole = pad(x, [0, 0], [0, blocks * blockSize - K])
  const packed = packRows(reshape(whole, [M * blocks, blockSize]), activations)
  const rounded = unpackRows(packed, { format: activations, width: blockSize })
  return slice(reshape(rounded, [M, blocks * blockSize]), [0, 0], [M, K])
}

const optionChecks: ChecksOf<PackedMatmulOptions> = {
  format: checks.required(aFormat),
  group: checks.integer({ from: 1 }),
  activations: checks.oneOf('f32', 'int8', 'int7'),
}

/**
 * Matrix product with packed weights, computed from the packed form: `x[M, K] · Wᵀ`, giving `f32 [M, N]`. No
 * gradient flows through it.
 *
 * @param x `f32 [M, K]`.
 * @param packed The rows of W, `[N, K]`, from `packWeights`: `i32 [N, words]`.
 * @throws ShapeError if the words are not those of K numbers, OptionError for a form that does not exist.
 */
export function packedMatmul(x: Tensor, packed: Tensor, options: PackedMatmulOptions): Tensor {
  checkTensor('packedMatmul', 'x', x)
  checkTensor('packedMatmul', 'packed', packed)
  checkOptions('packedMatmul', options, optionChecks)
  const { format, group, activations = 'f32' } = options
  return runOp('packedMatmul', [x, packed], { format, group, activations })[0]
}
