/** The parts of a tokenizer.json put together. */
import { type AddedToken, addedTokensIn, TokenFinder } from './added-tokens.ts'
import { byteNamed, characterOfByte, charactersAsBytes, nameOfByte } from './byte-characters.ts'
import { BytePairModel } from './byte-pair-model.ts'
import { type Decoder, decoderOf } from './decoders.ts'
import { JsonPart, parseJson } from '../json/json-part.ts'
import { type Normalizer, normalizerOf } from './normalizers.ts'
import { type Surroundings, surroundingsOf } from './post-processors.ts'
import { type PreTokenizer, preTokenizerOf } from './pre-tokenizers.ts'

/** What stands for a space in tokens that are no bytes. */
const space = '\u2581'

/** A tokenizer as its file says it. */
export class TokenizerFile {
  readonly config: JsonPart
  readonly decoder: Decoder
  /** One more than the highest token of the file. */
  readonly vocabulary: number
  readonly #sources: readonly [string | object, string | object]
  readonly #model: BytePairModel
  readonly #added: ReadonlyMap<number, AddedToken>
  readonly #addedIds: ReadonlyMap<string, number>
  readonly #inText: TokenFinder
  readonly #inNormalized: TokenFinder
  readonly #normalize: Normalizer
  readonly #preTokenizer: PreTokenizer
  /** The same, but for putting nothing before a text. */
  readonly #cutter: PreTokenizer
  readonly #around: Surroundings

