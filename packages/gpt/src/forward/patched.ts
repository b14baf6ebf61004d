/**
 * The forward pass of rows that hold patches (MegaByte, Yu et al. 2023; bGPT, Wu et al. 2024): the blocks
 * read each token and each patch as one position, and a local decoder predicts the bytes of a patch one by
 * one, from what the blocks say before it and the bytes of it that are there already.
 *
 * B rows of T tokens, in G units; N patches of P bytes, C embed, L embed of the local decoder, V vocabulary.
 */
import {
  add,
  concatenate,
  type Device,
  fill,
  gather,
  matmul,
  OptionError,
  reshape,
  slice,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { GptConfig, PatchConfig } from '../config/gpt-config.ts'
import { localStart } from '../config/parameters.ts'
import type { PatchLayout } from '../patches/patch-layout.ts'
import type { ForwardOptions } from './forward-options.ts'
import { featuresOf, logitsOf } from './readout.ts'
import { throughBlocks } from './residual-stream.ts'
import { embeddedTokens } from './layers/token-table.ts'

/** Logit, in a patch, of a token that is no byte: so low that its probability is 0 to the last bit. */
const noByte = -30_000

/**
 * The logits of every prediction, `[B·T, V]`.
 *
 * @throws OptionError with a cache or `lastOnly`: a piece is read as a whole.
 */
export function patchedLogits(
  config: GptConfig,
  w: TensorsByPath,
  layout: PatchLayout,
  tokens: Tensor,
  options: ForwardOptions,
): Tensor {
  const { cache, lastOnly, ...others } = options
  if (cache !== undefined || lastOnly === true) {
    throw new OptionError(
      'forward: got patches with a cache or lastOnly; expected neither. Read the whole row at once.',
    )
  }
  const { device } = tokens
  const front = config.patches as PatchConfig
  const { units: G, readers, predictions } = layout
  const B = tokens.shape[0]
  const embedded = reshape(embeddedUnits(config, w, layout, device, B), [B * G, config.embed])
  const x = throughBlocks(config, w, embedded, { B, T: G, caches: [], pasts: [0] }, others)
  const features = featuresOf(config, w, x) // [B·G, C]
  const ofTokens = logitsOf(config, w, gather(features, ids(device, readers))) // [readers, V]
  const ofBytes = byteLogits(front, w, layout, features) // [N·P, 256]
  const others256 = fill(device, [ofBytes.shape[0], config.vocabulary - 256], noByte)
  const all = concatenate([ofTokens, concatenate([ofBytes, others256], 1)])
  return gather(all, ids(device, predictions))
}

/** The embedding of every unit with its position, `[B, G, C]`. */
function embeddedUnits(
  config: GptConfig,
  w: TensorsByPath,
  layout: PatchLayout,
  device: Device,
  B: number,
): Tensor {
  const { units: G, tokens, patches, rows, columns, sources } = layout
  const ofTokens = embeddedTokens(config, w, ids(device, tokens)) // [tokens, C]
  const inner = gather(w['embed.patch.byte.weight'], ids(device, patches)) // [N·P, Cb]
  const [N, weight] = [rows.length, w['embed.patch.weight']] // [P·Cb, C]
  const places = (): Tensor =>
    add(
      gather(w['embed.row.weight'], ids(device, rows)),
      gather(w['embed.column.weight'], ids(device, columns)),
    )
  const ofPatches = (): Tensor => add(matmul(reshape(inner, [N, weight.shape[0]]), weight), places())
  const all = N > 0 ? concatenate([ofTokens, ofPatches()]) : ofTokens
  const inOrder = reshape(gather(all, ids(device, sources)), [B, G, config.embed])
  const position = w['embed.position.weight'] // none with rotary positions
  return position ? add(inOrder, slice(position, [0], [G])) : inOrder
}

/** The logits of every byte of the patches that are predicted, `[N·P, 256]`. */
function byteLogits(
  { bytes: P, local }: PatchConfig,
  w: TensorsByPath,
  { writers, written }: PatchLayout,
  features: Tensor, // [B·G, C]
): Tensor {
  const { device } = features
  const [own, N, L] = [localWeights(w), writers.length, local.embed]
  const before = matmul(gather(features, ids(device, writers)), own['in.weight']) // [N, L]
  const bytes = reshape(embeddedTokens(local, own, ids(device, written)), [N, P, L])
  const placed = add(add(bytes, own['embed.position.weight']), reshape(before, [N, 1, L]))
  const place = { B: N, T: P, caches: [], pasts: [0] }
  const x = throughBlocks(local, own, reshape(placed, [N * P, L]), place, {})
  return logitsOf(local, own, featuresOf(local, own, x))
}

/** The parameters of the local decoder by their paths within it. */
function localWeights(w: TensorsByPath): TensorsByPath {
  const own = Object.entries(w).filter(([path]) => path.startsWith(localStart))
  return Object.fromEntries(own.map(([path, tensor]) => [path.slice(localStart.length), tensor]))
}

const ids = (device: Device, numbers: readonly number[]): Tensor =>
  device.tensor(numbers, { shape: [numbers.length], dtype: 'i32' }, 'patches')
