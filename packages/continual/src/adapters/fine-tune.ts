/** Fine-tuning of an adapter: the model stays as it is, and another task has another adapter. */
import { adamw, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import type { Gpt, LoraAdapter, LoraOptions } from '@burgeon/gpt'
import { checkArgument, checks, OptionError } from '@burgeon/tensor'
import { Learner } from '../learner.ts'
import type { LearnerOptions } from '../learner-options.ts'

/** Options of fine-tuning. */
export interface FineTuneOptions extends Omit<LearnerOptions, 'model' | 'optimizer' | 'adapter'> {
  /** The adapter that learns, or how a new one is to be made. */
  readonly adapter: LoraAdapter | LoraOptions
  /**
   * AdamW with a rate of 2e-3, without weight decay, after clipping gradients to a norm of 1, unless given.
   */
  readonly optimizer?: LearnerOptions['optimizer']
}

/** A learner that teaches an adapter. */
export interface FineTuning extends Learner {
  readonly adapter: LoraAdapter
}

/**
 * A learner that teaches a low-rank adapter of a model (Hu et al. 2022) and leaves every byte of the model as
 * it is. It learns as any learner does, with rehearsal, drift detectors and checkpoints; what would change
 * the model (growth, freezing, penalties on its weights) is refused.
 *
 * @throws OptionError for options that are none, AdapterError for an adapter of another model.
 * @example
 * ```ts
 * const tuning = fineTune(model, { adapter: { rank: 8, alpha: 16 } })
 * await tuning.observe('What the new task reads like. ')
 * const { text } = await model.generate('What', {
 *   ...{ tokens: 8, tokenizer: byteTokenizer },
 *   adapters: tuning.adapter,
 * })
 * ```
 */
export function fineTune(model: Gpt, options: FineTuneOptions): FineTuning {
  checkArgument('fineTune', 'options', options, checks.object('an object with adapter'))
  if (options.adapter === undefined) {
    throw new OptionError(
      'fineTune: got no adapter; expected one, or options for a new one, such as { rank: 8 }. ' +
        'A Learner without an adapter teaches the model itself.',
    )
  }
  const optimizer = chain(clipByGlobalNorm(1), adamw({ learningRate: 2e-3, weightDecay: 0 }))
  return new Learner({ optimizer, ...options, model }) as FineTuning
}
