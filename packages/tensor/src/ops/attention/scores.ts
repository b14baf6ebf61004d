/**
 * The common parts of attention's definitions: scores of queries with keys, and keys and values in the layout
 * of the heads.
 */
import * as e from '../../expression/expression.ts'
import type { Tensor } from '../../tensor.ts'
import { broadcastTo } from '../broadcast/broadcast.ts'
import { multiply } from '../elementwise/arithmetic.ts'
import { elementwise } from '../elementwise/elementwise.ts'
import { iota } from '../iota/iota.ts'
import { matmul } from '../matmul/matmul.ts'
import { permute } from '../permute/permute.ts'
import { reshape } from '../reshape/reshape.ts'
import { slice } from '../slice/slice.ts'
import type { AttentionAttrs } from './attention.ts'

const { add, constant, input, less, scalar, select } = e

// inputs: scores, query position, key position; scalar 0: keys − T
const maskCausal = select(less(add(input(1), scalar(0)), input(2)), constant(-Infinity), input(0))

/** scale · q·kᵀ with −∞ where the mask hides a key, `[B, H, T, keys]`. */
export function maskedScores(q: Tensor, k: Tensor, { scale, causal, keys }: AttentionAttrs): Tensor {
  const [, t, h] = q.shape
  const query = permute(q, [0, 2, 1, 3]) // [B, H, T, D]
  const scores = multiply(matmul(query, headsFirst(k, h, keys), { transposeB: true }), scale)
  if (!causal) return scores
  const row = reshape(iota(q.device, t, 'f32'), [t, 1])
  return elementwise(maskCausal, [scores, row, iota(q.device, keys, 'f32')], [keys - t])
}

/** `[B, S, G, D]` → `[B, H, keys, D]`, each group repeated for the query heads that share it. */
export function headsFirst(x: Tensor, h: number, keys: number): Tensor {
  const [b, , g, d] = x.shape
  const present = permute(slice(x, [], [b, keys]), [0, 2, 1, 3]) // [B, G, keys, D]
  if (g === h) return present
  return reshape(broadcastTo(reshape(present, [b, g, 1, keys, d]), [b, g, h / g, keys, d]), [b, h, keys, d])
}
