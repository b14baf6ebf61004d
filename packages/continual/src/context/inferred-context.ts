/** The context of a step's new rows as it is inferred, as a signal of drift. */
import { Gpt } from '@burgeon/gpt'
import { holdModel } from '@burgeon/gpt/growth'
import { checkArgument, checks } from '@burgeon/tensor'
import type { StepContext } from '../journal/step-context.ts'
import { aTokenBatch, targetsOf } from '../stream/batch.ts'
import { ContextLabels } from './context-labels.ts'
import { contextMixture } from './context-mixture.ts'
import { lossesInContexts } from './losses-in-contexts.ts'

/** Smaller parts of a probability tell no context from another, however much they change. */
const thousand = 1000

const aContext = checks.role<StepContext>('the context of a step', 'model', 'fresh')

/**
 * A signal for `watching`: how probable each label of the first kind is as that of the new rows, by what they
 * say alone, whatever label they have. A vector of as many numbers as there may be labels, `[limit]`, in the
 * order in which these were born, 0 where there is none; the mean over the rows, to thousandths. It jumps
 * when the stream goes over to another context, also to one that was there before. It costs a forward pass
 * for each label.
 *
 * @param labels Those of the learner's strategy.
 * @throws OptionError for others, and its result for a model that is no Gpt.
 * @example
 * ```ts
 * const context = contextLabels()
 * const strategy = { context, detectors: [watching(inferredContext(context), kernelTwoSample())] }
 * ```
 */
export function inferredContext(
  labels: ContextLabels,
): (step: Pick<StepContext, 'model' | 'fresh'>) => Promise<Float32Array> {
  checkArgument('inferredContext', 'labels', labels, aContextLabels)
  return async function inferredLabels(step) {
    checkArgument('inferredContext', 'step', step, aContext)
    const { model, fresh }: { readonly model: unknown; readonly fresh: unknown } = step
    checkArgument('inferredContext', 'step.model', model, aGpt)
    checkArgument('inferredContext', 'step.fresh', fresh, aTokenBatch)
    const found = new Float32Array(labels.limit)
    const contexts = labels.contextsOf()
    if (contexts.length === 0) return found
    using _ = holdModel(model)
    const losses = await lossesInContexts(model, fresh, contexts)
    const targets = targetsOf(fresh)
    for (let row = 0; row < fresh.rows; row++) {
      const mixture = contextMixture(contexts.length)
      for (let place = row * fresh.length; place < (row + 1) * fresh.length; place++) {
        if (targets[place] >= 0) mixture.update(losses.map((own) => own[place]))
      }
      mixture.probabilities.forEach((probability, c) => {
        found[labels.placeOf(contexts[c].name)] += probability / fresh.rows
      })
    }
    return found.map((probability) => Math.round(probability * thousand) / thousand)
  }
}

const aGpt = checks.instance('a Gpt', Gpt)
const aContextLabels = checks.instance('what contextLabels() makes', ContextLabels)
