/**
 * Byte-level byte-pair encoding (Sennrich et al. 2016; over bytes: Radford et al. 2019) whose vocabulary can
 * grow.
 */
import { checkArgument, checks, OptionError, shown } from '@burgeon/tensor'
import { joinBytes } from '../join-bytes.ts'
import { type BytePairMerge, type GrowingTokenizer, someMerges } from './growing-tokenizer.ts'
import { mergePairs } from './merge-pairs.ts'
import { textRuns } from './text-runs.ts'

/**
 * A tokenizer as plain data: token 256 + i is the pair `merges[i]`. A token that is a pair of itself stands
 * for no text, such as a label of a model.
 */
export interface BytePairState {
  readonly merges: readonly BytePairMerge[]
}

/**
 * Pieces that a merge never crosses: a word, a short number or a run of signs, each with a space before it;
 * or white space. None is longer than 65 characters, which bounds the time for any text.
 */
const pieces = /\s?[\p{L}\p{M}]{1,64}|\s?\p{N}{1,3}|\s?[^\s\p{L}\p{M}\p{N}]{1,64}|\s{1,64}/gu

/** Encoded pieces that are remembered; most of a text is pieces that came before. */
const maxRemembered = 50_000

/**
 * Tokens 0 … 255 are the bytes, every further one is two earlier ones. Merges can be added at any time:
 * tokens keep their numbers, so what was encoded before still decodes to the same text.
 *
 * Every text can be encoded, in time that grows with its length alone; a lone surrogate becomes U+FFFD. Bytes
 * that are not valid UTF-8 decode to U+FFFD too.
 *
 * @example
 * ```ts
 * const tokenizer = new BytePairTokenizer()
 * tokenizer.add([[116, 104], [256, 101]]) // t + h, then th + e
 * console.log([...tokenizer.encode('the')]) // → [ 257 ]
 * ```
 */
export class BytePairTokenizer implements GrowingTokenizer {
  readonly #merges: BytePairMerge[] = []
  readonly #bytes: Uint8Array[] = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte))
  /** The token of a pair, by left · 2²⁶ + right. */
  readonly #tokenOf = new Map<number, number>()
  readonly #remembered = new Map<string, readonly number[]>()

  /** @throws OptionError as `add`. */
  constructor(state: BytePairState = { merges: [] }) {
    // A state may hold more: that of a growing vocabulary is one, too.
    checkArgument('BytePairTokenizer', 'state', state, checks.role<BytePairState>('a state', 'merges'))
    checkArgument('BytePairTokenizer', 'merges', state.merges, someMerges)
    this.add(state.merges)
  }

  get vocabulary(): number {
    return this.#bytes.length
  }

  get merges(): readonly BytePairMerge[] {
    return this.#merges
  }

  /**
   * Adds a token for each pair, in order. Nothing changes if one is refused. A pair `[n, n]` for token n adds
   * one of no bytes, which no text is encoded with.
   *
   * @throws OptionError for a pair that exists already, or that names a token which does not exist by then.
   */
  add(merges: readonly BytePairMerge[]): void {
    checkArgument('BytePairTokenizer: add', 'merges', merges, someMerges)
    const fresh = new Set<number>()
    merges.forEach(([left, right], i) => {
      const known = this.vocabulary + i
      const isToken = (id: number): boolean => Number.isInteger(id) && id >= 0 && id < known
      const key = keyOf(left, right)
      if (left === known && right === known) return
      if (isToken(left) && isToken(right) && !this.#tokenOf.has(key) && !fresh.has(key)) fresh.add(key)
      else {
        throw new OptionError(
          `byte pairs: got the merge [${left}, ${right}] for token ${known}; ` +
            'expected a new pair of two earlier tokens. Keep merges in the order in which they were made.',
        )
      }
    })
    for (const [left, right] of merges) {
      if (left === this.vocabulary) this.#bytes.push(new Uint8Array())
      else {
        this.#tokenOf.set(keyOf(left, right), this.vocabulary)
        this.#bytes.push(Uint8Array.from([...this.#bytes[left], ...this.#bytes[right]]))
      }
      this.#merges.push([left, right])
    }
    this.#remembered.clear()
  }

  /** The bytes of a token. Throws OptionError if there is no such token. */
  bytesOf(token: number): Uint8Array {
    const bytes = Number.isInteger(token) ? this.#bytes[token] : undefined
    if (bytes !== undefined) return bytes
    throw new OptionError(
      `byte pairs: got token ${shown(token)}; expected an integer from 0 to ${this.vocabulary - 1}.`,
    )
  }

  encode(text: string): Int32Array {
    checkArgument('BytePairTokenizer: encode', 'text', text, checks.text)
    const tokens: number[] = []
    for (const piece of piecesOf(text)) for (const token of this.encodePiece(piece)) tokens.push(token)
    return Int32Array.from(tokens)
  }

  /**
   * As `encode`, but of bytes, of which none is lost: those that are no UTF-8, such as half a character, stay
   * tokens of their own.
   */
  encodeBytes(bytes: Uint8Array): Int32Array {
    checkArgument('BytePairTokenizer: encodeBytes', 'bytes', bytes, checks.instance('bytes', Uint8Array))
    const tokens: number[] = []
    for (const { from, to, isText } of textRuns(bytes)) {
      const run = bytes.subarray(from, to)
      for (const token of isText ? this.encode(decoder.decode(run)) : run) tokens.push(token)
    }
    return Int32Array.from(tokens)
  }

  /** @throws OptionError for a token that does not exist. */
  decode(tokens: ArrayLike<number>): string {
    return decoder.decode(this.decodeBytes(tokens))
  }

  /** @throws OptionError for a token that does not exist. */
  decodeBytes(tokens: ArrayLike<number>): Uint8Array<ArrayBuffer> {
    checkArgument('BytePairTokenizer: decode', 'tokens', tokens, checks.numbers)
    return joinBytes(Array.from(tokens, (token) => this.bytesOf(token)))
  }

  /** @throws OptionError for a token that does not exist. */
  encodeAnew(tokens: ArrayLike<number>): Int32Array {
    checkArgument('BytePairTokenizer: encodeAnew', 'tokens', tokens, checks.numbers)
    return this.encodeBytes(this.decodeBytes(tokens))
  }

  toState(): BytePairState {
    return { merges: this.#merges.map(([left, right]) => [left, right]) }
  }

  piecesOf(text: string): readonly string[] {
    checkArgument('BytePairTokenizer: piecesOf', 'text', text, checks.text)
    return piecesOf(text)
  }

  encodePiece(piece: string): readonly number[] {
    checkArgument('BytePairTokenizer: encodePiece', 'piece', piece, checks.text)
    const known = this.#remembered.get(piece)
    if (known !== undefined) return known
    const tokens = mergePairs(encoder.encode(piece), (left, right) => this.#tokenOf.get(keyOf(left, right)))
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear()
    this.#remembered.set(piece, tokens)
    return tokens
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const keyOf = (left: number, right: number): number => left * 2 ** 26 + right

/** The pieces of a text in order; together they are the text. */
export function piecesOf(text: string): readonly string[] {
  return text.match(pieces) ?? []
}
