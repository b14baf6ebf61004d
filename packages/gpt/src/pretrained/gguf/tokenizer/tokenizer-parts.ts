/** Parts of a tokenizer.json that a kind of tokenizer in GGUF files becomes. */

/** What a kind of tokenizer adds to what all have. */
export interface TokenizerParts {
  readonly normalizer: object | null
  readonly pre_tokenizer: object | null
  readonly decoder: object
  readonly model: object
  /** Whether the token of the beginning stands before a text, where no key says it. */
  readonly addsBeginning: boolean
  /** Ranks of merges, where several have the same. */
  readonly ranks?: readonly number[]
}
