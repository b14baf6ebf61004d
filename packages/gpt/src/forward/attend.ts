/**
 * Attention of a block, to all keys or to a window of them, also over what caches hold. Rows that have read
 * the same number of tokens share a cache; rows that have not lie in several, so that none is ever padded.
 */
import {
  attention,
  cast,
  concatenate,
  type Device,
  elementwise,
  expression,
  iota,
  OptionError,
  reshape,
  slice,
  type Tensor,
} from '@burgeon/tensor'
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

/** How a block attends. */
export interface Attending {
  /** Multiplies q·k. */
  readonly scale: number
  /** How many keys a query sees, its own among them; all unless given. */
  readonly window: number | undefined
}

/**
 * Causal attention. With caches, keys and values are written behind those of each, and all of them attended
 * to.
 *
 * @param block Its id.
 * @param qkv `[B, T, H, D]`, and twice `[B, T, G, D]`.
 * @returns `[B, T, H, D]`.
 */
export function attend(
  caches: readonly KeyValueCache[],
  block: string,
  qkv: readonly Tensor[],
  how: Attending,
): Tensor {
  if (caches.length === 0) return attendOne(undefined, block, qkv, how)
  if (caches.length === 1) return attendOne(caches[0], block, qkv, how)
  let row = 0
  const outputs = caches.map((cache) => {
    const [from, to] = [row, (row += cache.batch)]
    return attendOne(
      cache,
      block,
      qkv.map((x) => slice(x, [from], [to])),
      how,
    )
  })
  return concatenate(outputs)
}

function attendOne(
  cache: KeyValueCache | undefined,
  block: string,
  [q, k, v]: readonly Tensor[],
  { scale, window }: Attending,
): Tensor {
  const T = q.shape[1]
  const present = T + (cache?.length ?? 0)
  const isWhole = window === undefined || window >= present
  if (cache === undefined) {
    return attention(q, k, v, isWhole ? { scale } : { scale, mask: windowMask(q.device, T, T, window) })
  }
  cache.write(block, k, v)
  if (isWhole && cache.format === 'f32') {
    const { keys, values } = cache.of(block) // [B, S, G, D] each
    return attention(q, keys, values, { keys: present, scale })
  }
  if (isWhole) return attention(q, ...cache.read(block, 0, present), { scale })
  // What the first of the new queries sees no more, none sees.
  const first = Math.max(0, present - T + 1 - window)
  const seen = present - first
  const mask = seen > window ? { mask: windowMask(q.device, T, seen, window) } : {}
  return attention(q, ...cache.read(block, first, present), { scale, ...mask })
}

const { add, input, less, scalar } = expression

// inputs: query, key; scalar 0: the first key that query 0 sees, less 1
const isNear = less(add(input(0), scalar(0)), input(1))

/** `i32 [T, S]`: whether a key is among the last `window` up to a query; the last query is the last key's. */
function windowMask(device: Device, T: number, S: number, window: number): Tensor {
  const queries = reshape(iota(device, T, 'f32'), [T, 1])
  return cast(elementwise(isNear, [queries, iota(device, S, 'f32')], [S - T - window]), 'i32')
}
