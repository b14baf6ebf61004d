/** Named, counter-based streams: fair, independent of each other, and resumed with the same bits. */
import { keyFromSeed, OptionError, type RandomState, RandomStream, StateError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const stream = (seed = 0): RandomStream => new RandomStream(keyFromSeed(seed))

/** Pearson's statistic of counts that should all be equal. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, n) => sum + n, 0) / counts.length
  return counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
}

/** The statistic stays below this with a chance of 0.99999 (Wilson and Hilferty 1931); the seeds here are fixed. */
function chiSquareBound(cells: number): number {
  const spread = 2 / (9 * (cells - 1))
  return (cells - 1) * (1 - spread + 4.265 * Math.sqrt(spread)) ** 3
}

function expectUniform(cells: number, draws: number, draw: () => number): void {
  const counts = new Array<number>(cells).fill(0)
  for (let i = 0; i < draws; i++) counts[draw()]++
  expect(chiSquare(counts)).toBeLessThan(chiSquareBound(cells))
}

describe('names', () => {
  test('the same name is the same stream, at any position of the parent', () => {
    const parent = stream()
    const early = parent.named('reservoir').uint32()
    parent.uint32()
    expect(parent.named('reservoir').uint32()).toBe(early)
  })

  test('a name always means the same numbers: saved runs depend on it', () => {
    // JAX: random.fold_in(random.key(42), fnv1a(name)), its key_data and the first of its bits.
    expect(stream(42).named('reservoir').toState()).toEqual({ key: [652962522, 3878697490], counter: 0 })
    expect(stream(42).named('Größe').uint32()).toBe(11370630)
  })

  test('streams of different names have different keys and numbers', () => {
    const names = Array.from({ length: 500 }, (_, i) => `block.${i}.attention`)
    const children = ['', 'a', 'b', 'ab', 'ba', ...names].map((name) => stream().named(name))
    const keys = new Set(children.map((child) => child.toState().key.join()))
    expect(keys.size).toBe(children.length)
    // 40,400 of 2³² words: 0.2 pairs are expected to meet by chance.
    const drawn = children.flatMap((child) => Array.from({ length: 80 }, () => child.uint32()))
    expect(drawn.length - new Set(drawn).size).toBeLessThanOrEqual(2)
  })

  test('neighbors are not correlated', () => {
    const [a, b] = [stream().named('a'), stream().named('b')]
    expectUniform(256, 100_000, () => (a.uint32() >>> 28) * 16 + (b.uint32() >>> 28))
  })
})

describe('uniform', () => {
  test('every byte of a word is uniform', () => {
    for (const shift of [0, 8, 16, 24]) {
      const random = stream(shift)
      expectUniform(256, 100_000, () => (random.uint32() >>> shift) & 255)
    }
  })

  test('numbers lie in [0, 1), evenly, and are exact in a single float', () => {
    const random = stream(1)
    expectUniform(100, 100_000, () => {
      const u = random.uniform()
      if (u < 0 || u >= 1 || u !== Math.fround(u)) throw new Error(`not in place: ${u}`)
      return Math.floor(u * 100)
    })
  })
})

describe('below', () => {
  test.for([1, 2, 3, 7, 10, 100, 255, 257])('n = %d: each integer with the same chance', (n) => {
    const random = stream(n)
    if (n === 1) expect(random.below(n)).toBe(0)
    else expectUniform(n, 50_000, () => random.below(n))
  })

  // A remainder or a scaled word would give the lower third half of all draws here, not a third.
  test.for([
    3 * 2 ** 30,
    3 * 2 ** 30 + 1,
    2 ** 31 + 1,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 32 + 1,
    3 * 2 ** 40,
    2 ** 53 - 1,
  ])('n = %d: no third is favored', (n) => {
    const random = stream(5)
    expectUniform(3, 50_000, () => Math.floor((random.below(n) / n) * 3))
  })

  test.for([0, -1, 1.5, Number.NaN, Infinity, 2 ** 53])('refuses %d', (n) => {
    expect(() => stream().below(n)).toThrow(OptionError)
  })
})

describe('normal', () => {
  test('has the moments and the tails of the normal distribution', () => {
    const random = stream(3)
    const n = 200_000
    const drawn = Array.from({ length: n }, () => random.normal())
    const moment = (power: number): number => drawn.reduce((sum, x) => sum + x ** power, 0) / n
    // Five deviations of each estimate.
    expect(Math.abs(moment(1))).toBeLessThan(5 * Math.sqrt(1 / n))
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / n))
    expect(Math.abs(moment(3))).toBeLessThan(5 * Math.sqrt(15 / n))
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / n))
    const beyond3 = drawn.filter((x) => Math.abs(x) > 3).length
    expect(Math.abs(beyond3 - n * 0.0026998)).toBeLessThan(5 * Math.sqrt(n * 0.0027))
  })

  test('neighboring draws are independent', () => {
    const random = stream(4)
    const n = 100_000
    let sum = 0
    for (let i = 0; i < n; i++) sum += random.normal() * random.normal()
    expect(Math.abs(sum / n)).toBeLessThan(5 / Math.sqrt(n))
  })

  test('a fill equals single draws, scaled', () => {
    const [one, many] = [stream(6), stream(6)]
    const out = new Float32Array(100)
    many.fillNormal(out, 0.02)
    expect([...out]).toEqual(Array.from({ length: 100 }, () => Math.fround(one.normal() * 0.02)))
    expect(many.toState()).toEqual(one.toState())
  })

  test.for([-1, Number.NaN, Infinity])('refuses the deviation %d', (deviation) => {
    expect(() => stream().fillNormal(new Float32Array(1), deviation)).toThrow(OptionError)
  })
})

