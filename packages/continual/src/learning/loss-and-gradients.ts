/** The loss of a batch with what its parts add, and the gradients of the loss. */
import { grad, valueAndGrad } from '@burgeon/autograd'
import { Gpt } from '@burgeon/gpt'
import {
  add,
  checkArgument,
  globalNorm,
  multiply,
  RandomStream,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { afterTokens } from '../context/rows-in-context.ts'
import { type Computed, freshLossOf, meanLossOf, type Pass, predict } from '../model/pass.ts'
import type { Penalty } from '../penalty/penalty.ts'
import type { Rehearsal } from '../rehearsal/rehearsal.ts'
import { aBatch, type Batch, isTokenBatch, partsOf } from '../stream/batch.ts'
import { batchTensors } from '../stream/batch-tensors.ts'
import { frozenBlocks, type LearningParts, learningWeights } from './learning-parts.ts'

/** The losses of a batch, and the gradients of its mean. */
export interface Gradients {
  readonly gradient: TensorsByPath
  /** Gradient by the rates of a look-ahead. */
  readonly rates?: TensorsByPath
  /**
   * Loss per prediction before the update, `[N]`: of the whole batch, or of its fresh rows alone (with a
   * look-ahead); these come first in either.
   */
  readonly losses: Tensor
  /** Predictions for each row of `losses`. */
  readonly length: number
  /** The predictions that count. */
  readonly counted: readonly number[]
  /** Outputs for the same predictions, `[N, C]`, where a part uses them. */
  readonly logits?: Tensor
  /** What penalties and the rehearsal added, by name. */
  readonly penalties: Readonly<Record<string, Tensor>>
  readonly gradientNorm: Tensor
}

/** Predicts a batch, and takes the gradients of its loss and of what is added to it. */
export function lossAndGradients(
  parts: LearningParts,
  weights: TensorsByPath,
  fresh: Batch,
  batch: Batch,
): Gradients {
  const { penalties, rehearsal, lossScale, lookAhead, keepsLogits, knobs } = parts
  const all = parts.model.parameters.tensors()
  const predicted = predictionOf(parts, batch, fresh.rows)
  const objective = (w: TensorsByPath) => {
    const pass = predicted(w)
    const terms: Record<string, Tensor> = {}
    // A rehearsal that has a loss of its own decides what the rows it recalled cost.
    const ownsOld = rehearsal?.loss !== undefined && batch.rows > fresh.rows
    const mean = ownsOld ? freshLossOf(pass) : meanLossOf(pass)
    const addTerm = (part: Penalty | Rehearsal, factor: number): void => {
      const term = part.loss?.({ ...all, ...w }, pass) ?? null
      if (term !== null) terms[part.name] = factor === 1 ? term : multiply(term, factor)
    }
    for (const part of penalties) addTerm(part, knobs.penalty)
    if (ownsOld) addTerm(rehearsal, 1)
    const total = Object.values(terms).reduce((a, b) => add(a, b), mean)
    return [lossScale?.scaled(total) ?? total, { ...shown(pass, keepsLogits), penalties: terms }] as const
  }
  if (lookAhead === undefined) {
    const { gradient, aux } = valueAndGrad(objective)(weights)
    const norm = globalNorm(Object.values(gradient))
    const { length, counted } = predicted.tensors
    return { gradient, ...aux, length, counted, gradientNorm: lossScale?.unscaled(norm) ?? norm }
  }
  const tries = partsOf(fresh, lookAhead.steps).map((part) => {
    const prediction = predictionOf({ ...parts, keepsLogits: false }, part, part.rows)
    return (w: TensorsByPath): Tensor => meanLossOf(prediction(w))
  })
  const { gradient, rates, aux } = lookAhead.gradients(objective, tries, weights)
  // The objective has seen changed weights; the prequential loss is of the present ones.
  const present = predictionOf(parts, fresh, fresh.rows)
  const { length, counted } = present.tensors
  const own = shown(present(weights), keepsLogits)
  return {
    gradient,
    rates,
    ...aux,
    ...own,
    length,
    counted,
    gradientNorm: globalNorm(Object.values(gradient)),
  }
}

/**
 * The gradients of the mean loss of other rows, by the weights that learn and as they are now.
 *
 * @throws OptionError for rows that are no batch.
 */
export function gradientOn(parts: LearningParts, rows: object): TensorsByPath {
  checkArgument('learner: gradientOn', 'rows', rows, aBatch)
  const batch = parts.intake.within(rows)
  const predicted = predictionOf({ ...parts, keepsLogits: false }, batch, batch.rows)
  return grad((w: TensorsByPath) => meanLossOf(predicted(w)))(learningWeights(parts))
}

/** What of a pass outlives the step's tape. */
const shown = (pass: Pass, keepsLogits: boolean): Pick<Gradients, 'losses' | 'logits'> => ({
  losses: pass.losses,
  ...(keepsLogits && { logits: pass.logits() }),
})

/** The prediction of a batch as a function of the weights that learn. */
export function predictionOf(
  parts: LearningParts,
  batch: Batch,
  freshRows: number,
): ((w: TensorsByPath) => Pass) & { readonly tensors: Pass['tensors'] } {
  const { model, keepsLogits } = parts
  const tensors = batchTensors(model.device, batch, model.predicts)
  const computed = inContext(parts, batch, computedBy(parts))
  const means = { model, batch, freshRows, tensors, keepsLogits, computed }
  return Object.assign((w: TensorsByPath): Pass => predict(means, w), { tensors })
}

/** The same with labels before the rows, but for those that are left out in this step. */
function inContext(
  { context, model, dropoutKey }: LearningParts,
  batch: Batch,
  computed: Computed,
): Computed {
  if (context === undefined || !isTokenBatch(batch)) return computed
  const random = new RandomStream(dropoutKey).named('context')
  return afterTokens(computed, model.device, batch, context.someBefore(batch, random))
}

/** The model as a function of the weights that learn. */
function computedBy({ model, adapter, dropoutKey, checkpointBlocks, shares }: LearningParts): Computed {
  if (!(model instanceof Gpt)) return model
  const all = (): TensorsByPath => model.parameters.tensors()
  if (adapter !== undefined) {
    const { config } = adapter
    const options = (weights: TensorsByPath) => ({
      checkpointBlocks,
      adapters: { config, weights, dropoutKey },
    })
    return {
      forward: (inputs, w) => model.forward(inputs, all(), options(w)),
      losses: (inputs, targets, w) => model.losses(inputs, targets, all(), options(w)),
    }
  }
  const whole = (w: TensorsByPath): TensorsByPath => (frozenBlocks(shares) > 0 ? { ...all(), ...w } : w)
  return {
    forward: (inputs, w) => model.forward(inputs, whole(w), { checkpointBlocks }),
    losses: (inputs, targets, w) => model.losses(inputs, targets, whole(w), { checkpointBlocks }),
  }
}
