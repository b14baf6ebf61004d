/**
 * The BPE model of tokenizer.json: a vocabulary, merges in their order, and what to do with unknown
 * characters.
 */
import { mergeByRank, type Merges } from '../merging/merge-by-rank.ts'
import { PairTable } from '../merging/pair-table.ts'
import { nameOfByte } from './byte-characters.ts'
import type { JsonPart } from '../json/json-part.ts'

/** Most tokens and most merges that a file may have: places and ranks are packed into one number. */
export const maxTokens: number = 2 ** 22 - 1

/** Pieces that are remembered, and their length in characters at most. */
const [maxRemembered, maxPiece] = [50_000, 64]

/** Byte-pair encoding of one piece at a time. */
export class BytePairModel implements Merges {
  readonly textOf: Map<number, string> = new Map()
  readonly idOf: Map<string, number> = new Map()
  readonly #table: PairTable
  /** The token that a merge makes, by its place in the list. */
  readonly #made: number[] = []
  /** The place of a pair's merge, where merges have ranks of their own. */
  readonly #places: PairTable | null
  readonly #byCharacter = new Map<number, number>()
  /** The tokens of the 256 bytes, −1 where there is none; null without byte fallback. */
  readonly #bytes: readonly number[] | null
  readonly #unknown: number
  readonly #fusesUnknown: boolean
  readonly #ignoresMerges: boolean
  readonly #remembered = new Map<string, readonly number[]>()

  /**
   * @param ranks Ranks of the merges, in order, where several have the same: of those the leftmost pair is
   *   merged first, as SentencePiece does with scores. Each merge's place in the list unless given.
   * @throws TokenizerError for parts that are damaged, or that burgeon lacks.
   */
  constructor(part: JsonPart, ranks: JsonPart) {
    const type = part.get('type')
    if (!type.isMissing && type.value !== 'BPE') type.unknownName('model')
    for (const name of ['continuing_subword_prefix', 'end_of_word_suffix']) {
      const affix = part.get(name)
      if (!affix.isMissing && affix.text() !== '') affix.unsupported(name)
    }
    const dropout = part.get('dropout')
    if (!dropout.isMissing && dropout.value !== 0) dropout.unsupported('dropout')
    this.#readVocabulary(part.get('vocab'))
    const merges = part.get('merges')
    this.#table = new PairTable(merges.list().length)
    this.#places = ranks.isMissing ? null : new PairTable(merges.list().length)
    this.#readMerges(merges, ranks)
    this.#bytes = part.get('byte_fallback').boolean(false)
      ? Array.from({ length: 256 }, (_, byte) => this.idOf.get(nameOfByte(byte)) ?? -1)
      : null
    const unknown = part.get('unk_token')
    this.#unknown = unknown.isMissing
      ? -1
      : (this.idOf.get(unknown.text()) ?? unknown.refuse('a token of the vocabulary'))
    this.#fusesUnknown = part.get('fuse_unk').boolean(false)
    this.#ignoresMerges = part.get('ignore_merges').boolean(false)
  }

  get hasByteFallback(): boolean {
    return this.#bytes?.every((token) => token >= 0) ?? false
  }

  rankOf(left: number, right: number): number {
    return this.#table.get(left, right)
  }

  tokenOf(rank: number, left: number, right: number): number {
    return this.#made[this.#places?.get(left, right) ?? rank]
  }

  /** A token for a pair, after all merges that there are. */
  add(left: number, right: number, token: number): void {
    this.#table.set(left, right, this.#made.length)
    this.#places?.set(left, right, this.#made.length)
    this.#made.push(token)
    this.#remembered.clear()
  }

