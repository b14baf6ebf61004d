/** Adapters at work in a forward pass: which row reads which, and what it adds to a linear map. */
import {
  add,
  type Check,
  checks,
  concatenate,
  dropout,
  foldIn,
  matmul,
  multiply,
  OptionError,
  type RandomKey,
  reshape,
  slice,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import { AdapterError } from './adapter-error.ts'
import type { LoraConfig, LoraModule } from './lora-config.ts'
import { checkFits, pathOfA, pathOfB } from './lora-parameters.ts'

/** An adapter as a forward pass reads it; a `LoraAdapter` is one. */
export interface AppliedAdapter {
  readonly config: LoraConfig
  /** Its numbers by path, or others of the same shapes, such as those a gradient is taken by. */
  readonly weights: TensorsByPath
  /** In training: decides what is dropped. Nothing is without it. */
  readonly dropoutKey?: RandomKey
}

/** One adapter for all rows of a batch, or one for each, null where the model reads a row alone. */
export type RowAdapters = AppliedAdapter | readonly (AppliedAdapter | null)[]

const anAdapter: Check<AppliedAdapter> = checks.role('a LoraAdapter', 'config', 'weights')
const none: Check<null> = { expected: 'null', accepts: (value): value is null => value === null }

/** Check of `RowAdapters`. */
export const rowAdapters: Check<RowAdapters> = checks.either(
  anAdapter,
  checks.list('a list of them, or null, for each row', checks.either(anAdapter, none)),
)

/** Neighboring rows with the same adapter. */
interface Run {
  readonly from: number
  readonly to: number
  readonly adapter: AppliedAdapter | null
}

/** The adapters of the rows of one forward pass. */
export class AdaptedRows {
  readonly #rows: number
  readonly #runs: readonly Run[]
  readonly #modules = new Map<AppliedAdapter, ReadonlyMap<string, readonly [LoraModule, number]>>()

  /**
   * @param rows Rows of the batch, B.
   * @throws OptionError for another number of adapters, AdapterError for one that does not fit the model.
   */
  constructor(given: RowAdapters, config: GptConfig, rows: number) {
    const isList = Array.isArray(given)
    if (isList && given.length !== rows) {
      throw new OptionError(
        `forward: got ${given.length} adapters for ${rows} rows; expected one for each, null where there is none.`,
      )
    }
    const each: readonly (AppliedAdapter | null)[] = isList ? given : [given as AppliedAdapter]
    for (const adapter of new Set(each)) {
      if (adapter === null) continue
      checkFits('forward', adapter.config, config)
      checkWeights(adapter)
      const byMap = adapter.config.modules.flatMap((module, i) =>
        module.maps.map((map) => [map, [module, i] as const] as const),
      )
      this.#modules.set(adapter, new Map(byMap))
    }
    this.#rows = rows
    this.#runs = isList ? runsOf(each) : [{ from: 0, to: rows, adapter: each[0] }]
  }

  /**
   * Adds to what a linear map has made of x what the adapter of each row adds.
   *
   * @param map Path of the map.
   * @param x `[B·T, K]`.
   * @param y `[B·T, M]`.
   */
  add(map: string, x: Tensor, y: Tensor): Tensor {
    const isTouched = this.#runs.some(({ adapter }) => adapter && this.#modules.get(adapter)?.has(map))
    if (!isTouched) return y
    const T = x.shape[0] / this.#rows
    const parts = this.#runs.map(({ from, to, adapter }, i) => {
      const isWhole = to - from === this.#rows
      const [own, made] = isWhole ? [x, y] : [x, y].map((z) => slice(z, [from * T], [to * T]))
      return adapter === null ? made : this.#added(adapter, map, own, made, i)
    })
    return parts.length === 1 ? parts[0] : concatenate(parts)
  }

  #added(adapter: AppliedAdapter, map: string, x: Tensor, y: Tensor, run: number): Tensor {
    const [module, at] = this.#modules.get(adapter)?.get(map) ?? []
    if (module === undefined || at === undefined) return y
    const { weights, dropoutKey, config } = adapter
    const { rank, scale } = module
    const [K, M] = [x.shape[1], y.shape[1]]
    // Maps that share A read the same numbers: the key is that of the module.
    const read =
      dropoutKey !== undefined && config.dropout > 0
        ? dropout(x, { rate: config.dropout, key: foldIn(foldIn(dropoutKey, at), run) })
        : x
    const narrow = matmul(read, reshape(weights[pathOfA(module)], [K, rank])) // [N, rank]
    const scaled = scale === 1 ? narrow : multiply(narrow, scale)
    return add(y, matmul(scaled, reshape(weights[pathOfB(map)], [rank, M])))
  }
}

/** Throws AdapterError for numbers that are missing: those of an adapter that was disposed are. */
function checkWeights({ config, weights }: AppliedAdapter): void {
  for (const module of config.modules) {
    const missing = [pathOfA(module), ...module.maps.map(pathOfB)].find(
      (path) => !Object.hasOwn(weights, path),
    )
    if (missing === undefined) continue
    throw new AdapterError(
      `forward: got an adapter without ${missing}; expected all its weights. Has it been disposed?`,
    )
  }
}

function runsOf(adapters: readonly (AppliedAdapter | null)[]): Run[] {
  const runs: Run[] = []
  adapters.forEach((adapter, row) => {
    const last = runs.at(-1)
    if (last?.adapter === adapter) runs[runs.length - 1] = { ...last, to: row + 1 }
    else runs.push({ from: row, to: row + 1, adapter })
  })
  return runs
}
