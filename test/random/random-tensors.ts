import { grad } from '@burgeon/autograd'
import {
  type Device,
  dropout,
  foldIn,
  keyFromSeed,
  multiply,
  OptionError,
  randomNormal,
  scope,
  square,
  sum,
  type Tensor,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const reference = openReference()
const key = keyFromSeed(7)

async function numbersOf(make: () => Tensor): Promise<ArrayLike<number>> {
  const made = scope(make)
  const numbers = await made.read()
  made.dispose()
  return numbers
}

/** Tests of random tensors that hold on every device. */
export function testRandomTensors(device: Device): void {
  test('normal numbers are those of the reference to 4e-6', async () => {
    for (const seed of [0, 1, 2]) {
      const [got, expected] = await Promise.all(
        [device, reference].map((on) => numbersOf(() => randomNormal(on, keyFromSeed(seed), [50_000]))),
      )
      let worst = 0
      for (let i = 0; i < expected.length; i++) worst = Math.max(worst, Math.abs(got[i] - expected[i]))
      expect(worst).toBeLessThan(4e-6)
    }
  })

  test('dropout drops the same places for the same key as the reference, and scales what it keeps', async () => {
    for (const rate of [0, 0.1, 0.3, 1 / 3, 0.5, 0.9, 0.999]) {
      const [got, expected] = await Promise.all(
        [device, reference].map((on) =>
          numbersOf(() =>
            dropout(on.tensor(new Float32Array(20_000).fill(2), { shape: [200, 100], dtype: 'f32' }), {
              rate,
              key,
            }),
          ),
        ),
      )
      const dropped = (numbers: ArrayLike<number>): boolean[] => Array.from(numbers, (x) => x === 0)
      expect(dropped(got)).toEqual(dropped(expected))
      for (const x of Array.from(got).filter((each) => each !== 0))
        expect(x).toBeCloseTo(2 / (1 - rate), rate > 0.99 ? 2 : 5)
    }
  })

  test('the gradient of dropout goes through the kept numbers, by the same mask', async () => {
    const results = scope(() => {
      const x = device.tensor(
        Float32Array.from({ length: 500 }, (_, i) => 1 + (i % 7)),
        { shape: [500], dtype: 'f32' },
      )
      return {
        y: dropout(x, { rate: 0.4, key }),
        dx: grad((v: Tensor) => sum(dropout(v, { rate: 0.4, key })))(x),
      }
    })
    const [y, dx] = await Promise.all([results.y.read(), results.dx.read()])
    for (const tensor of Object.values(results)) tensor.dispose()
    y.forEach((value, i) => expect(dx[i]).toBeCloseTo(value === 0 ? 0 : 1 / 0.6, 5))
  })
}

/** Tests of what the numbers are, which hold on every device if they do on one. */
export function testDistributions(device: Device): void {
  const many = 400_000
  const normal = (seed: number): number[] =>
    scope(() => Array.from(randomNormal(device, keyFromSeed(seed), [many]).readSync()))

  test('normal numbers have the moments of the distribution', () => {
    const numbers = normal(11)
    const moment = (power: number): number => numbers.reduce((total, x) => total + x ** power, 0) / many
    // Each bound is five deviations of its moment.
    expect(Math.abs(moment(1))).toBeLessThan(5 / Math.sqrt(many))
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / many))
    expect(Math.abs(moment(3))).toBeLessThan(5 * Math.sqrt(15 / many))
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / many))
  })
  test('normal numbers pass the test of Kolmogorov and Smirnov', () => {
    const numbers = normal(12).toSorted((a, b) => a - b)
    const largest = numbers.reduce((worst, x, i) => {
      const expected = cumulative(x)
      return Math.max(worst, Math.abs(expected - i / many), Math.abs(expected - (i + 1) / many))
    }, 0)
    // One in ten million draws of the distribution itself exceeds this.
    expect(largest).toBeLessThan(2.9 / Math.sqrt(many))
  })
  test('normal numbers reach far into the tails, as often as they should', () => {
    const counts = [0, 0, 0]
    for (let seed = 20; seed < 30; seed++) {
      for (const x of normal(seed))
        for (const [i, from] of [3, 4, 4.5].entries()) if (Math.abs(x) > from) counts[i]++
    }
    for (const [i, from] of [3, 4, 4.5].entries()) {
      const expected = 10 * many * 2 * cumulative(-from)
      expect(Math.abs(counts[i] - expected)).toBeLessThan(5 * Math.sqrt(expected))
    }
  })
  test('adjacent numbers, and numbers of adjacent keys, are independent', () => {
    const [a, b] = [normal(31), normal(32)]
    const covariance = (f: (i: number) => number): number =>
      a.reduce((total, x, i) => total + x * f(i), 0) / many
    for (const f of [
      (i: number) => b[i],
      (i: number) => a[(i + 1) % many],
      (i: number) => a[(i + 64) % many],
    ]) {
      expect(Math.abs(covariance(f))).toBeLessThan(5 / Math.sqrt(many))
    }
  })
  test('dropout drops the given share, at places that differ from key to key, and keeps the mean', () => {
    for (const rate of [0.1, 0.5, 0.8]) {
      const masks = [1, 2].map((step) =>
        scope(() => {
          const ones = device.tensor(new Float32Array(many).fill(1), { shape: [many], dtype: 'f32' })
          return Array.from(dropout(ones, { rate, key: foldIn(key, step) }).readSync())
        }),
      )
      const deviation = Math.sqrt((rate * (1 - rate)) / many)
      for (const mask of masks) {
        const share = mask.filter((x) => x === 0).length / many
        expect(Math.abs(share - rate)).toBeLessThan(5 * deviation)
        expect(Math.abs(mask.reduce((total, x) => total + x, 0) / many - 1)).toBeLessThan(
          (5 * deviation) / (1 - rate),
        )
      }
      const both = masks[0].filter((x, i) => x === 0 && masks[1][i] === 0).length / many
      expect(Math.abs(both - rate * rate)).toBeLessThan(
        5 * Math.sqrt((rate * rate * (1 - rate * rate)) / many),
      )
    }
  })
  test('the second derivative through dropout has the mask of the first', () => {
    scope(() => {
      const x = device.tensor([1, 2, 3, 4, 5, 6], { shape: [6], dtype: 'f32' })
      const f = (v: Tensor): Tensor => sum(square(dropout(v, { rate: 0.5, key })))
      const second = grad((v: Tensor) => sum(multiply(grad(f)(v), 1)))(x)
      const kept = [...dropout(x, { rate: 0.5, key }).readSync()]
      second.readSync().forEach((value, i) => expect(value).toBeCloseTo(kept[i] === 0 ? 0 : 8, 5))
    })
  })
  test('a rate outside its range and an invalid key are errors', () => {
    scope(() => {
      const x = device.tensor([1], { shape: [1], dtype: 'f32' })
      fc.assert(
        fc.property(
          fc.oneof(fc.double({ max: -Number.MIN_VALUE }), fc.double({ min: 1 }), fc.constant(Number.NaN)),
          (rate) => {
            expect(() => dropout(x, { rate, key })).toThrow(OptionError)
          },
        ),
      )
      expect(() => dropout(x, { rate: 1, key })).toThrow('dropout: got rate 1; expected a number in [0, 1).')
      expect(() => dropout(x, { rte: 0.1, key } as never)).toThrow("did you mean 'rate'?")
      expect(() => dropout(x, { rate: 0.1 } as never)).toThrow('dropout: got no key')
    })
  })
}

/** Φ(x), by the error function's continued fraction and series, to 1e-10 and better. */
function cumulative(x: number): number {
  const z = Math.abs(x)
  if (z < 3) {
    // Σ z^(2n+1) / (1·3·5…(2n+1)), times the density.
    let [term, total] = [z, z]
    for (let n = 1; n < 100; n++) {
      term *= (z * z) / (2 * n + 1)
      total += term
    }
    const half = (total * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)
    return x < 0 ? 0.5 - half : 0.5 + half
  }
  let fraction = 0
  for (let n = 60; n > 0; n--) fraction = n / (z + fraction)
  const tail = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI) / (z + fraction)
  return x < 0 ? tail : 1 - tail
}
