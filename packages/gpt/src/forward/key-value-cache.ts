/** Keys and values of the tokens a model has already read, so that generation computes each token once. */
import {
  assign,
  type Check,
  checkArgument,
  checks,
  concatenate,
  Device,
  fill,
  makeOwned,
  OptionError,
  packedWords,
  packRows,
  reshape,
  scope,
  slice,
  type Tensor,
  unpackRows,
} from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import { unitsOf } from '../patches/units.ts'

/** Numbers in which keys and values are remembered; `int8` with a scale for each head of each token. */
export type CacheFormat = 'f32' | 'f16' | 'int8'

/** Check of a `CacheFormat`. */
export const aCacheFormat: Check<CacheFormat> = checks.oneOf('f32', 'f16', 'int8')

/**
 * Keys and values of one block, `[B, S, G, D]` each, with room for S tokens; in other formats than `f32`
 * packed, `[B, S, G, words]`.
 */
export interface KeysAndValues {
  readonly keys: Tensor
  readonly values: Tensor
}

/** Room is made for a multiple of so many tokens. */
const stepOfRoom = 64

/**
 * Room is made as it is needed, up to the whole context. Belongs to one model at one size: when that has
 * grown, `isFor` says so, and whoever reads into the cache begins a new one with the tokens it had read.
 * After learning without growth it goes on: what was read is remembered as it was understood then.
 */
export class KeyValueCache implements Disposable {
  /**
   * Positions held, of which each is a token or, of a model with a patch front, a patch. A smaller number
   * forgets the last ones: the next are written over them. With a patch front `rewind` does that.
   */
  length = 0
  readonly format: CacheFormat
  #batch: number
  readonly #config: GptConfig
  readonly #device: Device
  readonly #blocks = new Map<string, KeysAndValues>()
  /** With a patch front: the tokens of each row, and the features of every position, `[B, S, C]`. */
  #texts: readonly (readonly number[])[] = []
  #features: Tensor | undefined

  /**
   * @param batch Sequences that are read side by side, a positive integer.
   * @param format What keys and values are rounded to. `f16` takes half of the memory, `int8` little more
   *   than a quarter; what is predicted moves a little with either.
   */
  constructor(config: GptConfig, device: Device, batch = 1, format: CacheFormat = 'f32') {
    const aConfig = checks.role<GptConfig>('a configuration of gptConfig', 'context', 'blocks')
    checkArgument('KeyValueCache', 'config', config, aConfig)
    checkArgument('KeyValueCache', 'device', device, checks.instance('a Device', Device))
    checkArgument('KeyValueCache', 'batch', batch, checks.integer({ from: 1 }))
    this.#config = config
    this.#device = device
    checkArgument('KeyValueCache', 'format', format, aCacheFormat)
    this.#batch = batch
    this.format = format
    this.reserve(1)
  }

  /** Sequences that are read side by side. */
  get batch(): number {
    return this.#batch
  }

  /** Tokens of each sequence that were read; of a patch that is not whole yet they are held as they are. */
  get tokens(): number {
    return this.#config.patches === undefined ? this.length : (this.#texts[0]?.length ?? 0)
  }

  /** Of a model with a patch front the tokens of each sequence; nothing of others, or before any was read. */
  get texts(): readonly (readonly number[])[] {
    return this.#texts
  }