  /** The tokens of a piece. What is unknown and has neither bytes nor a token for it is left out. */
  encode(piece: string): readonly number[] {
    if (piece === '') return []
    const isShort = piece.length <= maxPiece
    const known = isShort ? this.#remembered.get(piece) : undefined
    if (known !== undefined) return known
    const whole = this.#ignoresMerges ? this.idOf.get(piece) : undefined
    const tokens = whole === undefined ? this.#characters(piece) : [whole]
    mergeByRank(tokens, this)
    if (isShort) {
      if (this.#remembered.size >= maxRemembered) this.#remembered.clear()
      this.#remembered.set(piece, tokens)
    }
    return tokens
  }

  #characters(piece: string): number[] {
    const tokens: number[] = []
    let isUnknown = false
    for (let at = 0; at < piece.length; ) {
      const point = piece.codePointAt(at) as number
      at += point > 0xffff ? 2 : 1
      const token = this.#byCharacter.get(point)
      if (token !== undefined) {
        if (isUnknown) tokens.push(this.#unknown)
        isUnknown = false
        tokens.push(token)
        continue
      }
      const bytes = this.#bytesOf(point)
      if (bytes !== null) tokens.push(...bytes)
      else if (this.#unknown >= 0) {
        if (isUnknown && !this.#fusesUnknown) tokens.push(this.#unknown)
        isUnknown = true
      }
    }
    if (isUnknown) tokens.push(this.#unknown)
    return tokens
  }

  /** A character's bytes as tokens, only if each has one. */
  #bytesOf(point: number): readonly number[] | null {
    if (this.#bytes === null) return null
    const tokens = Array.from(
      encoder.encode(String.fromCodePoint(point)),
      (byte) => this.#bytes?.[byte] ?? -1,
    )
    return tokens.includes(-1) ? null : tokens
  }

  #readVocabulary(part: JsonPart): void {
    const entries = Object.entries(part.object())
    if (entries.length > maxTokens) part.refuse(`at most ${maxTokens} tokens`)
    for (const [text, id] of entries) {
      const isId = typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= maxTokens
      if (!isId) part.get(text).refuse(`an integer from 0 to ${maxTokens}`)
      if (this.textOf.has(id as number)) part.get(text).refuse('an id that no other token has')
      this.textOf.set(id as number, text)
      this.idOf.set(text, id as number)
      const point = text.codePointAt(0)
      if (point !== undefined && text.length === (point > 0xffff ? 2 : 1))
        this.#byCharacter.set(point, id as number)
    }
  }

  #readMerges(part: JsonPart, ranks: JsonPart): void {
    const merges = part.list()
    const given = ranks.isMissing ? null : ranks.list()
    if (given !== null && given.length !== merges.length)
      ranks.refuse(`a list of ${merges.length}, as merges`)
    let before = 0
    if (merges.length > maxTokens) part.refuse(`at most ${maxTokens} merges`)
    for (let i = 0; i < merges.length; i++) {
      const merge = merges[i]
      if (typeof merge === 'string' && merge.startsWith('#version')) continue
      const pair: readonly unknown[] =
        typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : []
      const [left, right] = pair
      const isPair = pair.length === 2 && typeof left === 'string' && typeof right === 'string'
      if (!isPair || left === '' || right === '')
        this.#refuseMerge(part, i, "two tokens, as 'a b' or ['a', 'b']")
      const ids = [left, right, `${left}${right}`].map((text) => this.idOf.get(text))
      const [first, second, made] = ids
      if (first === undefined || second === undefined || made === undefined) {
        return this.#refuseMerge(part, i, 'tokens of the vocabulary that make one of it')
      }
      // A pair that comes twice keeps its later rank, as in Hugging Face's tokenizers.
      const rank = given === null ? this.#made.length : given[i]
      const isRank =
        Number.isInteger(rank) && (rank as number) >= before && (rank as number) <= this.#made.length
      if (!isRank) ranks.items()[i].refuse(`an integer from ${before} to ${this.#made.length}`)
      before = rank as number
      this.#table.set(first, second, before)
      this.#places?.set(first, second, this.#made.length)
      this.#made.push(made)
    }
  }

  #refuseMerge(part: JsonPart, i: number, expected: string): never {
    return part.items()[i].refuse(expected)
  }
}

const encoder = new TextEncoder()
