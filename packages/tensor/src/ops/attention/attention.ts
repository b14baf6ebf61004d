/**
 * Scaled dot-product attention (Vaswani et al. 2017, eq. 1) with grouped key/value heads (Ainslie et al.
 * 2023): o = softmax(scale · q·kᵀ + mask)·v for every head.
 *
 * B batch, T queries, S keys, H query heads, G key/value heads (H a multiple of G; head h reads group
 * ⌊h·G/H⌋), D head size.
 */
import * as checks from '../../checks/checks.ts'
import { checkOptions, type ChecksOf } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import { OptionError, ShapeError } from '../../errors.ts'
import * as e from '../../expression/expression.ts'
import { defineOp, f32 } from '../../op.ts'
import { formatShape, sameShape, type TensorSpec } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { divide, multiply, subtract } from '../elementwise/arithmetic.ts'
import { elementwise } from '../elementwise/elementwise.ts'
import { matmul } from '../matmul/matmul.ts'
import { pad } from '../pad/pad.ts'
import { permute } from '../permute/permute.ts'
import { max, sum } from '../reduce/reduce.ts'
import { reshape } from '../reshape/reshape.ts'
import { maskedAttention } from './masked-attention.ts'
import { headsFirst, maskedScores } from './scores.ts'

/** Scale and mask of attention. */
export interface AttentionAttrs {
  /** Multiplies q·k; 1/√D in a standard transformer. */
  readonly scale: number
  /** Query t sees keys 0 … t + (keys − T): the last query sees every key. */
  readonly causal: boolean
  /**
   * How many of the S keys exist yet (a cache has room for more); T ≤ keys ≤ S when causal, else 1 ≤ keys ≤
   * S.
   */
  readonly keys: number
}

const { add, exp, input, log } = e

const expOfDifference = exp(e.subtract(input(0), input(1)))
const addLog = add(input(0), log(input(1)))

export interface AttentionSizes {
  readonly b: number
  readonly t: number
  readonly s: number
  readonly h: number
  readonly g: number
  readonly d: number
}

export function attentionSizes(
  op: string,
  inputs: readonly TensorSpec[],
  attrs: AttentionAttrs,
): AttentionSizes {
  const [q, k, v] = inputs.map((x) => x.shape)
  const [b, t, h, d] = q
  const [, s, g] = k
  const fits =
    q.length === 4 &&
    k.length === 4 &&
    k[0] === b &&
    k[3] === d &&
    k.every((n, i) => n === v[i]) &&
    v.length === 4 &&
    g > 0 &&
    h % g === 0
  if (!fits) {
    throw new ShapeError(
      `${op}: got q${formatShape(q)}, k${formatShape(k)}, v${formatShape(v)}; ` +
        'expected q[B, T, H, D], k[B, S, G, D], v[B, S, G, D] with H a multiple of G.',
    )
  }
  const fewest = attrs.causal ? t : Math.min(t, 1)
  if (!Number.isInteger(attrs.keys) || attrs.keys < fewest || attrs.keys > s) {
    throw new OptionError(
      `${op}: got keys = ${attrs.keys} for ${t} queries and room for ${s} keys; ` +
        `expected an integer from ${fewest} to ${s}.`,
    )
  }
  return { b, t, s, h, g, d }
}

/** Multiplications and additions of the two products; a causal mask halves the square part. */
function products(count: number, inputs: readonly TensorSpec[], attrs: AttentionAttrs): number {
  const { b, t, h, d } = attentionSizes('attention', inputs, attrs)
  const pairs = attrs.causal ? t * attrs.keys - (t * (t - 1)) / 2 : t * attrs.keys
  return count * 2 * b * h * d * pairs
}

export const attentionOp = defineOp<AttentionAttrs>()({
  name: 'attention',
  takes: { q: 'f32', k: 'f32', v: 'f32' },
  // q[B, T, H, D], k[B, S, G, D], v[B, S, G, D] → o[B, T, H, D], lse[B, H, T]
  infer(inputs, attrs) {
    const { b, t, h, d } = attentionSizes('attention', inputs, attrs)
    return [f32([b, t, h, d]), f32([b, h, t])]
  },
  flops: (inputs, _, attrs) => products(2, inputs, attrs),
  definition([q, k, v], attrs) {
    const { b, t, h } = attentionSizes('attention', [q, k, v], attrs)
    const scores = maskedScores(q, k, attrs) // [B, H, T, S]
    const top = max(scores, { axes: [-1], keepDims: true })
    const weights = elementwise(expOfDifference, [scores, top])
    const total = sum(weights, { axes: [-1], keepDims: true }) // [B, H, T, 1]
    const o = matmul(divide(weights, total), headsFirst(v, h, attrs.keys)) // [B, H, T, D]
    return [permute(o, [0, 2, 1, 3]), reshape(elementwise(addLog, [top, total]), [b, h, t])]
  },
})

/**
 * The gradient of attention (Dao et al. 2022, appendix B.2), from dO and the results that the forward pass
 * kept.
 */
