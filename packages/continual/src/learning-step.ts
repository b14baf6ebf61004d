/** One update: a prediction, its loss, the gradients of the loss, and a change of the weights. */
import { valueAndGrad } from '@burgeon/autograd'
import {
  applyUpdates,
  type GradientTransform,
  type LossScale,
  type UpdateContext,
} from '@burgeon/autograd/optim'
import { type Gpt, isBelow } from '@burgeon/gpt'
import { holdModel } from '@burgeon/gpt/growth'
import {
  add,
  globalNorm,
  multiply,
  NonFiniteError,
  reshape,
  scope,
  type Tensor,
  type TensorsByPath,
  tensorsIn,
} from '@burgeon/tensor'
import type { LearnerOptions } from './learner-options.ts'
import type { LearnerParts } from './learner-parts.ts'
import type { Learnt } from './journal/learnt.ts'
import type { LookAhead } from './meta/look-ahead.ts'
import type { Penalty } from './penalty/penalty.ts'
import type { Rehearsal } from './rehearsal/rehearsal.ts'
import { type Batch, joinBatches, partsOf, withinContext } from './stream/batch.ts'
import { type BatchLoss, type BatchTensors, batchTensors, lossOn } from './stream/batch-tensors.ts'

/** In a row; a loss scale falls from its highest to 1 in fewer. */
const maxOverflows = 40

/** Norms of gradients and learning rates above which the product of two, or a square, may leave single precision. */
const riskyAbove = 1e9

/** Everything that an update is made with. */
interface LearningParts {
  readonly model: Gpt
  /** Begins with the loss scale, and holds the look-ahead. */
  readonly optimizer: GradientTransform
  readonly penalties: readonly Penalty[]
  /** Takes the gradients after inner steps. Not beside a loss scale. */
  readonly lookAhead?: LookAhead
  /** Multiplies the loss. */
  readonly lossScale?: LossScale
  /** Whether blocks are computed again on the way back instead of being kept. */
  readonly checkpointBlocks: boolean
  /** Shares of their rate that the lowest blocks learn with (see `Freezing`); with 0 their backward pass is left out. */
  readonly shares: readonly number[]
  /** Updates in a row that the loss scale has skipped just before this one. */
  readonly overflows: number
  /** Updates made before this one. */
  readonly step: number
}

/** The options and parts of a learner that an update needs. */
export type LearningMeans = Pick<LearnerOptions, 'model' | 'lossScale' | 'checkpointBlocks' | 'strategy'> &
  Pick<LearnerParts, 'optimizer' | 'freezing'>

/**
 * Predicts the fresh rows, then learns them together with the old ones.
 *
 * @param old Rows to rehearse, of any length, of which what is beyond the context is left out; or null.
 * @throws NonFiniteError for a loss, a gradient or an update that is not finite, OptionError for a learning rate that is none: before
 *   any weight is touched, and with the optimizer as it was.
 */
async function learnBatch(parts: LearningParts, fresh: Batch, old: Batch | null): Promise<LearntRows> {
  using _ = holdModel(parts.model)
  const rate = parts.optimizer.rateAt?.(parts.step) ?? 0
  const batch = old === null ? fresh : joinBatches([fresh, withinContext(old, parts.model.config.context)])
  const weights = learningWeights(parts)
  const gradients = scope(() => lossAndGradients(parts, weights, fresh, batch))
  try {
    const [gradientNorm] = await gradients.gradientNorm.read()
    const { predicted, ...learnt } = summarize(fresh.rows, gradients.rows, await gradients.losses.read())
    const mayOverflow = parts.lossScale !== undefined && parts.overflows < maxOverflows
    if (!Number.isFinite(learnt.loss) || !(Number.isFinite(gradientNorm) || mayOverflow)) {
      throw new NonFiniteError(
        `learner: step ${parts.step + 1} has loss ${learnt.loss} and gradient norm ${gradientNorm}; ` +
          'expected finite numbers. Nothing was learnt from this batch.',
      )
    }
    const penalties = await numbersIn(gradients.penalties)
    const updateNorm = await update(parts, gradients, gradientNorm > riskyAbove || rate > riskyAbove)
    return { learnt: { ...learnt, penalties, gradientNorm, updateNorm }, predicted }
  } finally {
    const { rows: _rows, ...tensors } = gradients
    for (const tensor of tensorsIn(tensors)) tensor.dispose()
  }
}

/**
 * Recalls old rows and learns them together with the fresh ones.
 *
 * @throws As `learnBatch`; the rehearsal is then as it was, its random stream included.
 */
export async function learnWithRecall(
  { model, optimizer, freezing, lossScale, checkpointBlocks = false, strategy = {} }: LearningMeans,
  fresh: Batch,
  { step, overflows }: { readonly step: number; readonly overflows: number },
): Promise<LearntRows & { readonly old: Batch | null }> {
  const { penalties = [], lookAhead, rehearsal } = strategy
  const shares = freezing?.sharesAt(step) ?? []
  const takeBack = rehearsal && (rehearsal.mark?.() ?? marked(rehearsal))
  try {
    const old = rehearsal?.recall({ step, model, fresh }) ?? null
    const parts: LearningParts = {
      ...{ model, optimizer, penalties, checkpointBlocks, shares, overflows, step },
      ...(lookAhead && { lookAhead }),
      ...(lossScale && { lossScale }),
    }
    return { ...(await learnBatch(parts, fresh, old)), old }
  } catch (error) {
    takeBack?.()
    throw error
  }
}

/** The same by its whole state, of one that cannot do better. */
function marked(rehearsal: Rehearsal): () => void {
  const before = rehearsal.toState()
  return () => rehearsal.restore(before)
}

