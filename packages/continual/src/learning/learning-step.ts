/** One update: a prediction, its loss, the gradients of the loss, and a change of the weights. */
import { Gpt } from '@burgeon/gpt'
import { holdModel } from '@burgeon/gpt/growth'
import {
  foldIn,
  keyFromSeed,
  NonFiniteError,
  type RandomKey,
  scope,
  type Tensor,
  tensorsIn,
} from '@burgeon/tensor'
import type { Knobs } from '../control/knobs.ts'
import type { Learnt } from '../journal/learnt.ts'
import type { RecallContext, RehearseContext } from '../journal/step-context.ts'
import type { AnyLearnerOptions } from '../learner-options.ts'
import type { LearnerParts } from '../learner-parts.ts'
import type { Intake } from '../model/intake.ts'
import { requireLearnable } from '../probes/hold-back.ts'
import type { Rehearsal } from '../rehearsal/rehearsal.ts'
import { type Batch, joinBatches } from '../stream/batch.ts'
import { exchangedGradients } from './exchanged-gradients.ts'
import { byTrust, dilution } from './by-trust.ts'
import { type LearningParts, learningWeights } from './learning-parts.ts'
import { type Gradients, lossAndGradients, predictionOf } from './loss-and-gradients.ts'
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
  AnyLearnerOptions,
  'model' | 'lossScale' | 'checkpointBlocks' | 'strategy' | 'seed' | 'exchange'
> &
  Pick<LearnerParts, 'optimizer' | 'freezing' | 'adapter' | 'keepsLogits' | 'intake' | 'probes'> & {
    readonly knobs: Knobs
  }

/** Where in the life of a learner an update stands. */
export interface LearningMoment {
  /** Updates made by observing. */
  readonly step: number
  /** Steps in a row that the loss scale has skipped. */
  readonly overflows: number
  /** Updates made without fresh rows. */
  readonly rehearsed: number
}

/** An update that has been made. */
interface LearntRows {
  readonly learnt: Learnt
  /** Loss of each old row, in nats per prediction; null where it was not measured. */
  readonly oldLosses: readonly number[] | null
  /** Outputs of the model for the fresh rows, before the update, where a part uses them. */
  readonly logits?: ArrayLike<number>
  /** Loss of each prediction of the fresh rows, in nats. */
  readonly tokenLosses: ArrayLike<number>
}

/**
 * Predicts the fresh rows, then learns them together with the old ones.
 *
 * @param old Rows to rehearse, which the model can read; or null.
 * @throws NonFiniteError for a loss, a gradient or an update that is not finite, OptionError for a learning
 *   rate that is none: before any weight is touched, and with the optimizer as it was.
 */
async function learnBatch(
  given: LearningParts,
  freshRows: Batch,
  oldRows: Batch | null,
): Promise<LearntRows> {
  const { fresh, old, factor } = byTrust(freshRows, oldRows, given.rehearsal?.loss === undefined)
  const knobs = factor === 1 ? given.knobs : { ...given.knobs, rate: given.knobs.rate * factor }
  const parts = { ...given, knobs }
  const rate = (parts.optimizer.rateAt?.(parts.step) ?? 0) * parts.knobs.rate
  const batch = old === null ? fresh : joinBatches([fresh, old])
  const weights = learningWeights(parts)
  const gradients = parts.exchange
    ? await exchangedGradients(parts, parts.exchange, weights, batch)
    : scope(() => lossAndGradients(parts, weights, fresh, batch))
  try {
    const [gradientNorm] = await gradients.gradientNorm.read()
    const losses = await gradients.losses.read()
    const { oldLosses, ...summary } = summarize(fresh.rows, gradients, losses)
    const mayOverflow = parts.lossScale !== undefined && parts.overflows < maxOverflows
    if (!Number.isFinite(summary.loss) || !(Number.isFinite(gradientNorm) || mayOverflow)) {
      throw new NonFiniteError(
        `learner: step ${parts.step + 1} has loss ${summary.loss} and gradient norm ${gradientNorm}; ` +
          'expected finite numbers. Nothing was learnt from this batch.',
      )
    }
    const penalties = await numbersIn(gradients.penalties)
    const logits = gradients.logits && ofFresh(fresh, gradients, await gradients.logits.read())
    const tokenLosses = ofFresh(fresh, gradients, losses)
    const isRisky = gradientNorm > riskyAbove || rate > riskyAbove
    const updateNorm = await updateWeights(parts, batch, gradients, isRisky, Number.isFinite(gradientNorm))
    const learnt = { ...summary, penalties, gradientNorm, updateNorm }
    return { learnt, oldLosses, tokenLosses, ...(logits && { logits }) }
  } finally {
    const { length: _length, counted: _counted, ...tensors } = gradients
    for (const tensor of tensorsIn(tensors)) tensor.dispose()
  }
}

/**
 * Recalls old rows and learns them together with the fresh ones.
 *
 * @throws As `learnBatch`; rehearsal and projections are then as they were, their random streams included.
 */
export function learnWithRecall(
  means: LearningMeans,
  fresh: Batch,
  moment: LearningMoment,
): Promise<LearntRows & { readonly old: Batch | null }> {
  const { intake, probes } = means
  const dropoutKey = foldIn(keyFromSeed(means.seed ?? 0), moment.step)
  return takenBackOnError(means, moment, dropoutKey, async (parts) => {
    const old = (await parts.rehearsal?.recall(recallContext(parts, fresh, intake))) ?? null
    requireLearnable(old, probes)
    return { ...(await learnBatch(parts, fresh, old && intake.within(old))), old }
  })
}

