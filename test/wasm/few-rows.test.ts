import { attention, matmul, slice, type Tensor, transpose } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, it } from 'vitest'
import { someOf } from '../how-long.ts'

const device = openWasm({ threads: 1 })

/**
 * Columns and terms: ragged ones, more terms than a block, matrices that no cache holds, wide rows, many
 * blocks, and rows that are a page long.
 */
const sizes = [
  [5, 7],
  [33, 300],
  [48, 513],
  [700, 600],
  [2100, 270],
  [301, 1600],
  [1024, 530],
]

function numbers(shape: readonly number[], seed: number, on = device): Tensor {
  const length = shape.reduce((a, b) => a * b)
  const drawn = Float32Array.from({ length }, (_, i) => Math.sin(i * 1.37 + seed) * 1.1)
  return on.tensor(drawn, { shape, dtype: 'f32' })
}

describe('a product with few rows', () => {
  it.each(sizes)('has the bits of the same rows among many, with %i columns of %i terms', (n, k) => {
    const [a, b] = [numbers([24, k], 1), numbers([k, n], 2)]
    const whole = matmul(a, b).readSync()
    for (let m = 1; m <= 9; m++) {
      expect(matmul(slice(a, [0], [m]), b).readSync(), `${m} rows`).toEqual(whole.subarray(0, m * n))
    }
  })

  it.each(someOf(sizes, 2))(
    'has the same bits on any number of threads, with %i columns of %i terms',
    (n, k) => {
      for (const threads of [2, 3]) {
        const other = openWasm({ threads })
        for (const m of [1, 2, 5, 8]) {
          for (const transposeB of [false, true]) {
            const shape = transposeB ? [n, k] : [k, n]
            const [mine, theirs] = [device, other].map((on) =>
              matmul(numbers([m, k], 3, on), numbers(shape, 4, on), { transposeB }).readSync(),
            )
            expect(theirs, `${m} rows, ${threads} threads`).toEqual(mine)
          }
        }
      }
    },
  )

  it.each(sizes)(
    'has the bits of each row alone, of a transposed matrix of %i columns of %i terms',
    (n, k) => {
      const [a, b] = [numbers([8, k], 7), numbers([n, k], 8)]
      const alone = Array.from({ length: 8 }, (_, row) => [
        ...matmul(slice(a, [row], [row + 1]), b, { transposeB: true }).readSync(),
      ])
      for (let m = 2; m <= 8; m++) {
        const together = matmul(slice(a, [0], [m]), b, { transposeB: true }).readSync()
        expect([...together], `${m} rows`).toEqual(alone.slice(0, m).flat())
      }
    },
  )

  it.each(sizes)('reads a transposed matrix within rounding, with %i columns of %i terms', (n, k) => {
    for (let m = 1; m <= 9; m++) {
      const [a, b] = [numbers([m, k], 5), numbers([n, k], 6)]
      const [straight, turned] = [matmul(a, transpose(b)), matmul(a, b, { transposeB: true })]
      const [expected, got] = [straight.readSync(), turned.readSync()]
      const apart = Math.max(...Array.from(got, (x, i) => Math.abs(x - expected[i])))
      expect(apart, `${m} rows`).toBeLessThan(k * 2e-6)
    }
  })
})

describe('attention of a single query', () => {
  it('is that of the last of many queries, within rounding', () => {
    for (const keys of [1, 6, 300]) {
      const [q, k, v] = [0, 1, 2].map((seed) => numbers([2, keys, seed === 0 ? 4 : 2, 12], seed))
      const many = attention(q, k, v).readSync()
      const last = slice(q, [0, keys - 1], [2, keys])
      const one = attention(last, k, v).readSync()
      for (let row = 0; row < 2; row++) {
        const from = (row + 1) * keys * 48 - 48
        one.subarray(row * 48, row * 48 + 48).forEach((x, i) => expect(x).toBeCloseTo(many[from + i], 5))
      }
    }
  })
})
