/** A model that is elsewhere, such as in parts in several processes: what generation asks of it. */
import { type Check, checks } from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import type { CacheFormat } from '../../forward/key-value-cache.ts'

/** Tokens that a group of rows reads next. */
export interface RemoteStep {
  /** Index of the group. */
  readonly group: number
  /** Rows of the group as it was that go on, in this order; null where all do. */
  readonly rows: readonly number[] | null
  /** Tokens of each row that were read before and stay; what was read behind them is forgotten. */
  readonly from: number
  /** The tokens behind those, `[B, T]`. */
  readonly tokens: Int32Array
}

/** Groups of rows that are read with the weights of one moment. */
export interface RemoteReading {
  /** Reads tokens, and returns the logits after the last one of each row, `[B, V]`. */
  read(step: RemoteStep): Promise<Float32Array | Float64Array>
  /** Frees what is held for it. To do so twice is to do so once. */
  end(): Promise<void>
}

/** A model that is elsewhere: `generate` writes with it as with one that is here. */
export interface RemoteModel {
  readonly config: GptConfig
  /**
   * Begins to read with the weights of this moment, whatever is learnt meanwhile.
   *
   * @param groups Rows of each group, 1 or more.
   * @param cacheFormat What keys and values are rounded to.
   */
  beginReading(groups: readonly number[], cacheFormat: CacheFormat): Promise<RemoteReading>
}

/** Check of a model that is elsewhere. */
export const aRemoteModel: Check<RemoteModel> = checks.role<RemoteModel>(
  'a model that is elsewhere',
  'config',
  'beginReading',
)
