/** Options and state of a pre-trained tokenizer. */
import type { BytePairMerge } from './growing-tokenizer.ts'

/** Options of `encode`. */
export interface EncodeOptions {
  /**
   * Whether the tokens that the model expects around a text are added, such as its beginning. Default
   * true.
   */
  readonly addSpecialTokens?: boolean
}

/** Options of `decode` and `decodeStream`. */
export interface DecodeOptions {
  /** Whether tokens such as `<s>` are left out. Default false. */
  readonly skipSpecialTokens?: boolean
}

/** Options of a pre-trained tokenizer. */
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
