/** Options and state of a pre-trained tokenizer. */
import type { BytePairMerge } from './growing-tokenizer.ts'

/** Of `encode`. */
export interface EncodeOptions {
  /**
   * Whether the tokens that the model expects around a text are added, such as its beginning; true unless
   * given.
   */
  readonly addSpecialTokens?: boolean
}

/** Of `decode` and `decodeStream`. */
export interface DecodeOptions {
  /** Whether tokens such as `<s>` are left out; false unless given. */
  readonly skipSpecialTokens?: boolean
}

/** Of a pre-trained tokenizer. */
export interface PretrainedTokenizerOptions {
  /** Rows of the model's embedding, where it has more than there are tokens: new tokens begin there. */
  readonly vocabulary?: number
}

/** A pre-trained tokenizer as plain data. */
export interface PretrainedTokenizerState {
  readonly tokenizerJson: string
  readonly tokenizerConfig: string
  /** How many tokens there were before any was learnt. */
  readonly vocabulary: number
  readonly merges: readonly BytePairMerge[]
}
