/**
 * The forward pass of rows that hold patches (MegaByte, Yu et al. 2023; bGPT, Wu et al. 2024): the blocks
 * read each token and each patch as one position, and a local decoder predicts the bytes of a patch one by
 * one, from what the blocks say before it, the patches beside it, and the bytes of it that are there already.
 *
 * B rows of T tokens, in G units; N patches of P bytes, C embed, L embed of the local decoder, V vocabulary.
 */
import {
  add,
  concatenate,
  type Device,
  fill,
  gather,
  gelu,
  matmul,
  multiply,
  OptionError,
  reshape,
  slice,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { RowAdapters } from '../adapters/applied-adapter.ts'
import type { GptConfig, PatchConfig } from '../config/gpt-config.ts'
import { localStart, neighbors } from '../config/patch-parameters.ts'
import { layoutOf, type PatchLayout, type WrittenPatches } from '../patches/patch-layout.ts'
import type { ForwardOptions } from './forward-options.ts'
import type { KeyValueCache } from './key-value-cache.ts'
import { featuresOf, logitsOf } from './readout.ts'
import { mixedBytes } from './mixed-bytes.ts'
import { throughBlocks } from './residual-stream.ts'
import { embeddedTokens } from './layers/token-table.ts'

/** Logit, in a patch, of a token that is no byte: so low that its probability is 0 to the last bit. */
const noByte = -30_000

/** A configuration with a patch front. */
export type PatchedConfig = GptConfig & { readonly patches: PatchConfig }

/**
 * The logits of every prediction, `[B·T, V]`, or of the last ones, `[B, V]`.
 *
 * @param rows Tokens that are new, B rows of T.
 * @param caches Of one the rows, or of several the rows of each, in order. A cache holds the tokens that were
 *   read into it, since a patch may have been read in part: the blocks read it when it is whole, the local
 *   decoder from its first byte each time.
 * @throws OptionError for rows that share a cache and have pieces in different places.
 */
export function patchedLogits(
  config: PatchedConfig,
  w: TensorsByPath,
  rows: readonly (readonly number[])[],
  { device, caches }: { readonly device: Device; readonly caches: readonly KeyValueCache[] },
  options: Omit<ForwardOptions, 'cache'>,
): Tensor {
  if (caches.length === 0) return read(config, w, rows, device, undefined, options)
  const held = caches.reduce((sum, { batch }) => sum + batch, 0)
  if (held !== rows.length) {
    throw new OptionError(`forward: got ${rows.length} sequences and caches of ${held}; expected as many.`)
  }
  let row = 0
  const logits = caches.map((cache) => {
    const [from, to] = [row, (row += cache.batch)]
    const adapters = options.adapters && { adapters: adaptersOf(options.adapters, from, to) }
    return read(config, w, rows.slice(from, to), device, cache, { ...options, ...adapters })
  })
  return concatenate(logits)
}

const adaptersOf = (adapters: RowAdapters, from: number, to: number): RowAdapters =>
  Array.isArray(adapters) ? adapters.slice(from, to) : adapters

/** The logits of rows of one cache, or of none. */
function read(
  config: PatchedConfig,
  w: TensorsByPath,
  given: readonly (readonly number[])[],
  device: Device,
  cache: KeyValueCache | undefined,
  { lastOnly = false, ...options }: Omit<ForwardOptions, 'cache'>,
): Tensor {
  const before = cache?.texts ?? []
  const rows = given.map((row, b) => [...(before[b] ?? []), ...row])
  const tokens = before[0]?.length ?? 0
  const wanted = lastOnly ? rows[0].length - 1 : tokens
  const layout = layoutOf(config, rows, { tokens, wanted, isKept: cache !== undefined })
  const inner = insidePatches(w, layout, device)
  const features = featuresAfter(config, w, layout, inner, { rows, cache, options })
  const { readers, written, predictions } = layout
  const ofTokens = readers.length > 0 && logitsOf(config, w, gather(features, ids(device, readers))) // [readers, V]
  const ofBytes = written.map((some) => byteLogits(config.patches, w, some, inner, features)) // [N·S, 256] each
  const wide = (bytes: Tensor): Tensor =>
    concatenate([bytes, fill(device, [bytes.shape[0], config.vocabulary - 256], noByte)], 1)
  const all = [...(ofTokens ? [ofTokens] : []), ...ofBytes.map(wide)]
  const logits = gather(all.length === 1 ? all[0] : concatenate(all), ids(device, predictions))
  return logits
}

/** Bytes of a patch that is read as it is: a shorter one is read louder, to be heard beside its place. */
const usualBytes = 16

/** How much louder than a token a patch of a grid is read, with its row and column. */
const loudnessInGrid = 4

/** The bytes of every patch that is known, side by side, and a row of zeros behind them, `[N + 1, P·Cb]`. */
function insidePatches(w: TensorsByPath, { patches, sizes }: PatchLayout, device: Device): Tensor {
  const width = w['embed.patch.weight'].shape[0]
  const nothing = fill(device, [1, width], 0)
  const N = sizes.length
  if (N === 0) return nothing
  const bytes = reshape(gather(w['embed.patch.byte.weight'], ids(device, patches)), [N, width])
  const factors = Float32Array.from(sizes, (size) => Math.sqrt(usualBytes / size))
  const loud = factors.some((factor) => factor !== 1)
    ? multiply(bytes, device.tensor(factors, { shape: [N, 1], dtype: 'f32' }, 'patches'))
    : bytes
  return concatenate([loud, nothing])
}

/** Who reads, and what was read before. */
interface Reading {
  /** All tokens of each row. */
  readonly rows: readonly (readonly number[])[]
  readonly cache: KeyValueCache | undefined
  readonly options: Omit<ForwardOptions, 'cache' | 'lastOnly'>
}

/** The features of every unit that is read, `[B·G, C]`; behind the last one that was read before, if any. */
function featuresAfter(
  config: PatchedConfig,
  w: TensorsByPath,
  layout: PatchLayout,
  inner: Tensor, // [N + 1, P·Cb]
  { rows, cache, options }: Reading,
): Tensor {
  const { units: G, past } = layout
  const [B, C] = [rows.length, config.embed]
  const earlier = past > 0 ? cache?.lastFeatures() : undefined // [B, C]
  if (G === 0) {
    cache?.keep(rows)
    return earlier as Tensor
  }
  cache?.reserve(past + G)
  const embedded = reshape(embeddedUnits(config, w, layout, inner, B), [B * G, C])
  const caches = cache === undefined ? [] : [cache]
  const x = throughBlocks(config, w, embedded, { B, T: G, caches, pasts: [past] }, options)
  const features = featuresOf(config, w, x)
  const all = reshape(features, [B, G, C])
  cache?.keep(rows, all)
  if (earlier === undefined) return features
  const each = reshape(earlier, [B, 1, C])
  return reshape(concatenate([each, all], 1), [B * (G + 1), C])
}

/** The embedding of every unit with its position, `[B, G, C]`. */
function embeddedUnits(
  config: GptConfig,
  w: TensorsByPath,
  layout: PatchLayout,
  inner: Tensor, // [N + 1, P·Cb]
  B: number,
): Tensor {
  const { device } = inner
  const { units: G, past, tokens, rows, columns, sources } = layout
  const N = rows.length
  const places = (): Tensor =>
    add(placesIn(w['embed.row.weight'], rows), placesIn(w['embed.column.weight'], columns))
  const ofTokens = (): Tensor => embeddedTokens(config, w, ids(device, tokens)) // [tokens, C]
  const ofPatches = (): Tensor => {
    const placed = add(matmul(slice(inner, [0], [N]), w['embed.patch.weight']), places())
    const factors = Float32Array.from(rows, (row) => (row < 0 ? 1 : loudnessInGrid))
    return multiply(placed, device.tensor(factors, { shape: [N, 1], dtype: 'f32' }, 'patches'))
  }
  const all = [...(tokens.length > 0 ? [ofTokens()] : []), ...(N > 0 ? [ofPatches()] : [])]
  const units = all.length === 1 ? all[0] : concatenate(all)
  const inOrder = reshape(gather(units, ids(device, sources)), [B, G, config.embed])
  const position = w['embed.position.weight'] // none with rotary positions
  return position ? add(inOrder, slice(position, [past], [past + G])) : inOrder
}

/** Rows of a table by their number, 0 for −1: `[N, C]`. */
function placesIn(table: Tensor, places: readonly number[]): Tensor {
  const { device, shape } = table
  const last = shape[0]
  const all = places.some((place) => place < 0) ? concatenate([table, fill(device, [1, shape[1]], 0)]) : table
  return gather(
    all,
    ids(
      device,
      places.map((place) => (place < 0 ? last : place)),
    ),
  )
}

/** The logits of the bytes of the patches that are predicted, `[N·S, 256]`. */
function byteLogits(
  { beside, mixing, local }: PatchConfig,
  w: TensorsByPath,
  written: WrittenPatches,
  inner: Tensor, // [patches + 1, P·Cb]
  features: Tensor,
): Tensor {
  const { device } = features
  const { after, span: S } = written
  const [own, N, L] = [localWeights(w), after.length, local.embed]
  const before = gather(features, ids(device, after)) // [N, C]
  const bytes = reshape(embeddedTokens(local, own, ids(device, written.bytes)), [N, S, L])
  const placed = add(bytes, slice(own['embed.position.weight'], [0], [S]))
  const told = add(placed, reshape(matmul(before, own['in.weight']), [N, 1, L]))
  const near = beside === undefined ? told : add(told, besides(own, written, inner, before))
  const seen = mixing === undefined ? near : add(near, mixedBytes(w, own, written, inner))
  const place = { B: N, T: S, caches: [], pasts: [0] }
  const x = throughBlocks(local, own, reshape(seen, [N * S, L]), place, {})
  return logitsOf(local, own, featuresOf(local, own, x))
}

/** What each byte of a patch is told of the patches beside it, `[N, S, L]`. */
function besides(
  own: TensorsByPath,
  { neighbors: places, span: S }: WrittenPatches,
  inner: Tensor, // [patches + 1, P·Cb]
  before: Tensor, // [N, C]
): Tensor {
  const none = inner.shape[0] - 1
  const all = neighbors.map((which) => {
    const from = places[which].map((patch) => (patch < 0 ? none : patch))
    return matmul(gather(inner, ids(inner.device, from)), own[`beside.${which}.weight`]) // [N, width]
  })
  const told = gelu(all.reduce((sum, x) => add(sum, x), matmul(before, own['beside.weight'])))
  const [N, width] = told.shape
  const L = own['beside.bytes.weight'].shape[2]
  const spread = slice(own['beside.bytes.weight'], [0, 0], [width, S])
  return reshape(matmul(told, reshape(spread, [width, S * L])), [N, S, L])
}

/** The parameters of the local decoder by their paths within it. */
function localWeights(w: TensorsByPath): TensorsByPath {
  const own = Object.entries(w).filter(([path]) => path.startsWith(localStart))
  return Object.fromEntries(own.map(([path, tensor]) => [path.slice(localStart.length), tensor]))
}

const ids = (device: Device, numbers: readonly number[]): Tensor =>
  device.tensor(numbers, { shape: [numbers.length], dtype: 'i32' }, 'patches')
