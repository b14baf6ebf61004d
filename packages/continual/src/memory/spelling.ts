/** Spelling: which bytes the tokens of a model stand for, and which tokens a text may go on with. */
import { aGrowingTokenizer, type GrowingTokenizer } from '@burgeon/gpt'
import { checkArgument, checks } from '@burgeon/tensor'

/** A token, and its share of what is expected. */
export type TokenShare = readonly [token: number, share: number]

/** The tokens of a model as bytes. */
export interface Spelling {
  /** Tokens there are, V. */
  readonly vocabulary: number
  /** The bytes of a token; none of a special token. */
  bytesOf(token: number): Uint8Array
  /**
   * The tokens whose bytes begin a continuation of one byte or more, the longest first, with shares that sum
   * to 1; none where no token does.
   */
  beginningsOf(continuation: Uint8Array): readonly TokenShare[]
}

/**
 * Of what a token and its beginnings share, the part that goes to the token itself: a tokenizer seldom stops
 * at a shorter one.
 */
const longestShare = 0.9

const none = new Uint8Array(0)
const singleBytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte))

/** Every token is the byte of its number. */
function spelledInBytes(vocabulary: number): Spelling {
  return {
    vocabulary,
    bytesOf: (token) => singleBytes[token] ?? none,
    beginningsOf: ([first]) => (first < vocabulary ? [[first, 1]] : []),
  }
}

/**
 * The spelling of a model.
 *
 * @param vocabulary Tokens of the model, ≥ 1.
 * @param tokenizer Every token is a byte unless given, and those above 255 stand for none. What it does
 *   not know, such as labels, stands for none either.
 * @throws OptionError for others.
 */
export function spellingOf(vocabulary: number, tokenizer?: GrowingTokenizer): Spelling {
  checkArgument('spellingOf', 'vocabulary', vocabulary, checks.integer({ from: 1 }))
  if (tokenizer !== undefined) checkArgument('spellingOf', 'tokenizer', tokenizer, aGrowingTokenizer)
  if (tokenizer === undefined) return spelledInBytes(vocabulary)
  const tokens = new Map<string, number>()
  let longest = 0
  for (let token = 0; token < Math.min(vocabulary, tokenizer.vocabulary); token++) {
    const bytes = tokenizer.bytesOf(token)
    // Of several that stand for the same bytes, the first is what a text is encoded with.
    if (bytes.length > 0 && !tokens.has(keyOf(bytes))) tokens.set(keyOf(bytes), token)
    longest = Math.max(longest, bytes.length)
  }
  return {
    vocabulary,
    bytesOf: (token) => (token < tokenizer.vocabulary ? tokenizer.bytesOf(token) : none),
    beginningsOf(continuation) {
      const key = keyOf(continuation.subarray(0, longest))
      const found: number[] = []
      for (let length = key.length; length > 0; length--) {
        const token = tokens.get(key.slice(0, length))
        if (token !== undefined) found.push(token)
      }
      let left = 1
      return found.map((token, i) => {
        const share = i === found.length - 1 ? left : left * longestShare
        left -= share
        return [token, share]
      })
    },
  }
}

const keyOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes)
