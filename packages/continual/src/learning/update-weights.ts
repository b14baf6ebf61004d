/** The change of the weights by the gradients of a batch. */
import { applyUpdates, type UpdateContext } from '@burgeon/autograd/optim'
import { Gpt, isBelow } from '@burgeon/gpt'
import {
  globalNorm,
  multiply,
  NonFiniteError,
  reshape,
  scope,
  type Tensor,
  type TensorsByPath,
  tensorsIn,
} from '@burgeon/tensor'
import { mapPaths } from '../meta/adapt.ts'
import type { Penalty } from '../penalty/penalty.ts'
import { type LearningParts, taught } from './learning-parts.ts'
import type { Batch } from '../stream/batch.ts'
import { batchFromRows, rowAt } from '../stream/row.ts'
import { type Gradients, gradientOn } from './loss-and-gradients.ts'

/**
 * Changes the weights, once the whole change is known to be finite.
 *
 * @param isRisky Whether to keep the state of the optimizer until then. That costs a copy; no optimizer of
 *   ours needs it for gradients and rates of an ordinary size.
 * @param isShown Whether penalties see the change: not where a loss scale skips it.
 * @returns The norm of the change.
 */
export async function updateWeights(
  parts: LearningParts,
  batch: Batch,
  gradients: Gradients,
  isRisky: boolean,
  isShown: boolean,
): Promise<number> {
  const { optimizer, step } = parts
  const before = isRisky ? await optimizer.toState() : undefined
  const skippedBefore = isRisky ? await optimizer.skipped?.() : undefined
  let change: Change
  try {
    change = scope(() => changeOf(parts, batch, gradients, isRisky))
  } catch (error) {
    if (!(error instanceof NonFiniteError)) throw error
    if (isRisky) optimizer.restore(before, taught(parts))
    throw new NonFiniteError(
      `learner: step ${step + 1}: ${error.message} Nothing was learnt from this batch.`,
      { cause: error },
    )
  }
  try {
    const [norm] = await change.norm.read()
    const wasSkipped = isRisky && (await optimizer.skipped?.()) !== skippedBefore
    if (!Number.isFinite(norm) || wasSkipped) {
      if (isRisky) optimizer.restore(before, taught(parts))
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
    applyUpdates(taught(parts).tensors(), change.updates, { nonFinite: 'skip' })
    if (isShown) showPenalties(parts, { ...change, gradient: gradients.gradient })
    return norm
  } finally {
    for (const tensor of tensorsIn(change)) tensor.dispose()
  }
}

/** Penalties that follow what each step does to the weights. */
const watching = ({ penalties }: LearningParts): readonly Penalty[] =>
  penalties.filter(({ afterUpdate }) => afterUpdate !== undefined)

function showPenalties(
  parts: LearningParts,
  { updates, unscaled, gradient }: Change & Pick<Gradients, 'gradient'>,
): void {
  const { model, step } = parts
  scope(() => {
    for (const penalty of watching(parts)) {
      penalty.afterUpdate?.({ step: step + 1, model, gradients: unscaled ?? gradient, updates })
    }
  })
}

/** Each row of a batch by itself. */
const rowsOf = (batch: Batch): Batch[] =>
  Array.from({ length: batch.rows }, (_, row) => batchFromRows([rowAt(batch, row)]))

/** A change of the weights. */
interface Change {
  readonly updates: TensorsByPath
  readonly norm: Tensor
  /** The gradients without their loss scale, where there is one and a penalty wants to see them. */
  readonly unscaled?: TensorsByPath
}

/**
 * Each update is a tensor of its own, whatever else the optimizer does with it.
 *
 * @param isRisky Whether the optimizer shall look at the gradients itself; otherwise their norm has said that
 *   it need not.
 */
function changeOf(
  parts: LearningParts,
  batch: Batch,
  { gradient, rates }: Gradients,
  isRisky: boolean,
): Change {
  const { model, optimizer, lookAhead, lossScale, shares, step, knobs } = parts
  const parameters = taught(parts).tensors()
  const context: UpdateContext = {
    ...{ parameters, step, ...(isRisky ? {} : { nonFinite: 'skip' }) },
    gradientOn: (rows) => gradientOn(parts, rows),
    ...(optimizer.needsRows && { rows: () => rowsOf(batch) }),
  }
  if (rates !== undefined) lookAhead?.learn(rates, context)
  // The scale that they were taken with is another after the transform.
  const unscaled =
    lossScale && watching(parts).length > 0
      ? mapPaths(Object.keys(gradient), (path) => lossScale.unscaled(gradient[path]))
      : undefined
  const wanted = Object.entries(optimizer.transform(gradient, context))
  const { config } = model instanceof Gpt ? model : { config: undefined }
  const settling =
    config === undefined ? [] : shares.map((share, i) => ({ share, isIn: isBelow(config, i + 1) }))
  const updates = Object.fromEntries(
    wanted.map(([path, change]) => {
      const { share = 1 } = settling.find(({ isIn }) => isIn(path)) ?? {}
      const factor = share * knobs.rate
      return [path, factor === 1 ? reshape(change, change.shape) : multiply(change, factor)]
    }),
  )
  return { updates, norm: globalNorm(Object.values(updates)), ...(unscaled && { unscaled }) }
}
