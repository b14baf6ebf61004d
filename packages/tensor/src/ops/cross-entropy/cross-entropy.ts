/**
 * Cross-entropy of a categorical prediction: loss[i] = log Σⱼ exp(logits[i, j]) − logits[i, target[i]], in
 * nats.
 */
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { ShapeError } from '../../errors.ts'
import * as e from '../../expression/expression.ts'
import { defineOp, f32 } from '../../op.ts'
import { formatShape, sameShape, sizeOf, type TensorSpec } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { elementwise } from '../elementwise/elementwise.ts'
import { iota } from '../iota/iota.ts'
import { max, sum } from '../reduce/reduce.ts'
import { reshape } from '../reshape/reshape.ts'

const { add, constant, equal, exp, input, less, log, select, subtract } = e

const expOfDifference = exp(subtract(input(0), input(1)))
const addLog = add(input(0), log(input(1)))
// inputs: logit, target, column
const logitOfTarget = select(equal(input(1), input(2)), input(0), constant(0))
// inputs: logSumExp, target logit, target; a negative target is not counted
const lossOrZero = select(less(input(2), constant(0)), constant(0), subtract(input(0), input(1)))
// inputs: logit, logSumExp, column, target, cotangent of the loss
const gradient = e.multiply(
  select(
    less(input(3), constant(0)),
    constant(0),
    subtract(exp(subtract(input(0), input(1))), equal(input(2), input(3))),
  ),
  input(4),
)

function check(op: string, logits: TensorSpec, targets: TensorSpec): number {
  const [n, v] = logits.shape
  if (
    logits.shape.length !== 2 ||
    !v ||
    targets.shape.length !== 1 ||
    targets.shape[0] !== n ||
    targets.dtype !== 'i32'
  ) {
    throw new ShapeError(
      `${op}: got logits ${formatShape(logits.shape)} and targets ${targets.dtype}${formatShape(targets.shape)}; ` +
        'expected logits f32[N, V] with V ≥ 1 and targets i32[N].',
    )
  }
  return n
}

export const crossEntropyOp = defineOp<object>()({
  name: 'crossEntropy',
  takes: { logits: 'f32', targets: 'i32' },
  // logits[N, V], targets i32[N] → losses[N], logSumExp[N]
  infer([logits, targets]) {
    const n = check('crossEntropy', logits, targets)
    return [f32([n]), f32([n])]
  },
  flops: ([logits]) => 4 * sizeOf(logits.shape),
  definition([logits, targets]) {
    const [n, v] = logits.shape
    const top = max(logits, { axes: [1], keepDims: true })
    const total = sum(elementwise(expOfDifference, [logits, top]), { axes: [1], keepDims: true })
    const logSumExp = reshape(elementwise(addLog, [top, total]), [n])
    const chosen = elementwise(logitOfTarget, [logits, reshape(targets, [n, 1]), iota(logits.device, v)])
    const targetLogit = sum(chosen, { axes: [1] })
    return [elementwise(lossOrZero, [logSumExp, targetLogit, targets]), logSumExp]
  },
})

/** The gradient: dlogits = (softmax − onehot)·dloss, without keeping the softmax. */
export const crossEntropyGradOp = defineOp<object>()({
  name: 'crossEntropyGrad',
  takes: { dlosses: 'f32', logits: 'f32', targets: 'i32', logSumExp: 'f32' },
  // dlosses[N], logits[N, V], targets i32[N], logSumExp[N] → dlogits[N, V]
  infer([dlosses, logits, targets, logSumExp]) {
    const n = check('crossEntropyGrad', logits, targets)
    if (!sameShape(dlosses.shape, [n]) || !sameShape(logSumExp.shape, [n])) {
      throw new ShapeError(
        `crossEntropyGrad: got dlosses ${formatShape(dlosses.shape)} and logSumExp ${formatShape(logSumExp.shape)} ` +
          `for logits ${formatShape(logits.shape)}; expected ${formatShape([n])} each.`,
      )
    }
    return [f32(logits.shape)]
  },
  flops: ([, logits]) => 4 * sizeOf(logits.shape),
  definition([dlosses, logits, targets, logSumExp]) {
    const [n, v] = logits.shape
    const column = (x: Tensor): Tensor => reshape(x, [n, 1])
    return [
      elementwise(gradient, [
        logits,
        column(logSumExp),
        iota(logits.device, v),
        column(targets),
        column(dlosses),
      ]),
    ]
  },
})

/**
 * The loss of every row, in nats.
 *
 * @param logits `f32 [N, V]`.
 * @param targets `i32 [N]`, each in [0, V); a negative target is not counted: its loss and gradient are 0.
 *   A target of V or more is refused with IndexError by the WASM device.
 * @returns `f32 [N]`.
 */
export function crossEntropy(logits: Tensor, targets: Tensor): Tensor {
  checkTensor('crossEntropy', 'logits', logits)
  checkTensor('crossEntropy', 'targets', targets)
  return runOp('crossEntropy', [logits, targets], {})[0]
}
