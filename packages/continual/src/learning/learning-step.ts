/** One update: a prediction, its loss, the gradients of the loss, and a change of the weights. */
import { holdModel } from '@burgeon/gpt/growth'
import { foldIn, keyFromSeed, NonFiniteError, scope, type Tensor, tensorsIn } from '@burgeon/tensor'
import type { Learnt } from '../journal/learnt.ts'
import type { LearnerOptions } from '../learner-options.ts'
import type { LearnerParts } from '../learner-parts.ts'
import type { Rehearsal } from '../rehearsal/rehearsal.ts'
import { type Batch, joinBatches, withinContext } from '../stream/batch.ts'
import { type LearningParts, learningWeights } from './learning-parts.ts'
import { lossAndGradients, type Rows } from './loss-and-gradients.ts'
import { updateWeights } from './update-weights.ts'

/** Overflows in a row, above which they are an error: a loss scale falls from its highest to 1 in fewer. */
const maxOverflows = 40

/**
 * Norms of gradients and learning rates above which the product of two, or a square, may leave single
 * precision.
 */
const riskyAbove = 1e9

/** The options and parts of a learner that an update needs. */
export type LearningMeans = Pick<
  LearnerOptions,
  'model' | 'lossScale' | 'checkpointBlocks' | 'strategy' | 'seed'
> &
  Pick<LearnerParts, 'optimizer' | 'freezing' | 'adapter'>

/** An update that has been made. */
interface LearntRows {
  readonly learnt: Learnt
  /** The fresh tokens that were predicted, in order. */
  readonly predicted: Int32Array
}

/**
 * Predicts the fresh rows, then learns them together with the old ones.
 *
 * @param old Rows to rehearse, of any length, of which what is beyond the context is left out; or null.
 * @throws NonFiniteError for a loss, a gradient or an update that is not finite, OptionError for a learning
 *   rate that is none: before any weight is touched, and with the optimizer as it was.
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
    const updateNorm = await updateWeights(parts, gradients, gradientNorm > riskyAbove || rate > riskyAbove)
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
  { model, optimizer, freezing, adapter, lossScale, ...options }: LearningMeans,
  fresh: Batch,
  { step, overflows }: { readonly step: number; readonly overflows: number },
): Promise<LearntRows & { readonly old: Batch | null }> {
  const { checkpointBlocks = false, strategy = {}, seed = 0 } = options
  const { penalties = [], lookAhead, rehearsal } = strategy
  const shares = freezing?.sharesAt(step) ?? []
  const takeBack = rehearsal && (rehearsal.mark?.() ?? marked(rehearsal))
  try {
    const old = rehearsal?.recall({ step, model, fresh }) ?? null
    const parts: LearningParts = {
      ...{ model, optimizer, penalties, checkpointBlocks, shares, overflows, step },
      dropoutKey: foldIn(keyFromSeed(seed), step),
      ...(adapter && { adapter }),
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
