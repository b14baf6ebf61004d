/** Reads the rows of a generation with one model. */
import { makeOwned, openScope, OptionError, reshape, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import type { AppliedAdapter, RowAdapters } from '../adapters/applied-adapter.ts'
import type { GptConfig } from '../config/gpt-config.ts'
import { forward } from '../forward/forward.ts'
import { KeyValueCache } from '../forward/key-value-cache.ts'
import { cacheThroughGrowth, type SizeThen } from './cache-through-growth.ts'
import type { GenerateOptions, GenerativeModel } from './generate-options.ts'
import type { GenerationRow } from './generation-row.ts'

/** Rows with equally long windows, and what the model remembers of them. */
export interface RowGroup {
  rows: readonly GenerationRow[]
  cache: KeyValueCache
  /** The size of the model that the cache is for. */
  size: SizeThen
}

/** A model at work: with the weights of one moment, or with those it has by then. */
export class TokenReader implements Disposable {
  readonly #model: GenerativeModel
  /** Tensors of the snapshot. */
  readonly #kept: Tensor[] = []
  readonly #adapters: RowAdapters | undefined
  readonly #cacheFormat: GenerateOptions['cacheFormat']
  readonly #snapshot: { readonly config: GptConfig; readonly weights: TensorsByPath } | undefined

  /** @param adapters One for all rows, or by the index of a row. */
  constructor(
    model: GenerativeModel,
    isLive: boolean,
    { adapters, cacheFormat }: Pick<GenerateOptions, 'cacheFormat'> & { adapters?: RowAdapters | undefined },
  ) {
    this.#cacheFormat = cacheFormat
    this.#model = model
    this.#adapters = adapters
    checkLives(model)
    if (isLive) return
    this.#snapshot = { config: model.config, weights: this.#shared(model.parameters.tensors()) }
    if (adapters === undefined) return
    const kept = new Map<AppliedAdapter, AppliedAdapter>()
    const frozen = (adapter: AppliedAdapter): AppliedAdapter => {
      const known = kept.get(adapter) ?? { config: adapter.config, weights: this.#shared(adapter.weights) }
      kept.set(adapter, known)
      return known
    }
    this.#adapters = isList(adapters) ? adapters.map((own) => own && frozen(own)) : frozen(adapters)
  }

  /** What a reshape shares is copied when one of the two is written to: nobody sees the other's learning. */
  #shared(weights: TensorsByPath): TensorsByPath {
    return Object.fromEntries(
      Object.entries(weights).map(([path, tensor]) => {
        const own = makeOwned(() => reshape(tensor, tensor.shape))
        this.#kept.push(own)
        return [path, own]
      }),
    )
  }

  /** Whether the model still has the weights and the size of the snapshot: who begins now may share it. */
  get isCurrent(): boolean {
    if (this.#snapshot?.config !== this.#model.config) return false
    const { weights } = this.#snapshot
    const now = Object.entries(this.#model.parameters.tensors())
    return now.every(([path, { storage }]) => weights[path]?.storage === storage)
  }

  get config(): GptConfig {
    return this.#snapshot?.config ?? this.#model.config
  }

  /** A group of rows of which nothing has been read. */
  group(rows: readonly GenerationRow[]): RowGroup {
    const { device } = this.#model
    return {
      rows,
      cache: new KeyValueCache(this.config, device, rows.length, this.#cacheFormat),
      size: this.#size,
    }
  }

  get #size(): SizeThen {
    return { config: this.config, entries: this.#model.growthLog?.entries.length ?? 0 }
  }

  /**
   * Reads what is new, and returns the logits after the last token, `[V]` of every row of every group.
   *
   * @param more Tokens behind the text of each row.
   */
  async read(groups: readonly RowGroup[], more: readonly number[] = []): Promise<ArrayLike<number>[]> {
    const byCount = new Map<number, RowGroup[]>()
    for (const group of groups) {
      const count = this.#unread(group, more)
      byCount.set(count, [...(byCount.get(count) ?? []), group])
    }
    const logits = new Map<GenerationRow, ArrayLike<number>>()
    for (const [count, together] of byCount) {
      const rows = together.flatMap((group) => group.rows)
      const read = await this.#logits(together, more, count, true)
      rows.forEach((row, i) => logits.set(row, read[i]))
    }
    return groups.flatMap(({ rows }) => rows).map((row) => logits.get(row) as ArrayLike<number>)
  }

  /** Reads a row and tokens behind it; returns the logits after its last token and after each of those. */
  async readAhead(group: RowGroup, more: readonly number[]): Promise<ArrayLike<number>[]> {
    const count = this.#unread(group, [])
    // Of the prompt no logits are wanted but the last ones.
    if (count > 1) await this.#logits([group], [], count - 1, true)
    return this.#logits([group], more, more.length + 1, false)
  }

  [Symbol.dispose](): void {
    for (const tensor of this.#kept.splice(0)) tensor.release()
  }

  /** How many tokens of each row are not in the cache, which follows growth, or is made anew. */
  #unread(group: RowGroup, more: readonly number[]): number {
    checkLives(this.#snapshot ? undefined : this.#model)
    if (!group.cache.isFor(this.config)) {
      const { device, growthLog } = this.#model
      const grown = growthLog && cacheThroughGrowth(group.cache, group.size, growthLog, this.config, device)
      const { cache, size } = grown ? { cache: grown, size: this.#size } : this.group(group.rows)
      group.cache[Symbol.dispose]()
      Object.assign(group, { cache, size })
    }
    return group.rows[0].window + more.length - group.cache.tokens
  }

  /** Reads the next `count` tokens of each row. */
  async #logits(
    groups: readonly RowGroup[],
    more: readonly number[],
    count: number,
    lastOnly: boolean,
  ): Promise<ArrayLike<number>[]> {
    const tensor = this.#forward(groups, more, count, lastOnly)
    try {
      const numbers = await tensor.read()
      const [rows, V] = tensor.shape
      return Array.from({ length: rows }, (_, row) => numbers.subarray(row * V, (row + 1) * V))
    } finally {
      tensor.dispose()
    }
  }

  #forward(groups: readonly RowGroup[], more: readonly number[], count: number, lastOnly: boolean): Tensor {
    using opened = openScope()
    const unread = groups.flatMap(({ rows, cache }) =>
      rows.flatMap(({ text, start }) =>
        [...text.slice(start), ...more].slice(cache.tokens, cache.tokens + count),
      ),
    )
    const { device, parameters } = this.#model
    const input = device.tensor(unread, { shape: [unread.length / count, count], dtype: 'i32' }, 'generate')
    const weights = this.#snapshot?.weights ?? parameters.tensors()
    const cache = groups.map((group) => group.cache)
    const adapters = this.#adaptersOf(groups.flatMap(({ rows }) => rows))
    return opened.keep(
      forward(this.config, weights, input, { cache, lastOnly, ...(adapters && { adapters }) }),
    )
  }

  #adaptersOf(rows: readonly GenerationRow[]): RowAdapters | undefined {
    const adapters = this.#adapters
    return adapters && isList(adapters) ? rows.map(({ index }) => adapters[index]) : adapters
  }
}

const isList = (adapters: RowAdapters): adapters is readonly (AppliedAdapter | null)[] =>
  Array.isArray(adapters)

function checkLives(model: GenerativeModel | undefined): void {
  if (model === undefined || model.parameters.size > 0) return
  throw new OptionError('generate: got a model that has been disposed; expected one with weights.')
}
