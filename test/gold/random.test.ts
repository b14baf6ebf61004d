/** Random tensors and dropout beside the cipher and the formulas written a second time. See `write-random.py`. */
import { grad } from '@burgeon/autograd'
import { dropout, type RandomKey, randomNormal, scope, square, sum, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, it } from 'vitest'
import { readGold } from './read-gold.ts'

interface RandomGold {
  readonly normal: readonly { readonly key: RandomKey; readonly numbers: readonly number[] }[]
  readonly dropout: readonly {
    readonly key: RandomKey
    readonly rate: number
    readonly shape: readonly number[]
    readonly output: readonly number[]
    readonly gradient: readonly number[]
  }[]
}

const gold = readGold('random.json') as RandomGold

function apart(got: Tensor, expected: readonly number[]): number {
  const numbers = got.readSync()
  return Math.max(...expected.map((x, i) => Math.abs(numbers[i] - x) / Math.max(1, Math.abs(x))))
}

describe.for([
  { name: 'reference', open: openReference, bound: 1e-12 },
  { name: 'wasm', open: openWasm, bound: 4e-6 },
])('on the $name device', ({ open, bound }) => {
  const device = open()

  it.for(gold.normal)('normal numbers of key $key are those of Box and Muller', ({ key, numbers }) => {
    scope(() => expect(apart(randomNormal(device, key, [numbers.length]), numbers)).toBeLessThan(bound))
  })
  it.for(gold.dropout)('dropout of rate $rate: value and gradient are those of PyTorch', (one) => {
    scope(() => {
      const { key, rate, shape } = one
      const numbers = one.output.map((_, i) => i + 1)
      const x = device.tensor(numbers, { shape, dtype: 'f32' })
      expect(apart(dropout(x, { key, rate }), one.output)).toBeLessThan(bound)
      const gradient = grad((y: Tensor) => sum(square(dropout(y, { key, rate }))))(x)
      expect(apart(gradient, one.gradient)).toBeLessThan(bound)
    })
  })
})
