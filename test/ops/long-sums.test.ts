import { sum, tensorFrom } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { testLongSums } from './long-sums.ts'

// Blocks of 256 terms, 64 of them one after another, then halves of halves.
const roundings = 256 + 64 + 20

describe('on wasm', () => {
  testLongSums(openWasm({ threads: 1 }), 1_000_000, roundings)
})
describe('on wasm, with three threads', () => {
  testLongSums(openWasm({ threads: 3 }), 200_000, roundings)
})

test('a sum of millions of numbers of both signs is the double-precision sum to rounding, along each axis', () => {
  const device = openWasm({ threads: 2 })
  const length = times(2_000_000, 10_000_000)
  const numbers = Float32Array.from({ length }, (_, i) => Math.sin(i) + 0.5)
  const [exact, magnitude] = [
    numbers.reduce((a, x) => a + x, 0),
    numbers.reduce((a, x) => a + Math.abs(x), 0),
  ]
  const flat = tensorFrom([length], (i) => numbers[i], device)
  expect(Math.abs(sum(flat).item() - exact)).toBeLessThan(70 * 2 ** -24 * magnitude)
  const column = tensorFrom([length, 1], (i) => numbers[i], device)
  expect(Math.abs(sum(column, { axes: [0] }).readSync()[0] - exact)).toBeLessThan(70 * 2 ** -24 * magnitude)
  const pair = tensorFrom([length / 2, 2], (i) => numbers[i], device)
  const sums = sum(pair, { axes: [0] }).readSync()
  expect(Math.abs(sums[0] + sums[1] - exact)).toBeLessThan(70 * 2 ** -24 * magnitude)
})