describe('shuffle', () => {
  test('gives a permutation of the same array', () => {
    fc.assert(
      fc.property(fc.array(fc.anything()), fc.maxSafeNat(), (items, seed) => {
        const before = [...items]
        expect(stream(seed).shuffle(items)).toBe(items)
        const rest = [...items]
        for (const item of before) {
          const at = rest.findIndex((other) => Object.is(other, item))
          expect(at).toBeGreaterThanOrEqual(0)
          rest.splice(at, 1)
        }
        expect(rest).toEqual([])
      }),
    )
  })

  test('takes typed arrays', () => {
    const shuffled = stream().shuffle(Uint32Array.from({ length: 50 }, (_, i) => i))
    expect([...shuffled].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i))
  })

  test('every order has the same chance', () => {
    const random = stream(8)
    const orders = new Map<string, number>()
    expectUniform(24, 50_000, () => {
      const order = random.shuffle([0, 1, 2, 3]).join('')
      if (!orders.has(order)) orders.set(order, orders.size)
      return orders.get(order) as number
    })
  })
})

describe('state', () => {
  const draws: ((random: RandomStream) => unknown)[] = [
    (random) => random.uint32(),
    (random) => random.uniform(),
    (random) => random.below(3_000_000_000),
    (random) => random.normal(),
    (random) => random.shuffle([1, 2, 3, 4, 5]),
    (random) => random.named('child').uint32(),
  ]

  test('a stream resumes anywhere with the same bits, through JSON', () => {
    const script = fc.array(fc.nat(draws.length - 1), { maxLength: 30 })
    fc.assert(
      fc.property(fc.maxSafeNat(), script, script, (seed, before, after) => {
        const random = stream(seed)
        for (const which of before) draws[which](random)
        const resumed = RandomStream.fromState(JSON.parse(JSON.stringify(random.toState())) as RandomState)
        const go = (on: RandomStream): unknown[] => after.map((which) => draws[which](on))
        expect(go(resumed)).toEqual(go(random))
        expect(resumed.toState()).toEqual(random.toState())
      }),
    )
  })

  test('a stream goes on beyond 2³² draws', () => {
    const late = RandomStream.fromState({ key: [0, 0], counter: 2 ** 32 - 1 })
    const [last, next] = [late.uint32(), late.uint32()]
    expect(next).not.toBe(stream().uint32())
    expect(last).not.toBe(next)
  })

  test('a saved state is a copy', () => {
    const random = stream()
    const state = random.toState()
    random.uint32()
    expect(state.counter).toBe(0)
  })

  test.for([
    null,
    undefined,
    {},
    { key: [0, 0] },
    { key: [0], counter: 0 },
    { key: [0, -1], counter: 0 },
    { key: [0, 2 ** 32], counter: 0 },
    { key: ['0', '0'], counter: 0 },
    { key: [0, 0], counter: -1 },
    { key: [0, 0], counter: 0.5 },
    { key: [0, 0], counter: '0' },
  ])('refuses %j as a state', (state) => {
    expect(() => RandomStream.fromState(state as RandomState)).toThrow(StateError)
  })

  test('refuses a key that is not two words', () => {
    expect(() => new RandomStream([1, 1.5])).toThrow(/expected two uint32/)
  })
})