  /** @throws TokenizerError for a file that is damaged or asks for what burgeon lacks. */
  constructor(tokenizerJson: string | object, tokenizerConfig: string | object) {
    const json = partOf(tokenizerJson, 'tokenizer.json')
    this.#sources = [tokenizerJson, tokenizerConfig]
    this.config = partOf(tokenizerConfig, 'tokenizer_config.json')
    this.config.object()
    this.#model = new BytePairModel(json.get('model'), this.config.get('merge_ranks'))
    this.#normalize = normalizerOf(json.get('normalizer'))
    this.#preTokenizer = preTokenizerOf(json.get('pre_tokenizer'), true)
    this.#cutter = preTokenizerOf(json.get('pre_tokenizer'), false)
    this.decoder = decoderOf(json.get('decoder'))
    this.#around = surroundingsOf(json.get('post_processor'))
    const added = addedTokensIn(json.get('added_tokens'), this.#model)
    this.#added = new Map(added.map((token) => [token.id, token]))
    this.#addedIds = new Map(added.map(({ content, id }) => [content, id]))
    this.#inText = new TokenFinder(
      added.filter(({ isNormalized }) => !isNormalized),
      ({ content }) => content,
    )
    this.#inNormalized = new TokenFinder(
      added.filter(({ isNormalized }) => isNormalized),
      ({ content }) => this.#normalize(content),
    )
    let highest = -1
    for (const ids of [this.#model.textOf, this.#added])
      for (const id of ids.keys()) highest = Math.max(highest, id)
    if (highest < 0) json.get('model').get('vocab').refuse('a vocabulary of at least one token')
    this.vocabulary = highest + 1
    const { before, after } = this.#around
    const missing = [...before, ...after].find((id) => this.#textOf(id) === undefined)
    if (missing !== undefined) json.get('post_processor').refuse(`tokens that exist, not ${missing}`)
  }

  /** Both files as text. */
  texts(): { readonly tokenizerJson: string; readonly tokenizerConfig: string } {
    return { tokenizerJson: textOf(this.#sources[0]), tokenizerConfig: textOf(this.#sources[1]) }
  }

  idOf(text: string): number | undefined {
    return this.#model.idOf.get(text) ?? this.#addedIds.get(text)
  }

  isAdded(token: number): boolean {
    return this.#added.has(token)
  }

  /** Whether a token takes part in merges. */
  isOfModel(token: number): boolean {
    return this.#model.textOf.has(token) && !this.#added.has(token)
  }

  hasMerge(left: number, right: number): boolean {
    return this.#model.rankOf(left, right) >= 0
  }

  /** From now on, two tokens become a third. */
  merge(left: number, right: number, token: number): void {
    this.#model.add(left, right, token)
  }

  encode(text: string, addsSpecial: boolean): Int32Array {
    const tokens: number[] = addsSpecial ? [...this.#around.before] : []
    const whole = text.replace(/\p{Surrogate}/gu, '\ufffd')
    for (const { from, to, token } of this.#inText.segments(whole)) {
      if (token !== null) tokens.push(token)
      else this.#encodeSegment(this.#normalize(whole.slice(from, to)), from === 0, tokens)
    }
    if (addsSpecial) tokens.push(...this.#around.after)
    return Int32Array.from(tokens)
  }

  #encodeSegment(text: string, isFirst: boolean, tokens: number[]): void {
    for (const { from, to, token } of this.#inNormalized.segments(text)) {
      if (token !== null) {
        tokens.push(token)
        continue
      }
      const piece = { text: text.slice(from, to), isFirst: isFirst && from === 0 }
      for (const cut of this.#preTokenizer.split(piece)) {
        for (const each of this.#encodeCut(cut.text, this.#preTokenizer)) tokens.push(each)
      }
    }
  }

  #encodeCut(text: string, { finish }: PreTokenizer): readonly number[] {
    return this.#model.encode(finish(text))
  }

  /** The text of a token as decoders take it; undefined for one that is left out. */
  textOf(token: number, skipsSpecial: boolean): string | undefined {
    return skipsSpecial && this.#added.get(token)?.isSpecial ? undefined : this.#textOf(token)
  }

  #textOf(token: number): string | undefined {
    return this.#added.get(token)?.content ?? this.#model.textOf.get(token)
  }

  /** Whether every byte has a token, so that no text is unknown. */
  get hasEveryByte(): boolean {
    if (!this.#cutter.isByteLevel) return this.#model.hasByteFallback
    return characterOfByte.every((character) => this.#model.idOf.has(character))
  }

  bytesOf(token: number): Uint8Array {
    if (this.#added.get(token)?.isSpecial) return new Uint8Array()
    const text = this.#model.textOf.get(token)
    if (text === undefined || this.#added.has(token)) return encoder.encode(this.#textOf(token) ?? '')
    if (this.#cutter.isByteLevel) return charactersAsBytes(text)
    const byte = byteNamed(text)
    return byte >= 0 ? Uint8Array.of(byte) : encoder.encode(text.replaceAll(space, ' '))
  }

  /** The token of a byte, where every byte has one. */
  tokenOfByte(byte: number): number {
    const text = this.#cutter.isByteLevel ? characterOfByte[byte] : nameOfByte(byte)
    return this.#model.idOf.get(text) as number
  }

  /** Pieces that no learnt merge crosses; words, where the model itself would take a text whole. */
  piecesOf(text: string): readonly string[] {
    if (this.#cutter.isByteLevel)
      return this.#cutter.split({ text, isFirst: false }).map((piece) => piece.text)
    return text.replaceAll(' ', space).match(words) ?? []
  }

  encodePiece(piece: string): readonly number[] {
    return this.#encodeCut(piece, this.#cutter)
  }

  /** Pieces of a text, and tokens of bytes for what a piece would take for a space. */
  literalParts(text: string): readonly (string | number)[] {
    if (this.#cutter.isByteLevel) return this.piecesOf(text)
    return text
      .split(space)
      .flatMap((between, i) => [
        ...(i === 0 ? [] : Array.from(encoder.encode(space), (byte) => this.tokenOfByte(byte))),
        ...this.piecesOf(between),
      ])
  }
}

const encoder = new TextEncoder()
const words = /\u2581?[^\u2581]{1,64}|\u2581/gu

const partOf = (json: string | object, file: string): JsonPart =>
  typeof json === 'string' ? parseJson(json, file) : new JsonPart(json, file)

const textOf = (source: string | object): string =>
  typeof source === 'string' ? source : JSON.stringify(source)
