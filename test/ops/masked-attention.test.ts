import { checkGradient } from '@burgeon/autograd/testing'
import {
  attention,
  cast,
  type Engine,
  fill,
  iota,
  less,
  type OpName,
  scope,
  ShapeError,
  square,
  sum,
  withEngine,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { Draw } from '../gradients/draw.ts'
import { times } from '../how-long.ts'
import { testMaskedAttention, testMaskedExamples } from './masked-attention.ts'

const [reference, wasm] = [openReference(), openWasm()]

describe('attention with a mask, on the reference', () => {
  testMaskedAttention(reference, { runs: times(100, 400), tolerance: 1e-12 })
  testMaskedExamples(reference)

  test('has gradients to second order, of the mask too', () => {
    for (let seed = 1; seed <= 12; seed++) {
      scope(() => {
        const draw = new Draw(seed)
        const [b, t, g, d] = [draw.between(1, 2), draw.between(1, 3), draw.between(1, 2), draw.between(1, 2)]
        const [h, keys] = [g * draw.between(1, 2), t + draw.between(0, 1)]
        const s = keys + draw.between(0, 1)
        const [q, k, v] = [draw.tensor([b, t, h, d]), draw.tensor([b, s, g, d]), draw.tensor([b, s, g, d])]
        const scores = [b, h, t, s].map((n) => (draw.coin(0.3) ? 1 : n))
        const options = { scale: 0.7, keys, causal: draw.coin() }
        const seen = draw.integers(scores, 0, 1)
        const hidden = (...x: typeof inputs) =>
          sum(square(attention(x[0], x[1], x[2], { ...options, mask: seen })))
        const added = (...x: typeof inputs) =>
          sum(square(attention(x[0], x[1], x[2], { ...options, mask: x[3] })))
        const inputs = [q, k, v, draw.tensor(scores)]
        for (const [f, of] of [
          [hidden, inputs.slice(0, 3)],
          [added, inputs],
        ] as const) {
          expect(checkGradient(f, of).error).toBeLessThan(1e-7)
          expect(checkGradient(f, of, { order: 2 }).error).toBeLessThan(1e-6)
        }
      })
    }
  })
})

describe('attention with a mask, on wasm', () => {
  testMaskedAttention(wasm, { runs: times(60, 200), tolerance: 1e-5 })
  testMaskedExamples(wasm)
})

describe('attention', () => {
  const heads = (...shape: number[]) => fill(wasm, shape, 1)
  const opsOf = (body: () => unknown): OpName[] => {
    const called: OpName[] = []
    const listen = (below: Engine): Engine => ({
      run: (op, inputs, attrs) => (called.push(op), below.run(op, inputs, attrs)),
    })
    scope(() => withEngine(listen, body))
    return called
  }

  test('without a mask is one fused op', () => {
    scope(() => {
      const [q, k] = [heads(1, 3, 2, 4), heads(1, 3, 2, 4)]
      expect(opsOf(() => attention(q, k, k))).toEqual(['attention'])
      expect(opsOf(() => attention(q, k, k, { mask: fill(wasm, [3], 1, 'i32') }))).not.toContain('attention')
    })
  })
  test('accepts a comparison as a mask once it is cast to integers', () => {
    scope(() => {
      const x = wasm.tensor([1, 2, 3, 4], { shape: [1, 4, 1, 1], dtype: 'f32' })
      const mask = cast(less(iota(wasm, 4), 1), 'i32')
      expect(mask.dtype).toBe('i32')
      expect([...attention(x, x, x, { causal: false, mask }).readSync()]).toEqual([1, 1, 1, 1])
    })
  })
  test('refuses a mask that does not broadcast to the scores, and names its shape', () => {
    scope(() => {
      const [q, k] = [heads(2, 3, 4, 2), heads(2, 5, 2, 2)]
      for (const shape of [[4], [3, 4], [3, 3, 5], [1, 2, 4, 3, 5]]) {
        const call = () => attention(q, k, k, { mask: fill(wasm, shape, 1) })
        expect(call).toThrow(ShapeError)
        expect(call).toThrow('expected a shape that stretches to [B, H, T, S], here [2, 4, 3, 5].')
      }
      expect(() => attention(q, heads(2, 5, 3, 2), k, { mask: fill(wasm, [1], 1) })).toThrow(
        /^attention: got q/,
      )
    })
  })
})
