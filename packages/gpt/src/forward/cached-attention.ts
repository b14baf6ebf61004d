/**
 * Attention over keys and values that caches hold. Rows that have read the same number of tokens share a
 * cache; rows that have not lie in several, so that none is ever padded.
 */
import { assign, attention, concatenate, OptionError, slice, type Tensor } from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import { KeyValueCache } from './key-value-cache.ts'

/** The caches of an option that may be one, several, or none. */
export function cachesOf(
  given: KeyValueCache | readonly KeyValueCache[] | undefined,
): readonly KeyValueCache[] {
  if (given === undefined) return []
  return given instanceof KeyValueCache ? [given] : given
}

/**
 * How many tokens came before: one number where it is the same for all rows, otherwise one for each.
 *
 * @throws OptionError for caches of another size of the model, or of another batch where they are several.
 */
export function pastsOf(caches: readonly KeyValueCache[], config: GptConfig, B: number): number[] {
  for (const cache of caches) cache.check(config)
  const rows = caches.flatMap(({ batch, length }) => new Array<number>(batch).fill(length))
  if (caches.length > 1 && rows.length !== B) {
    throw new OptionError(
      `forward: got ${B} sequences and caches of ${caches.map(({ batch }) => batch).join(' + ')}; expected as many as the caches hold.`,
    )
  }
  const first = rows[0] ?? 0
  return rows.every((past) => past === first) ? [first] : rows
}

/**
 * Writes keys and values behind those of each cache, and attends to all of them.
 *
 * @param qkv `[B, T, H, D]`, and twice `[B, T, G, D]`.
 * @returns `[B, T, H, D]`.
 */
export function attendCached(
  caches: readonly KeyValueCache[],
  block: string,
  qkv: readonly Tensor[],
  scale: number,
): Tensor {
  if (caches.length === 1) return attendOne(caches[0], block, qkv, scale)
  let row = 0
  const outputs = caches.map((cache) => {
    const [from, to] = [row, (row += cache.batch)]
    return attendOne(
      cache,
      block,
      qkv.map((x) => slice(x, [from], [to])),
      scale,
    )
  })
  return concatenate(outputs)
}

function attendOne(cache: KeyValueCache, block: string, [q, k, v]: readonly Tensor[], scale: number): Tensor {
  const { keys, values } = cache.of(block) // [B, S, G, D] each
  assign(keys, k, [0, cache.length, 0, 0])
  assign(values, v, [0, cache.length, 0, 0])
  return attention(q, keys, values, { keys: cache.length + q.shape[1], scale })
}