  /** Forgets all but the first tokens of each sequence, if there are more. */
  rewind(tokens: number): void {
    checkArgument('KeyValueCache: rewind', 'tokens', tokens, checks.integer({ from: 0 }))
    const { patches } = this.#config
    if (tokens >= this.tokens) return
    this.#texts = this.#texts.map((text) => text.slice(0, tokens))
    const ends = patches && unitsOf(patches, this.#texts[0]).map(({ start, length }) => start + length)
    this.length = ends === undefined ? tokens : ends.filter((end) => end <= tokens).length
  }

  /** Returns whether a model still has the size that this was made for. */
  isFor(config: GptConfig): boolean {
    return config === this.#config
  }

  /** Throws OptionError if the model has grown, or shrunk, since. */
  check(config: GptConfig): void {
    if (this.isFor(config)) return
    throw new OptionError(
      'cache: got one from before the model grew; expected one of its present size. Read the tokens into a new one.',
    )
  }

  /**
   * Makes room for so many tokens, at least half as much again as there is where there is too little.
   *
   * @throws OptionError for more than the context. What is held stays, also where memory runs out.
   */
  reserve(length: number): void {
    const { blocks, context, embed, patches } = this.#config
    checkArgument('KeyValueCache: reserve', 'length', length, checks.integer({ from: 0, to: context }))
    const roomIn = (present: Tensor | undefined): number | undefined => {
      const room = present?.shape[1] ?? 0
      const steps = Math.ceil(Math.max(length, 1.5 * room) / stepOfRoom)
      return room >= length ? undefined : Math.min(context, stepOfRoom * steps)
    }
    for (const { id, kvHeads, headDim } of blocks) {
      const present = this.#blocks.get(id)
      const room = roomIn(present?.keys)
      if (room === undefined) continue
      const numbers = this.format === 'f32' ? headDim : packedWords({ format: this.format }, headDim)
      const shape = [this.batch, room, kvHeads, numbers]
      const keys = this.#wider(present?.keys, shape)
      try {
        this.#blocks.set(id, { keys, values: this.#wider(present?.values, shape) })
      } catch (error) {
        keys.release()
        throw error
      }
      present?.keys.release()
      present?.values.release()
    }
    const room = patches && roomIn(this.#features)
    if (room === undefined) return
    const present = this.#features
    this.#features = this.#wider(present, [this.batch, room, embed], 'f32')
    present?.release()
  }

  /** Keeps some of the sequences, in this order, each once or more. */
  select(rows: readonly number[]): void {
    const aRow = checks.integer({ from: 0, to: this.#batch - 1 })
    checkArgument('KeyValueCache: select', 'rows', rows, checks.list('a list of its rows', aRow))
    if (rows.length === 0) throw new OptionError('KeyValueCache: select: got no rows; expected one at least.')
    const selected = (x: Tensor): Tensor =>
      makeOwned(() => concatenate(rows.map((row) => slice(x, [row], [row + 1]))))
    for (const [id, { keys, values }] of this.#blocks) {
      this.#blocks.set(id, { keys: selected(keys), values: selected(values) })
      keys.release()
      values.release()
    }
    const features = this.#features
    this.#features = features && selected(features)
    features?.release()
    this.#texts = rows.flatMap((row) => (this.#texts.length > 0 ? [this.#texts[row]] : []))
    this.#batch = rows.length
  }

  /** Keys and values of a block; the first `length` of the S positions are filled. */
  of(block: string): KeysAndValues {
    checkArgument('KeyValueCache: of', 'block', block, checks.text)
    const found = this.#blocks.get(block)
    if (found === undefined) throw new OptionError(`cache: got block ${block}; expected one of its model.`)
    return found
  }

  /** Writes keys and values of new tokens of a block, `[B, T, G, D]` each, behind those that are held. */
  write(block: string, newKeys: Tensor, newValues: Tensor): void {
    const { keys, values } = this.of(block)
    checkArgument('KeyValueCache: write', 'newKeys', newKeys, checks.tensor)
    checkArgument('KeyValueCache: write', 'newValues', newValues, checks.tensor)
    const { format } = this
    const stored = (x: Tensor): Tensor => (format === 'f32' ? x : packRows(x, format))
    assign(keys, stored(newKeys), [0, this.length, 0, 0])
    assign(values, stored(newValues), [0, this.length, 0, 0])
  }

  /** Keys and values of the tokens of a block from `first` to `end`, `f32 [B, end − first, G, D]` each. */
  read(block: string, first: number, end: number): readonly [keys: Tensor, values: Tensor] {
    const { keys, values } = this.of(block)
    const room = keys.shape[1]
    checkArgument('KeyValueCache: read', 'first', first, checks.integer({ from: 0, to: room }))
    checkArgument('KeyValueCache: read', 'end', end, checks.integer({ from: first, to: room }))
    const { format } = this
    const width = this.#config.blocks.find(({ id }) => id === block)?.headDim as number
    const numbers = (x: Tensor): Tensor => {
      const part = slice(x, [0, first], [this.batch, end])
      return format === 'f32' ? part : unpackRows(part, { format, width })
    }
    return [numbers(keys), numbers(values)]
  }

  /**
   * Takes in what was read with a patch front.
   *
   * @param texts All tokens of each sequence, the new ones behind those that are held.
   * @param features Those of the new positions, `[B, G, C]`; none where no patch has become whole.
   */
  keep(texts: readonly (readonly number[])[], features?: Tensor): void {
    if (features !== undefined && this.#features !== undefined) {
      assign(this.#features, features, [0, this.length, 0])
      this.length += features.shape[1]
    }
    this.#texts = texts
  }

  /** With a patch front, the features of the last position, `[B, C]`. */
  lastFeatures(): Tensor {
    const { length, batch } = this
    const last = slice(this.#features as Tensor, [0, length - 1], [batch, length])
    return reshape(last, [batch, this.#config.embed])
  }

  [Symbol.dispose](): void {
    this.#features?.release()
    for (const { keys, values } of this.#blocks.values()) {
      keys.release()
      values.release()
    }
  }

  get #dtype(): 'f32' | 'i32' {
    return this.format === 'f32' ? 'f32' : 'i32'
  }

  #wider(narrow: Tensor | undefined, shape: readonly number[], dtype = this.#dtype): Tensor {
    const wide = makeOwned(() => fill(this.#device, shape, 0, dtype))
    if (narrow && this.length > 0) {
      scope(() => assign(wide, slice(narrow, [], [this.batch, this.length])))
    }
    return wide
  }
}
