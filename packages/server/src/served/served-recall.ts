/** What is remembered beside the weights, in texts that are written. */
import type { Generated, LogitsProcessor } from '@burgeon/gpt'

/** A passage that a text was written from. Plain data. */
export interface RecalledPassage {
  /** Number of the experience that it is of; null where nobody said. */
  readonly id: number | null
  /** Name of the source that gave it; null where nobody said. */
  readonly source: string | null
  readonly domain: string
  /** The text of it that was written. */
  readonly bytes: string
  /** Share that it has in the probability of this text, from 0 to 1. */
  readonly weight: number
}

/** Takes part in one generation. */
export interface ServedRecall {
  readonly logitsProcessor: LogitsProcessor
  /** The passages that a row was written from, in their order. */
  recalledIn(row: number, written: Pick<Generated, 'tokens' | 'text'>): readonly RecalledPassage[]
}
