/** Cases for attention, forward and backward. */
import { openReference } from '../../backends/reference/index.ts'
import { runOp } from '../../engine.ts'
import type { AttentionAttrs } from '../../ops/attention/attention.ts'
import type { RandomStream } from '../../random/random-stream.ts'
import { scope } from '../../scope.ts'
import { sizeOf } from '../../shape.ts'
import type { PlainInput } from '../check-op.ts'
import { aNumber, size, yesOrNo } from './attr-checks.ts'
import { chance, drawSize, f32Input, gaussian, pick } from './draw.ts'
import type { OpCase, OpCases } from './op-case.ts'

/** Sizes: B batch, T queries, S room for keys, H query heads, G key/value heads, D head size. */
interface Sizes {
  readonly b: number
  readonly t: number
  readonly s: number
  readonly h: number
  readonly g: number
  readonly d: number
}

const square = (b: number, t: number, h: number, d: number): Sizes => ({ b, t, s: t, h, g: h, d })

/** Numbers for the keys that exist; the others are NaN, which no kernel may read. */
function keysOrValues(random: RandomStream, { b, s, g, d }: Sizes, keys: number): PlainInput {
  const perBatch = s * g * d
  const isPresent = (i: number): boolean => i % perBatch < keys * g * d
  return f32Input([b, s, g, d], (i) => (isPresent(i) ? random.normal() : Number.NaN))
}

/** @param sharpness Deviation of the queries: large ones make the softmax pick single keys. */
function attention(
  random: RandomStream,
  sizes: Sizes,
  attrs: Partial<AttentionAttrs> = {},
  sharpness = 1,
): OpCase<'attention'> {
  const { b, t, s, h, d } = sizes
  const all = { scale: 1 / Math.sqrt(d), causal: true, keys: s, ...attrs }
  const q = gaussian(random, [b, t, h, d], sharpness)
  return {
    inputs: [q, keysOrValues(random, sizes, all.keys), keysOrValues(random, sizes, all.keys)],
    attrs: all,
  }
}

/** The same case for the gradient, with the results that the forward pass keeps. */
function withGradient(random: RandomStream, { inputs, attrs }: OpCase<'attention'>): OpCase<'attentionGrad'> {
  const reference = openReference()
  const kept = scope(() => {
    const tensors = inputs.map(({ data, shape, dtype }) => reference.tensor(data, { shape, dtype }))
    return runOp('attention', tensors, attrs).map((x) => ({ shape: x.shape, data: x.readSync() }))
  })
  const [o, lse] = kept.map(({ shape, data }) => f32Input(shape, (i) => data[i]))
  return { inputs: [gaussian(random, inputs[0].shape), ...inputs, o, lse], attrs }
}

function edges(random: RandomStream): readonly OpCase<'attention'>[] {
  return [
    attention(random, square(1, 1, 1, 1)),
    attention(random, square(0, 3, 2, 4)),
    attention(random, { b: 2, t: 0, s: 3, h: 2, g: 2, d: 4 }),
    attention(random, square(2, 0, 2, 4), { keys: 0 }),
    attention(random, square(2, 17, 3, 8)),
    attention(random, square(1, 65, 1, 4)),
    attention(random, square(1, 130, 1, 3)),
    attention(random, square(1, 33, 2, 5), { causal: false }),
    // grouped heads: H = 6 over G = 1, 2, 3
    ...[1, 2, 3].map((g) => attention(random, { b: 2, t: 5, s: 5, h: 6, g, d: 4 })),
    attention(random, { b: 2, t: 5, s: 9, h: 4, g: 2, d: 3 }, { causal: false }),
    // a cache with room: the last query sees every key, the first keys − T + 1 of them
    attention(random, { b: 2, t: 1, s: 33, h: 2, g: 2, d: 8 }, { keys: 1 }),
    attention(random, { b: 2, t: 1, s: 33, h: 2, g: 2, d: 8 }, { keys: 20 }),
    attention(random, { b: 1, t: 4, s: 16, h: 4, g: 2, d: 5 }, { keys: 4 }),
    attention(random, { b: 1, t: 4, s: 16, h: 4, g: 2, d: 5 }, { keys: 11 }),
    attention(random, { b: 1, t: 4, s: 16, h: 4, g: 2, d: 5 }, { keys: 16 }),
    attention(random, { b: 1, t: 4, s: 16, h: 4, g: 2, d: 5 }, { keys: 2, causal: false }),
    // fewer keys than queries
    attention(random, { b: 1, t: 9, s: 3, h: 2, g: 1, d: 4 }, { causal: false }),
    attention(random, square(1, 17, 2, 16), {}, 20),
    attention(random, square(1, 17, 2, 16), { scale: 0 }),
    attention(random, square(1, 9, 2, 16), { scale: -0.3 }),
  ]
}

function draw(random: RandomStream): OpCase<'attention'> {
  for (;;) {
    const g = 1 + random.below(3)
    const [b, t, h, d] = [
      1 + random.below(2),
      drawSize(random, 65, true),
      g * (1 + random.below(3)),
      drawSize(random, 33),
    ]
    const causal = chance(random, 0.7)
    const keys = causal ? t + (chance(random, 0.5) ? 0 : drawSize(random)) : drawSize(random)
    const s = keys + (chance(random, 0.5) ? 0 : drawSize(random, 17))
    if (sizeOf([b, t, h, d, keys]) > 40_000) continue
    return attention(random, { b, t, s, h, g, d }, { causal, keys }, pick(random, [1, 1, 8]))
  }
}

const attentionAttrs = { scale: aNumber, causal: yesOrNo, keys: size }

export const attentionCases: OpCases<'attention'> = { attrs: attentionAttrs, tolerance: 2, edges, draw }

export const attentionGradCases: OpCases<'attentionGrad'> = {
  attrs: attentionAttrs,
  tolerance: 2,
  edges: (random) => edges(random).map((attentionCase) => withGradient(random, attentionCase)),
  draw: (random) => withGradient(random, draw(random)),
}
