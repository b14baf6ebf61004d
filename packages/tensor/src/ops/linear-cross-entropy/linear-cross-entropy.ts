/**
 * Cross-entropy of a linear layer, loss = logsumexp(x·Wᵀ) − (x·Wᵀ)[target] for every row, without ever
 * holding all N·V logits: they are made and used up some rows at a time, and made again for the gradient (Hsu
 * et al. 2024, Liger Kernel, section 3.2).
 */
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import { defineOp, f32 } from '../../op.ts'
import { formatShape, sameShape, type TensorSpec } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { matmul } from '../matmul/matmul.ts'

/** Sizes: N rows of C features, and V classes. */
export interface LinearLossSizes {
  readonly n: number
  readonly c: number
  readonly v: number
}

export function linearLossSizes(op: string, [x, w, targets]: readonly TensorSpec[]): LinearLossSizes {
  const [n, c] = x.shape
  const [v] = w.shape
  const fits =
    x.shape.length === 2 && w.shape.length === 2 && w.shape[1] === c && v > 0 && sameShape(targets.shape, [n])
  if (fits) return { n, c, v }
  throw new ShapeError(
    `${op}: got x${formatShape(x.shape)}, W${formatShape(w.shape)} and targets${formatShape(targets.shape)}; ` +
      'expected x[N, C], W[V, C] with V ≥ 1, and targets[N].',
  )
}

export const linearCrossEntropyOp = defineOp<object>()({
  name: 'linearCrossEntropy',
  takes: { x: 'f32', W: 'f32', targets: 'i32' },
  // x[N, C], W[V, C], targets i32[N] → losses[N], logSumExp[N]
  infer(inputs) {
    const { n } = linearLossSizes('linearCrossEntropy', inputs)
    return [f32([n]), f32([n])]
  },
  flops(inputs) {
    const { n, c, v } = linearLossSizes('linearCrossEntropy', inputs)
    return 2 * n * c * v + 4 * n * v
  },
  definition: ([x, w, targets]): readonly Tensor[] =>
    runOp('crossEntropy', [matmul(x, w, { transposeB: true }), targets], {}),
})

/** The gradient, from the cotangents of the losses and the results that the forward pass kept. */
export const linearCrossEntropyGradOp = defineOp<object>()({
  name: 'linearCrossEntropyGrad',
  takes: { dlosses: 'f32', x: 'f32', W: 'f32', targets: 'i32', logSumExp: 'f32' },
  // dlosses[N], x[N, C], W[V, C], targets i32[N], logSumExp[N] → dx[N, C], dW[V, C]
  infer([dlosses, x, w, targets, logSumExp]) {
    const { n } = linearLossSizes('linearCrossEntropyGrad', [x, w, targets])
    if (!sameShape(dlosses.shape, [n]) || !sameShape(logSumExp.shape, [n])) {
      throw new ShapeError(
        `linearCrossEntropyGrad: got dlosses${formatShape(dlosses.shape)} and logSumExp${formatShape(logSumExp.shape)}; ` +
          `expected ${formatShape([n])} each.`,
      )
    }
    return [f32(x.shape), f32(w.shape)]
  },
  flops([, x, w, targets]) {
    const { n, c, v } = linearLossSizes('linearCrossEntropyGrad', [x, w, targets])
    return 6 * n * c * v + 4 * n * v
  },
  definition([dlosses, x, w, targets, logSumExp]): readonly Tensor[] {
    const logits = matmul(x, w, { transposeB: true })
    const [dlogits] = runOp('crossEntropyGrad', [dlosses, logits, targets, logSumExp], {})
    return [matmul(dlogits, w), matmul(dlogits, x, { transposeA: true })]
  },
})

/**
 * Maximum number of logits that are held at a time, unless there are so many classes that rows would be too
 * few for a fast product.
 */
const maxLogits = 2 ** 25
const minRows = 64
const maxRows = 1024

/** Number of rows that are computed together. */
export const rowsOfChunk = ({ n, v }: LinearLossSizes): number =>
  Math.max(1, Math.min(n, maxRows, Math.max(minRows, Math.floor(maxLogits / v))))

/**
 * The loss of every row of `x · wᵀ`, in nats, without holding its logits: for vocabularies so large that N·V
 * numbers do not fit. Costs one product more than `crossEntropy(matmul(x, w, …))` when a gradient is taken.
 *
 * @param x `f32 [N, C]`.
 * @param w `f32 [V, C]`.
 * @param targets `i32 [N]`, as in `crossEntropy`.
 * @returns `f32 [N]`.
 */
export function linearCrossEntropy(x: Tensor, w: Tensor, targets: Tensor): Tensor {
  checkTensor('linearCrossEntropy', 'x', x)
  checkTensor('linearCrossEntropy', 'w', w)
  checkTensor('linearCrossEntropy', 'targets', targets)
  return runOp('linearCrossEntropy', [x, w, targets], {})[0]
}
