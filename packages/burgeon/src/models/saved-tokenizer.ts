/** The tokenizer of a model as a part of its checkpoint. */
import {
  type BytePairState,
  BytePairTokenizer,
  CheckpointError,
  PretrainedTokenizer,
  type PretrainedTokenizerState,
} from '@burgeon/gpt'
import { BurgeonError, checks } from '@burgeon/tensor'

const isPretrained = checks.role<PretrainedTokenizerState>('a state', 'tokenizerJson', 'tokenizerConfig')

/**
 * The tokenizer of a saved state.
 *
 * @param place Where it was saved, for messages.
 * @throws CheckpointError for a state that is damaged.
 */
export function tokenizerFromState(place: string, state: unknown): PretrainedTokenizer | BytePairTokenizer {
  try {
    return isPretrained.accepts(state)
      ? PretrainedTokenizer.fromState(state)
      : new BytePairTokenizer(state as BytePairState)
  } catch (error) {
    if (!(error instanceof BurgeonError)) throw error
    throw new CheckpointError(`${place}: the tokenizer of this checkpoint is damaged: ${error.message}`, {
      cause: error,
    })
  }
}
