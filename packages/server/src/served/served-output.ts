/** What of texts that are written may be said. */
import type { LogitsProcessor, TextFilter } from '@burgeon/gpt'

/** Keeps back what must not be said. */
export interface ServedOutput {
  /** The filter of an answer. @param before What the same voice said before, oldest first. */
  begin(before: readonly string[]): TextFilter
  /** A whole text as it may be said. */
  clean(text: string): string
  /** Has its say in each token, after all others; nothing unless given. */
  readonly logitsProcessor?: LogitsProcessor
}