/**
 * Learns rows by themselves.
 *
 * @param rows Those that are given, or so many that the rehearsal remembers.
 * @returns null where it remembers none yet.
 * @throws As `learnWithRecall`.
 */
export function learnAlone(
  means: LearningMeans,
  rows: Batch | number,
  moment: LearningMoment,
): Promise<LearntRows | null> {
  const { step, rehearsed } = moment
  // Apart from the keys of steps on fresh rows, and from those of other rehearsed ones.
  const dropoutKey = foldIn(foldIn(keyFromSeed(means.seed ?? 0), step), 1 + rehearsed)
  return takenBackOnError(means, moment, dropoutKey, async (parts) => {
    const { rehearsal } = parts
    const remembered = async (count: number): Promise<Batch | null | undefined> =>
      rehearsal?.recallAlone
        ? rehearsal.recallAlone(count, rehearseContext(parts, means.intake))
        : rehearsal?.sample(count)
    const old = (typeof rows === 'number' ? await remembered(rows) : rows) ?? null
    requireLearnable(old, means.probes)
    return old === null ? null : learnBatch(parts, means.intake.within(old), null)
  })
}

/** Learns with the parts of a step; where that fails, what has been drawn for it is taken back. */
async function takenBackOnError<T>(
  means: LearningMeans,
  { step, overflows }: LearningMoment,
  dropoutKey: RandomKey,
  learn: (parts: LearningParts) => Promise<T>,
): Promise<T> {
  const { model, optimizer, freezing, adapter, lossScale, keepsLogits, intake, knobs, ...options } = means
  const { exchange } = means
  // From the first moment on: a recall may wait, and nobody shall change the weights meanwhile.
  using _ = model instanceof Gpt ? holdModel(model) : null
  const { checkpointBlocks = false, strategy = {} } = options
  const { penalties = [], projections = [], lookAhead, rehearsal, context } = strategy
  const shares = freezing?.sharesAt(step) ?? []
  const takeBack = [
    rehearsal && (rehearsal.mark?.() ?? marked(rehearsal)),
    ...projections.map((projection) => projection.mark?.()),
  ]
  try {
    return await learn({
      ...{ model, intake, optimizer, penalties, keepsLogits, checkpointBlocks, shares, overflows, step },
      ...{ dropoutKey, knobs },
      ...(adapter && { adapter }),
      ...(context && { context }),
      ...(rehearsal && { rehearsal }),
      ...(lookAhead && { lookAhead }),
      ...(lossScale && { lossScale }),
      ...(exchange && { exchange }),
    })
  } catch (error) {
    for (const undo of takeBack) undo?.()
    throw error
  }
}

function recallContext(parts: LearningParts, fresh: Batch, intake: Intake): RecallContext {
  const { rehearsalShare, domains } = parts.knobs
  const more = parts.rehearsal?.loss === undefined ? dilution(fresh) : 1
  return {
    ...{ ...rehearseContext(parts, intake), fresh, shareFactor: rehearsalShare * more },
    ...(domains && { domainFactors: domains }),
  }
}

function rehearseContext(parts: LearningParts, intake: Intake): RehearseContext {
  const { step, model } = parts
  return {
    ...{ step, model, weights: learningWeights(parts), longestRow: intake.longestRow() },
    predict(batch) {
      const rows = intake.within(batch)
      return predictionOf({ ...parts, keepsLogits: false }, rows, rows.rows)
    },
  }
}

/** The same by its whole state, of one that cannot do better. */
function marked(rehearsal: Rehearsal): () => void {
  const before = rehearsal.toState()
  return () => rehearsal.restore(before)
}

/** Means over the predictions that counted, of each row, and of the first `fresh` of them together. */
function summarize(
  fresh: number,
  { length, counted }: Pick<Gradients, 'length' | 'counted'>,
  losses: ArrayLike<number>,
): Pick<Learnt, 'loss' | 'rowLosses' | 'tokens'> & Pick<LearntRows, 'oldLosses'> {
  const rows = losses.length / length
  const [sums, counts] = [new Float64Array(rows), new Float64Array(rows)]
  for (const i of counted) {
    sums[Math.floor(i / length)] += losses[i]
    counts[Math.floor(i / length)]++
  }
  const means = Array.from(sums, (sum, row) => sum / counts[row])
  const totalOf = (numbers: Float64Array): number => numbers.subarray(0, fresh).reduce((a, b) => a + b, 0)
  const tokens = totalOf(counts)
  return {
    loss: totalOf(sums) / tokens,
    rowLosses: means.slice(0, fresh),
    oldLosses: rows > fresh ? means.slice(fresh) : null,
    tokens,
  }
}

/** Numbers for the predictions of the fresh rows alone, each row as long as it is among them: `[B·T, C]`. */
function ofFresh(
  { rows, ...fresh }: Batch,
  { length, losses }: Pick<Gradients, 'length' | 'losses'>,
  outputs: ArrayLike<number>,
): Float32Array {
  const own = 'length' in fresh ? fresh.length : 1
  const each = outputs.length / losses.size
  const result = new Float32Array(rows * own * each)
  const all = Float32Array.from(outputs)
  for (let row = 0; row < rows; row++) {
    const from = row * length * each
    result.set(all.subarray(from, from + own * each), row * own * each)
  }
  return result
}

async function numbersIn(tensors: Readonly<Record<string, Tensor>>): Promise<Record<string, number>> {
  const entries = Object.entries(tensors).map(
    async ([name, tensor]) => [name, (await tensor.read())[0]] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}
