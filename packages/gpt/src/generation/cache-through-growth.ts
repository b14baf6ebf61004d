/** Takes what a model has read through a growth that leaves its function as it is. */
import {
  type Device,
  type DimensionMap,
  fill,
  isIdentity,
  keepAxis,
  type Plan,
  resize,
  scope,
  type Tensor,
} from '@burgeon/tensor'
import { isSameConfig } from '../config/config-from-state.ts'
import type { GptConfig } from '../config/gpt-config.ts'
import { KeyValueCache } from '../forward/key-value-cache.ts'
import type { PlannedGrowth } from '../growth/changes/planned-growth.ts'
import { type GrowthLog, growthConfigs } from '../growth/plan/growth-log.ts'
import { planGrowth } from '../growth/plan/plan-growth.ts'

/** The size of a model when a cache was made for it. */
export interface SizeThen {
  readonly config: GptConfig
  /** Entries of its growth log. */
  readonly entries: number
}

/**
 * The cache of a model that has grown since: keys and values lie where the plan of each growth puts the
 * slices of the matrices that make them. Those of new heads, channels and blocks are 0: nothing reads them
 * with any weight before it has learnt to, and what has been read is remembered as it was understood then.
 *
 * @param then When `cache` was made; it stays as it is.
 * @param now The present configuration.
 * @returns null where a growth since was not exact, or was taken back, and of a model with a patch front: the
 *   tokens have to be read again.
 */
export function cacheThroughGrowth(
  cache: KeyValueCache,
  then: SizeThen,
  log: GrowthLog,
  now: GptConfig,
  device: Device,
): KeyValueCache | null {
  const growths = exactGrowths(then, log, now)
  // With a patch front a cache holds features too, which growth may make wider.
  if (growths === null || now.patches !== undefined) return null
  const grown = new KeyValueCache(now, device, cache.batch, cache.format)
  try {
    grown.reserve(cache.length)
    scope(() => {
      for (const { id } of then.config.blocks) {
        const read = cache.read(id, 0, cache.length)
        const [keys, values] = (['key', 'value'] as const).map((kind, i) =>
          growths.reduce((x, { plan }) => resized(x, plan, `blocks.${id}.attention.${kind}.weight`), read[i]),
        )
        grown.write(id, keys, values)
      }
    })
    grown.length = cache.length
    return grown
  } catch (error) {
    grown[Symbol.dispose]()
    throw error
  }
}

/** What the model has grown by since, in order; null unless all of it is exact and leads to the present. */
function exactGrowths({ config, entries }: SizeThen, log: GrowthLog, now: GptConfig): PlannedGrowth[] | null {
  const configs = growthConfigs(log)
  // While a growth is under way, the log does not know of it yet.
  if (entries >= configs.length || !isSameConfig(configs[entries], config)) return null
  const growths: PlannedGrowth[] = []
  for (const [i, entry] of log.entries.slice(entries).entries()) {
    if (entry.kind !== 'grown') return null
    const growth = planGrowth(configs[entries + i], entry.request, entry.key)
    if (!growth.isExact) return null
    growths.push(growth)
  }
  return isSameConfig(configs[configs.length - 1], now) ? growths : null
}

/** Keys or values `[B, T, G, D]` as a plan changes heads and channels of the matrix `[C, G, D]` of a path. */
function resized(x: Tensor, { changes }: Plan, path: string): Tensor {
  const change = changes.find((own) => own.path === path)
  if (change?.kind !== 'resize') return x
  const [, heads, channels] = change.dimensions
  if (isIdentity(heads) && isIdentity(channels)) return x
  const [rows, length] = x.shape
  const maps: DimensionMap[] = [keepAxis(rows), keepAxis(length), heads, channels]
  const shape = maps.map(({ source }) => source.length)
  return resize(x, maps, 'value', () => fill(x.device, shape, 0))
}
