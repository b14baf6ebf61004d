/** What a tokenizer needs so that its vocabulary can grow while a model learns. */
import { type Check, checks } from '@burgeon/tensor'
import type { Tokenizer } from './byte-tokenizer.ts'

/** Two tokens that become one. */
export type BytePairMerge = readonly [left: number, right: number]

/**
 * A tokenizer that learns merges: every token stands for bytes, and every merge adds one token at the end.
 */
export interface GrowingTokenizer extends Tokenizer {
  /** What was added, in order. */
  readonly merges: readonly BytePairMerge[]
  /** Adds a token for each pair, in order; tokens keep their numbers. */
  add(merges: readonly BytePairMerge[]): void
  /** Pieces of a text that a merge never crosses, in order. */
  piecesOf(text: string): readonly string[]
  /** The tokens of one such piece, wherever it stands in a text. */
  encodePiece(piece: string): readonly number[]
  /** None of a special token, which stands for no text. */
  bytesOf(token: number): Uint8Array
  /** As `encode`, but of bytes: none is lost and none is added. */
  encodeBytes(bytes: Uint8Array): Int32Array
  decodeBytes(tokens: ArrayLike<number>): Uint8Array
  /** The same bytes in the tokens that there are now; special tokens stay where they are. */
  encodeAnew(tokens: ArrayLike<number>): Int32Array
}

/** Accepts what can grow, such as a BytePairTokenizer or a PretrainedTokenizer. */
export const aGrowingTokenizer: Check<GrowingTokenizer> = checks.role<GrowingTokenizer>(
  'a BytePairTokenizer or a PretrainedTokenizer',
  ...([
    'vocabulary',
    'merges',
    'add',
    'piecesOf',
    'encodePiece',
    'bytesOf',
    'encodeBytes',
    'decodeBytes',
  ] as const),
)

/** Accepts merges, whatever tokens they name. */
export const someMerges: Check<readonly BytePairMerge[]> = checks.list(
  'a list of pairs of tokens',
  checks.pair('a pair', checks.integer({ from: 0 })),
)
