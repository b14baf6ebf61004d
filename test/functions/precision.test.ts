/** Digits that a careless formula would lose, and signs of zero. */
import { grad, jvp } from '@burgeon/autograd'
import * as t from '@burgeon/tensor'
import {
  checkpoint,
  keyFromSeed,
  RandomStream,
  scope,
  square,
  sum,
  type Tensor,
  tensor,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { callOf } from './calls.ts'
import { cases, placed } from './gold.ts'

const wasm = openWasm()
const reference = openReference()
const row = (...numbers: number[]): Tensor => tensor(numbers, { device: wasm })

/** The largest distance from what was expected, in units in the last place of single precision. */
const ulps = (actual: Tensor, expected: readonly number[]): number =>
  Math.max(
    ...[...actual.readSync()].map((value, i) => {
      const size = Math.max(Math.abs(expected[i]), 2 ** -126)
      return Math.abs(value - expected[i]) / 2 ** (Math.floor(Math.log2(size)) - 23)
    }),
  )

describe('single precision keeps its digits', () => {
  test('pow is within two units in the last place, over the whole range of its results', () => {
    const random = new RandomStream(keyFromSeed(1))
    const bases = Array.from({ length: 20_000 }, () => Math.fround(Math.exp(random.normal() * 20)))
    const exponents = bases.map((base) =>
      Math.fround(((random.uniform() * 2 - 1) * 86) / Math.max(Math.abs(Math.log(base)), 1e-3)),
    )
    const expected = bases.map((base, i) => base ** exponents[i])
    scope(() => expect(ulps(t.pow(row(...bases), row(...exponents)), expected)).toBeLessThan(2))
  })
  test('a power of a base near 1 keeps its digits with a large exponent', () => {
    const base = Math.fround(1 + 2 ** -20)
    scope(() => expect(ulps(t.pow(row(base), 1e7), [base ** 1e7])).toBeLessThan(2))
  })
  test('expm1 and log1p are right beside 0, where exp − 1 and log(1 + x) have no digit left', () => {
    const small = [1e-3, -1e-3, 1e-7, -1e-7, 1e-12, 1e-30].map(Math.fround)
    scope(() => {
      expect(ulps(t.expm1(row(...small)), small.map(Math.expm1))).toBeLessThan(3)
      expect(ulps(t.log1p(row(...small)), small.map(Math.log1p))).toBeLessThan(3)
    })
  })
  test('a certain prediction has a small loss above 0: binaryCrossEntropy', () => {
    const logits = [-50, 50, -20, 20]
    const losses = t.binaryCrossEntropy(row(...logits), row(0, 1, 0, 1), { reduction: 'none' })
    expect(
      ulps(
        losses,
        logits.map((z) => Math.log1p(Math.exp(-Math.abs(z)))),
      ),
    ).toBeLessThan(4)
    losses.dispose()
  })
  test('numbers far from zero have the variance of numbers near it', () => {
    scope(() => {
      const near = Array.from({ length: 1000 }, (_, i) => i % 8)
      const far = near.map((n) => n + 2 ** 20)
      const expected = [t.variance(tensor(near, { device: reference })).item()]
      expect(ulps(t.variance(row(...far)), expected)).toBeLessThan(8)
    })
  })
  test('the logarithm of a probability too small for single precision is exact: logSoftmax', () => {
    scope(() => {
      expect([...t.logSoftmax(row(0, 200)).readSync()]).toEqual([-200, 0])
      expect([...t.softmax(row(0, 200)).readSync()]).toEqual([0, 1])
    })
  })
  test('both ends of linspace are met', () => {
    for (const count of [2, 3, 7, 100]) {
      scope(() => {
        const numbers = t.linspace(0.1, 0.7, count, wasm).readSync()
        expect([numbers[0], numbers.at(-1)]).toEqual([0.1, 0.7].map(Math.fround))
      })
    }
  })
})

test.each([
  ['floor', t.floor, [-0, -0], [0, 0.5]],
  ['ceil', t.ceil, [-0, -0.5], [0]],
  ['round', t.round, [-0, -0.5, -0.25], [0, 0.5]],
  ['sign', t.sign, [-0], [0]],
] as const)('%s keeps the sign of zero', (_, f, negative, positive) => {
  for (const device of [reference, wasm]) {
    scope(() => {
      const signs = (numbers: readonly number[]): number[] => [
        ...t.divide(1, f(tensor(numbers, { device }))).readSync(),
      ]
      expect(signs(negative)).toEqual(negative.map(() => -Infinity))
      expect(signs(positive)).toEqual(positive.map(() => Infinity))
    })
  }
})

describe('in transformations', () => {
  const smooth = cases.filter(({ smooth: isSmooth, inputs }) => isSmooth && inputs.length > 0)
  const at = (name: string): { inputs: Tensor[]; f: (x: readonly Tensor[]) => Tensor } => {
    const gold = smooth.find((one) => one.name === name)
    if (gold === undefined) throw new Error(name)
    return { inputs: gold.inputs.map((x) => placed(reference, x)), f: (x) => callOf(name)(x, reference) }
  }

  test.each(smooth.map(({ name }) => name))('%s: a directional derivative is that of differences', (name) => {
    scope(() => {
      const { inputs, f } = at(name)
      const step = 1e-6
      const moved = (by: number): Tensor[] => inputs.map((x, i) => t.add(x, by * (i + 1)))
      const { product } = jvp(f)(
        inputs,
        inputs.map((x, i) => t.fullLike(x, i + 1)),
      )
      const [above, below] = [f(moved(step)).readSync(), f(moved(-step)).readSync()]
      product.readSync().forEach((value, i) => {
        const expected = (above[i] - below[i]) / (2 * step)
        expect(Math.abs(value - expected)).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected)))
      })
    })
  })
  test.each(smooth.map(({ name }) => name))('%s: a checkpoint gives the same gradients', (name) => {
    scope(() => {
      const { inputs, f } = at(name)
      const loss = (x: readonly Tensor[]): Tensor => sum(square(f(x)))
      const gradients = (g: (x: readonly Tensor[]) => Tensor): number[][] =>
        grad(g)(inputs).map((x) => [...x.readSync()])
      expect(gradients((x) => checkpoint(() => loss(x)))).toEqual(gradients(loss))
    })
  })
})

test('the number that keeps exponentials in range costs no backward pass', () => {
  const reductions = (f: (x: Tensor) => Tensor): number =>
    scope(() => {
      const { profile } = t.profile(() => grad((x: Tensor) => sum(square(f(x))))(row(1, 2, 3)))
      return profile.rows().find(({ name }) => name === 'reduce')?.calls ?? 0
    })
  // Forwards a maximum, the sum and the loss; backwards, only what was broadcast is summed.
  const backwards = { softmax: 1, logSoftmax: 1, logsumexp: 0 }
  for (const [name, count] of Object.entries(backwards)) {
    expect(reductions(t[name as keyof typeof backwards]), name).toBe(3 + count)
  }
})

test('integers beyond 2²⁴ are moved as they are', () => {
  const big = 2 ** 24 + 1
  for (const device of [reference, wasm]) {
    scope(() => {
      const x = device.tensor([big, -big, 3, 4], { shape: [2, 2], dtype: 'i32' })
      const moved = [
        t.flip(x, [1]),
        t.tile(x, [2]),
        t.repeat(x, 2),
        t.stack([x, x]),
        t.flatten(x),
        t.split(x, 2)[0],
      ]
      for (const y of moved) {
        expect(y.dtype).toBe('i32')
        expect(y.readSync()).toContain(big)
      }
    })
  }
})