export const attentionGradOp = defineOp<AttentionAttrs>()({
  name: 'attentionGrad',
  takes: { dO: 'f32', q: 'f32', k: 'f32', v: 'f32', o: 'f32', lse: 'f32' },
  // dO[B, T, H, D], q, k, v, o, lse[B, H, T] → dq, dk, dv
  infer([dO, q, k, v, o, lse], attrs) {
    const { b, t, h } = attentionSizes('attentionGrad', [q, k, v], attrs)
    if (!sameShape(dO.shape, q.shape) || !sameShape(o.shape, q.shape) || !sameShape(lse.shape, [b, h, t])) {
      throw new ShapeError(
        `attentionGrad: got dO${formatShape(dO.shape)}, o${formatShape(o.shape)} and lse${formatShape(lse.shape)}; ` +
          `expected dO and o like q${formatShape(q.shape)}, and lse${formatShape([b, h, t])}.`,
      )
    }
    return [f32(q.shape), f32(k.shape), f32(v.shape)]
  },
  flops: ([, q, k, v], _, attrs) => products(5, [q, k, v], attrs),
  definition([dO, q, k, v, o, lse], attrs) {
    const { b, t, h } = attentionSizes('attentionGrad', [q, k, v], attrs)
    const perRow = [b, h, t, 1]
    const weights = elementwise(expOfDifference, [maskedScores(q, k, attrs), reshape(lse, perRow)]) // P
    const dOut = permute(dO, [0, 2, 1, 3]) // [B, H, T, D]
    const dWeights = matmul(dOut, headsFirst(v, h, attrs.keys), { transposeB: true }) // dP = dO·vᵀ
    const delta = reshape(permute(sum(multiply(dO, o), { axes: [-1] }), [0, 2, 1]), perRow)
    const dScores = multiply(multiply(weights, subtract(dWeights, delta)), attrs.scale) // dS = P∘(dP − δ)·scale
    const dq = matmul(dScores, headsFirst(k, h, attrs.keys))
    const dk = matmul(dScores, permute(q, [0, 2, 1, 3]), { transposeA: true }) // [B, H, S, D]
    const dv = matmul(weights, dOut, { transposeA: true })
    return [permute(dq, [0, 2, 1, 3]), groupsOf(dk, k.shape), groupsOf(dv, v.shape)]
  },
})

/** Sums the query heads of each group and pads missing keys: `[B, H, keys, D]` → `[B, S, G, D]`. */
function groupsOf(x: Tensor, [b, s, g, d]: readonly number[]): Tensor {
  const [, h, keys] = x.shape
  const summed = g === h ? x : sum(reshape(x, [b, g, h / g, keys, d]), { axes: [2] })
  const placed = permute(summed, [0, 2, 1, 3]) // [B, keys, G, D]
  return keys === s ? placed : pad(placed, [0, 0, 0, 0], [0, s - keys, 0, 0])
}

/** Scale, mask and keys of attention. */
export interface AttentionOptions extends Partial<AttentionAttrs> {
  /**
   * Which keys a query sees, besides `causal`, in a shape that broadcasts to [B, H, T, S]. `i32`: 0 hides a
   * key, any other number shows it. `f32`: numbers that are added to the scaled scores, −∞ to hide a key;
   * they may be learned. Comparisons return `f32` of 1 and 0, which would be added: `cast` them to `i32`.
   */
  readonly mask?: Tensor
}

const optionChecks: ChecksOf<AttentionOptions> = {
  scale: checks.number(),
  causal: checks.boolean,
  keys: checks.number({ infinite: true }),
  mask: checks.tensor,
}

/**
 * Computes attention for every head. With a mask, all scores are kept at a time, `[B, H, T, keys]`; without a
 * mask, never. A query that sees no key gets 0, and passes on no gradient.
 *
 * @param q `[B, T, H, D]`.
 * @param k `[B, S, G, D]`, H a multiple of G.
 * @param v `[B, S, G, D]`.
 * @param options Default: causal, scale 1/√D, all S keys present, no mask.
 * @returns `[B, T, H, D]`.
 * @throws ShapeError for shapes that do not fit, that of the mask among them; OptionError for options outside
 *   their ranges.
 * @example
 * ```ts
 * const x = ones([1, 3, 2, 4]) // B, T, H, D
 * const isWord = tensor(Int32Array.of(1, 1, 0)) // [S]: the last key is padding
 * const o = attention(x, x, x, { causal: false, mask: isWord })
 * ```
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  checkTensor('attention', 'q', q)
  checkTensor('attention', 'k', k)
  checkTensor('attention', 'v', v)
  checkOptions('attention', options, optionChecks)
  const scale = options.scale ?? 1 / Math.sqrt(q.shape.at(-1) ?? 1)
  const attrs = { scale, causal: options.causal ?? true, keys: options.keys ?? k.shape[1] ?? 0 }
  if (options.mask === undefined) return runOp('attention', [q, k, v], attrs)[0]
  attentionOp.infer([q, k, v], attrs)
  return maskedAttention([q, k, v], options.mask, attrs)
}
