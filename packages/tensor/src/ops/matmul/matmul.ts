/**
 * Matmul: c[…, i, j] = Σₖ a[…, i, k] · b[…, k, j], with either operand read transposed and batch axes
 * broadcast.
 */
import * as checks from '../../checks/checks.ts'
import { checkOptions, type ChecksOf } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp, f32 } from '../../op.ts'
import { broadcastShapes, formatShape, type Shape, sizeOf, type TensorSpec } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

export interface MatmulAttrs {
  /** `a` is stored […, K, M] instead of […, M, K]. */
  readonly transposeA: boolean
  /** `b` is stored […, N, K] instead of […, K, N]. */
  readonly transposeB: boolean
}

/** M, N and K of one product and the broadcast batch shape. */
export interface MatmulSizes {
  readonly batch: Shape
  readonly m: number
  readonly n: number
  readonly k: number
}

export function matmulSizes(
  inputs: readonly TensorSpec[],
  { transposeA, transposeB }: MatmulAttrs,
): MatmulSizes {
  const [a, b] = inputs.map((x) => x.shape) as [Shape, Shape]
  const got = (): string =>
    `Got a${formatShape(a)}${transposeA ? 'ᵀ' : ''} and b${formatShape(b)}${transposeB ? 'ᵀ' : ''}`
  if (a.length < 2 || b.length < 2) {
    throw new ShapeError(
      `matmul: ${got()}; expected two matrices, each of rank 2 or more. Reshape a vector to [1, K]?`,
    )
  }
  const [m, ka] = transposeA ? [a.at(-1), a.at(-2)] : [a.at(-2), a.at(-1)]
  const [kb, n] = transposeB ? [b.at(-1), b.at(-2)] : [b.at(-2), b.at(-1)]
  if (ka !== kb) {
    throw new ShapeError(
      `matmul: inner sizes differ. ${got()}; expected b to have ${ka} ${transposeB ? 'columns' : 'rows'}. ` +
        `Transpose b?`,
    )
  }
  const batch = broadcastShapes('matmul', [a.slice(0, -2), b.slice(0, -2)])
  return { batch, m: m as number, n: n as number, k: ka as number }
}

export const matmulOp = defineOp<MatmulAttrs>()({
  name: 'matmul',
  takes: { a: 'f32', b: 'f32' },
  infer(inputs, attrs) {
    const { batch, m, n } = matmulSizes(inputs, attrs)
    return [f32([...batch, m, n])]
  },
  flops(inputs, _, attrs) {
    const { batch, m, n, k } = matmulSizes(inputs, attrs)
    return 2 * sizeOf(batch) * m * n * k
  },
})

const optionChecks: ChecksOf<Partial<MatmulAttrs>> = {
  transposeA: checks.boolean,
  transposeB: checks.boolean,
}

/**
 * Matrix product.
 *
 * @param a `f32 […, M, K]`, or `[…, K, M]` with `transposeA`.
 * @param b `f32 […, K, N]`, or `[…, N, K]` with `transposeB`.
 * @returns `f32 […, M, N]`.
 * @throws ShapeError if the inner sizes differ or the batch axes do not broadcast.
 */
export function matmul(a: Tensor, b: Tensor, options: Partial<MatmulAttrs> = {}): Tensor {
  checkTensor('matmul', 'a', a)
  checkTensor('matmul', 'b', b)
  checkOptions('matmul', options, optionChecks)
  const attrs = { transposeA: options.transposeA ?? false, transposeB: options.transposeB ?? false }
  return runOp('matmul', [a, b], attrs)[0]
}
