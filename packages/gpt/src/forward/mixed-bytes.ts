/**
 * What each byte of a patch that is written is told of single bytes: those of the patches beside it, and
 * those before it in its own. Which byte tells which is learnt and the same for all patches (a mixing over
 * places, as of Tolstikhin et al. 2021, MLP-Mixer, in several heads), so that a pixel finds those around it.
 */
import {
  concatenate,
  type Device,
  gather,
  matmul,
  multiply,
  permute,
  reshape,
  slice,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { mixed, neighbors } from '../config/patch-parameters.ts'
import type { WrittenPatches } from '../patches/patch-layout.ts'

/** The row of the table of bytes that stands for none. */
const noByte = 256

/**
 * N patches of S bytes; P bytes of the largest patch, Cb width of a byte, H heads, L embed of the local
 * decoder.
 *
 * @param w The parameters of the model, whose bytes inside patches are told.
 * @param own Those of the local decoder, by their paths within it.
 * @param inner Bytes of all known patches, side by side, a row of zeros behind them, `[patches + 1, P·Cb]`.
 * @returns `[N, S, L]`.
 */
export function mixedBytes(
  w: TensorsByPath,
  own: TensorsByPath,
  { neighbors: places, span: S, bytes, after: { length: N } }: WrittenPatches,
  inner: Tensor,
): Tensor {
  const { device } = inner
  const table = w['embed.patch.byte.weight']
  const [Cb, none] = [table.shape[1], inner.shape[0] - 1]
  const [P, , H] = own['mixing.own.weight'].shape
  const beside = neighbors.map((which) => {
    const from = places[which].map((patch) => (patch < 0 ? none : patch))
    return reshape(gather(inner, ids(device, from)), [N, P, Cb])
  })
  // A byte is read at the place of the next: the first of a patch reads none.
  const read = bytes.map((byte, i) => (i % S === 0 ? noByte : byte))
  const before = reshape(gather(table, ids(device, read)), [N, S, Cb])
  const sources = concatenate([...beside, before], 1) // [N, K, Cb], K = 3P + S
  const weights = mixed.map((from) => {
    const K = from === 'own' ? S : P
    const weight = slice(own[`mixing.${from}.weight`], [0, 0, 0], [K, S, H])
    return reshape(from === 'own' ? multiply(weight, upTo(device, S)) : weight, [K, S * H])
  })
  const K = sources.shape[1]
  const told = matmul(reshape(permute(sources, [0, 2, 1]), [N * Cb, K]), concatenate(weights)) // [N·Cb, S·H]
  const byByte = reshape(permute(reshape(told, [N, Cb, S, H]), [0, 2, 1, 3]), [N * S, Cb * H])
  const out = own['mixing.out.weight']
  return reshape(matmul(byByte, out), [N, S, out.shape[1]])
}

/** 1 where the place that is told does not lie before the one that is read, else 0: `[S, S, 1]`. */
function upTo(device: Device, S: number): Tensor {
  const ones = Float32Array.from({ length: S * S }, (_, i) => (Math.floor(i / S) <= i % S ? 1 : 0))
  return device.tensor(ones, { shape: [S, S, 1], dtype: 'f32' }, 'patches')
}

const ids = (device: Device, numbers: readonly number[]): Tensor =>
  device.tensor(numbers, { shape: [numbers.length], dtype: 'i32' }, 'patches')
