/** The change of the weights by the gradients of a batch. */
import { applyUpdates, type UpdateContext } from '@burgeon/autograd/optim'
import { isBelow } from '@burgeon/gpt'
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
import { type LearningParts, taught } from './learning-parts.ts'
import type { Gradients } from './loss-and-gradients.ts'

/**
 * Changes the weights, once the whole change is known to be finite.
 *
 * @param isRisky Whether to keep the state of the optimizer until then. That costs a copy; no optimizer of
 *   ours needs it for gradients and rates of an ordinary size.
 * @returns The norm of the change.
 */
export async function updateWeights(
  parts: LearningParts,
  gradients: Gradients,
  isRisky: boolean,
): Promise<number> {
  const { optimizer, step } = parts
  const before = isRisky ? await optimizer.toState() : undefined
  const skippedBefore = isRisky ? await optimizer.skipped?.() : undefined
  let change: ReturnType<typeof changeOf>
  try {
    change = scope(() => changeOf(parts, gradients, isRisky))
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
    return norm
  } finally {
    for (const tensor of tensorsIn(change)) tensor.dispose()
  }
}

/**
 * Each update is a tensor of its own, whatever else the optimizer does with it.
 *
 * @param isRisky Whether the optimizer shall look at the gradients itself; otherwise their norm has said that
 *   it need not.
 */
function changeOf(
  parts: LearningParts,
  { gradient, rates }: Gradients,
  isRisky: boolean,
): { readonly updates: TensorsByPath; readonly norm: Tensor } {
  const { model, optimizer, lookAhead, shares, step } = parts
  const parameters = taught(parts).tensors()
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