const frozenBlocks = (shares: readonly number[]): number => shares.filter((share) => share === 0).length

/** All but those of frozen blocks. */
function learningWeights({ model, shares }: LearningParts): TensorsByPath {
  const isFrozen = isBelow(model.config, frozenBlocks(shares))
  return Object.fromEntries(Object.entries(model.parameters.tensors()).filter(([path]) => !isFrozen(path)))
}

/** An update that has been made. */
interface LearntRows {
  readonly learnt: Learnt
  /** The fresh tokens that were predicted, in order. */
  readonly predicted: Int32Array
}

/** Rows of `length` predictions each. */
interface Rows {
  readonly length: number
  readonly targets: Int32Array
}

interface Gradients {
  readonly gradient: TensorsByPath
  /** By the rates of a look-ahead. */
  readonly rates?: TensorsByPath
  /** Loss per token of `rows` before the update: `[B·T]`. */
  readonly losses: Tensor
  /** The rows of `losses`: the whole batch, or its fresh rows alone (with a look-ahead); these come first in either. */
  readonly rows: Rows
  readonly penalties: Readonly<Record<string, Tensor>>
  readonly gradientNorm: Tensor
}

function lossAndGradients(
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
  { model, checkpointBlocks, shares }: LearningParts,
  batch: BatchTensors,
): (w: TensorsByPath) => BatchLoss {
  const loss = lossOn(model, batch, { checkpointBlocks })
  return (w) => loss(frozenBlocks(shares) > 0 ? { ...model.parameters.tensors(), ...w } : w)
}

/**
 * Changes the weights, once the whole change is known to be finite.
 *
 * @param isRisky Whether to keep the state of the optimizer until then. That costs a copy; no optimizer of ours needs it for gradients and
 *   rates of an ordinary size.
 * @returns The norm of the change.
 */
async function update(parts: LearningParts, gradients: Gradients, isRisky: boolean): Promise<number> {
  const { model, optimizer, step } = parts
  const before = isRisky ? await optimizer.toState() : undefined
  const skippedBefore = isRisky ? await optimizer.skipped?.() : undefined
  let change: ReturnType<typeof changeOf>
  try {
    change = scope(() => changeOf(parts, gradients, isRisky))
  } catch (error) {
    if (!(error instanceof NonFiniteError)) throw error
    if (isRisky) optimizer.restore(before, model.parameters)
    throw new NonFiniteError(
      `learner: step ${step + 1}: ${error.message} Nothing was learnt from this batch.`,
      { cause: error },
    )
  }
  try {
    const [norm] = await change.norm.read()
    const wasSkipped = isRisky && (await optimizer.skipped?.()) !== skippedBefore
    if (!Number.isFinite(norm) || wasSkipped) {
      if (isRisky) optimizer.restore(before, model.parameters)
      const what = wasSkipped
        ? 'has gradients that are too large for the optimizer.'
        : `would change the weights by ${norm}; expected a finite number.`
      throw new NonFiniteError(
        `learner: step ${step + 1} ${what} ` +
          (isRisky ? 'Nothing was learnt from this batch. ' : 'No weight was changed. ') +
          'Is the learning rate too high, or a gradient that should be clipped?',
      )
    }
    // Its norm has just been looked at.
    applyUpdates(model.parameters.tensors(), change.updates, { nonFinite: 'skip' })
    return norm
  } finally {
    for (const tensor of tensorsIn(change)) tensor.dispose()
  }
}

/**
 * Each update is a tensor of its own, whatever else the optimizer does with it.
 *
 * @param isRisky Whether the optimizer shall look at the gradients itself; otherwise their norm has said that it need not.
 */
function changeOf(
  { model, optimizer, lookAhead, shares, step }: LearningParts,
  { gradient, rates }: Gradients,
  isRisky: boolean,
): { readonly updates: TensorsByPath; readonly norm: Tensor } {
  const parameters = model.parameters.tensors()
  const context: UpdateContext = { parameters, step, ...(isRisky ? {} : { nonFinite: 'skip' }) }
  if (rates !== undefined) lookAhead?.learn(rates, context)
  const wanted = Object.entries(optimizer.transform(gradient, context))
  const settling = shares.map((share, i) => ({ share, isIn: isBelow(model.config, i + 1) }))
  const updates = Object.fromEntries(
    wanted.map(([path, change]) => {
      const { share = 1 } = settling.find(({ isIn }) => isIn(path)) ?? {}
      return [path, share === 1 ? reshape(change, change.shape) : multiply(change, share)]
    }),
  )
  return { updates, norm: globalNorm(Object.values(updates)) }
}

/** Means over the tokens that counted, of each of the first `fresh` rows and of all of them. */
function summarize(
  fresh: number,
  { length, targets }: Rows,
  losses: ArrayLike<number>,
): Pick<Learnt, 'loss' | 'rowLosses' | 'tokens'> & Pick<LearntRows, 'predicted'> {
  let total = 0
  const rowLosses = Array.from({ length: fresh }, (_, row) => {
    let [sumOfRow, count] = [0, 0]
    for (let i = row * length; i < (row + 1) * length; i++) {
      if (targets[i] < 0) continue
      sumOfRow += losses[i]
      count++
    }
    total += sumOfRow
    return sumOfRow / count
  })
  const predicted = targets.subarray(0, fresh * length).filter((token) => token >= 0)
  return { loss: total / predicted.length, rowLosses, tokens: predicted.length, predicted }
}

async function numbersIn(tensors: Readonly<Record<string, Tensor>>): Promise<Record<string, number>> {
  const entries = Object.entries(tensors).map(
    async ([name, tensor]) => [name, (await tensor.read())[0]] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}
