/** The loss of a batch with its penalties, and the gradients of the loss. */
import { valueAndGrad } from '@burgeon/autograd'
import { add, globalNorm, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import { type Batch, partsOf } from '../stream/batch.ts'
import { type BatchLoss, type BatchTensors, batchTensors, lossOn } from '../stream/batch-tensors.ts'
import { frozenBlocks, type LearningParts } from './learning-parts.ts'

/** Rows of `length` predictions each. */
export interface Rows {
  readonly length: number
  readonly targets: Int32Array
}

/** The losses of a batch, and the gradients of its mean. */
export interface Gradients {
  readonly gradient: TensorsByPath
  /** Gradient by the rates of a look-ahead. */
  readonly rates?: TensorsByPath
  /** Loss per token of `rows` before the update: `[B·T]`. */
  readonly losses: Tensor
  /**
   * The rows of `losses`: the whole batch, or its fresh rows alone (with a look-ahead); these come first in
   * either.
   */
  readonly rows: Rows
  readonly penalties: Readonly<Record<string, Tensor>>
  readonly gradientNorm: Tensor
}

/** Predicts a batch, and takes the gradients of its loss and penalties. */
export function lossAndGradients(
  parts: LearningParts,
  weights: TensorsByPath,
  fresh: Batch,
  batch: Batch,
): Gradients {
  const { penalties, lossScale, lookAhead } = parts
  const all = parts.model.parameters.tensors()
  const tensors = batchTensors(parts.model.device, batch)
  const meanLoss = lossesOn(parts, tensors)
  const objective = (w: TensorsByPath) => {
    const { losses, mean } = meanLoss(w)
    const terms: Record<string, Tensor> = {}
    for (const penalty of penalties) {
      const term = penalty.loss({ ...all, ...w })
      if (term !== null) terms[penalty.name] = term
    }
    const total = Object.values(terms).reduce((a, b) => add(a, b), mean)
    return [lossScale?.scaled(total) ?? total, { losses, penalties: terms }] as const
  }
  if (lookAhead === undefined) {
    const { gradient, aux } = valueAndGrad(objective)(weights)
    const norm = globalNorm(Object.values(gradient))
    const rows = { length: batch.length, targets: tensors.targetTokens }
    return { gradient, ...aux, rows, gradientNorm: lossScale?.unscaled(norm) ?? norm }
  }
  const tries = partsOf(fresh, lookAhead.steps).map((part) => {
    const lossOfPart = lossesOn(parts, batchTensors(parts.model.device, part))
    return (w: TensorsByPath): Tensor => lossOfPart(w).mean
  })
  const { gradient, rates, aux } = lookAhead.gradients(objective, tries, weights)
  // The objective has seen changed weights; the prequential loss is of the present ones.
  const present = batchTensors(parts.model.device, fresh)
  const { losses } = lossesOn(parts, present)(weights)
  const rows = { length: fresh.length, targets: present.targetTokens }
  return { gradient, rates, ...aux, losses, rows, gradientNorm: globalNorm(Object.values(gradient)) }
}

/** The loss of a batch as a function of the weights that learn. */
function lossesOn(
  { model, adapter, dropoutKey, checkpointBlocks, shares }: LearningParts,
  batch: BatchTensors,
): (w: TensorsByPath) => BatchLoss {
  if (adapter !== undefined) {
    const { config } = adapter
    return (weights) =>
      lossOn(model, batch, { checkpointBlocks, adapters: { config, weights, dropoutKey } })(
        model.parameters.tensors(),
      )
  }
  const loss = lossOn(model, batch, { checkpointBlocks })
  return (w) => loss(frozenBlocks(shares) > 0 ? { ...model.parameters.tensors(), ...w } : w)
}
