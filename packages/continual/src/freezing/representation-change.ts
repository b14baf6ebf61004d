/** How much the output of a block has changed since the last look. */
import type { Gpt } from '@burgeon/gpt'
import { holdModel } from '@burgeon/gpt/growth'
import { gather, matmul, mean, scope, subtract, type Tensor } from '@burgeon/tensor'
import { rowsOn } from '../stream/batch-tensors.ts'

/**
 * Tokens on which representations are compared, and how they lie: rows of `length`. Negative ones are
 * padding, and nothing is compared there.
 */
export interface Probe {
  readonly tokens: Int32Array
  readonly length: number
}

/**
 * Inner products of the centered outputs of one block for all pairs of n tokens, `[n, n]` in row-major order.
 */
export type Representation = Float32Array

/** Computes the representation of the probe in every block, by block id. */
export async function representationsOf(
  model: Gpt,
  { tokens, length }: Probe,
): Promise<Map<string, Representation>> {
  using _ = holdModel(model)
  const grams = scope(() => {
    const found = new Map<string, Tensor>()
    const places = Array.from(tokens.keys()).filter((i) => tokens[i] >= 0)
    const counted = model.device.tensor(places, { shape: [places.length], dtype: 'i32' }, 'probe')
    const rows = rowsOn(model.device, tokens, length)
    model.forward(rows, undefined, {
      observe: (block, what, x) => {
        if (what !== 'output') return
        const said = places.length === tokens.length ? x : gather(x, counted)
        const centered = subtract(said, mean(said, { axes: [0], keepDims: true }))
        found.set(block, matmul(centered, centered, { transposeB: true }))
      },
    })
    return [...found].map(([block, gram]) => ({ block, gram }))
  })
  const result = new Map<string, Representation>()
  for (const { block, gram } of grams) {
    result.set(block, Float32Array.from(await gram.read()))
    gram.dispose()
  }
  return result
}

/**
 * 1 − linear centered kernel alignment (Kornblith et al. 2019, eqs. 2 and 3 with linear kernels): 0 for the
 * same representation up to rotation and scale, towards 1 for unrelated ones.
 */
export function changeBetween(before: Representation, now: Representation): number {
  let [both, own, other] = [0, 0, 0]
  for (let i = 0; i < now.length; i++) {
    both += before[i] * now[i]
    own += now[i] * now[i]
    other += before[i] * before[i]
  }
  // A block with the same output for every token has no direction to compare.
  if (own === 0 || other === 0) return own === other ? 0 : 1
  return Math.max(0, 1 - both / Math.sqrt(own * other))
}
