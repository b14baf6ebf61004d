/**
 * Losses of predictions and targets of one shape. Each is the mean over all elements unless `reduction` says
 * otherwise, of `f32`. Targets may be of either element type, and have gradients, too.
 */
import { checkOptions, type ChecksOf } from '../checks/check-options.ts'
import { checkTensor } from '../checks/check-tensor.ts'
import * as checks from '../checks/checks.ts'
import { ShapeError } from '../errors.ts'
import * as e from '../expression/expression.ts'
import { softplusOf } from '../ops/elementwise/arithmetic.ts'
import { elementwise } from '../ops/elementwise/elementwise.ts'
import { mean, sum } from '../ops/reduce/reduce.ts'
import { scope } from '../scope.ts'
import { formatShape, sameShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** Options of losses. */
export interface LossOptions {
  /** `mean` and `sum` return one number, `none` a loss for every element. Default `mean`. */
  readonly reduction?: 'mean' | 'sum' | 'none'
}

/** Options of `huber`. */
export interface HuberOptions extends LossOptions {
  /** The difference where the square ends and the straight line begins; > 0. Default 1. */
  readonly delta?: number
}

const reduction = checks.oneOf('mean', 'sum', 'none')
const lossChecks: ChecksOf<LossOptions> = { reduction }
const huberChecks: ChecksOf<HuberOptions> = { reduction, delta: checks.number({ above: 0 }) }

const [prediction, target, delta] = [e.input(0), e.input(1), e.scalar(0)]
const error = e.subtract(prediction, target)
const size = e.abs(error)
const half = e.constant(0.5)
const squared = e.multiply(error, error)
const hubers = e.select(
  e.less(delta, size),
  e.multiply(delta, e.subtract(size, e.multiply(half, delta))),
  e.multiply(half, squared),
)
// −log p where the target is 1 and −log(1 − p) where it is 0, with p = sigmoid(logit).
const binary = e.add(
  e.multiply(target, softplusOf(e.negate(prediction))),
  e.multiply(e.subtract(e.constant(1), target), softplusOf(prediction)),
)

/** (prediction − target)². */
export function meanSquaredError(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  checkOptions('meanSquaredError', options, lossChecks)
  return reduceLosses('meanSquaredError', squared, [predictions, targets], options)
}

/** |prediction − target|; its gradient at 0 is 0. */
export function l1(predictions: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  checkOptions('l1', options, lossChecks)
  return reduceLosses('l1', size, [predictions, targets], options)
}

/**
 * Half the square of the difference d where |d| ≤ delta, and delta · (|d| − delta/2) beyond (Huber 1964): the
 * gradient of an outlier is bounded.
 */
export function huber(predictions: Tensor, targets: Tensor, options: HuberOptions = {}): Tensor {
  checkOptions('huber', options, huberChecks)
  return reduceLosses('huber', hubers, [predictions, targets], options, [options.delta ?? 1])
}

/**
 * −t · log p − (1 − t) · log(1 − p) with p = sigmoid(logit), in nats. It never computes p, and so neither
 * overflows nor rounds it to 0 or 1.
 *
 * @param logits Any numbers, before the sigmoid.
 * @param targets Shares t from 0 to 1; other numbers are not refused.
 */
export function binaryCrossEntropy(logits: Tensor, targets: Tensor, options: LossOptions = {}): Tensor {
  checkOptions('binaryCrossEntropy', options, lossChecks)
  return reduceLosses('binaryCrossEntropy', binary, [logits, targets], options, [], 'logits')
}

function reduceLosses(
  op: string,
  formula: e.Expression,
  [predictions, targets]: readonly [Tensor, Tensor],
  options: LossOptions,
  scalars: readonly number[] = [],
  name = 'predictions',
): Tensor {
  checkTensor(op, name, predictions)
  checkTensor(op, 'targets', targets)
  if (!sameShape(predictions.shape, targets.shape)) {
    throw new ShapeError(
      `${op}: got ${name} ${formatShape(predictions.shape)} and targets ${formatShape(targets.shape)}; ` +
        'expected one shape. Broadcast one of them yourself if that is what you want.',
    )
  }
  return scope(() => {
    const losses = elementwise(formula, [predictions, targets], scalars)
    if (options.reduction === 'none') return losses
    return options.reduction === 'sum' ? sum(losses) : mean(losses)
  })
}
