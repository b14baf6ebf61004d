/** The tokenizer of a model as a part of its checkpoint. */
import {
  type BytePairState,
  BytePairTokenizer,
  CheckpointError,
  type GrowingTokenizer,
  PretrainedTokenizer,
  type PretrainedTokenizerState,
} from '@burgeon/gpt'
import { BurgeonError, checks } from '@burgeon/tensor'

/** The state of a tokenizer, with all that it has learnt. */
export function tokenizerState(tokenizer: GrowingTokenizer): PretrainedTokenizerState | BytePairState {
  if (tokenizer instanceof PretrainedTokenizer) return tokenizer.toState()
  return { merges: tokenizer.merges.map(([left, right]) => [left, right]) }
}

const isPretrained = checks.role<PretrainedTokenizerState>('a state', 'tokenizerJson', 'tokenizerConfig')

/**
 * The tokenizer of a saved state.
 *
 * @param place Where it was saved, for messages.
 * @param isBare Whether what it has learnt is left out; false unless given.
 * @throws CheckpointError for a state that is damaged.
 */
export function tokenizerFromState(
  place: string,
  state: unknown,
  isBare = false,
): PretrainedTokenizer | BytePairTokenizer {
  try {
    const own = isBare && checks.object('a state').accepts(state) ? { ...state, merges: [] } : state
    return isPretrained.accepts(own)
      ? PretrainedTokenizer.fromState(own)
      : new BytePairTokenizer(own as BytePairState)
  } catch (error) {
    if (!(error instanceof BurgeonError)) throw error
    throw new CheckpointError(`${place}: the tokenizer of this checkpoint is damaged: ${error.message}`, {
      cause: error,
    })
  }
}
