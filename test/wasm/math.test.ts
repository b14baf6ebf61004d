// Reaches inside: what is tested here is a part of its package, not an entry point.
// The vector functions are an inner part of the backend, which no public entry point exports.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModuleBuilder, v128 } from '../../packages/tensor/src/backends/wasm/assembler/index.ts'
import {
  type VectorFunctionName,
  vectorMath,
} from '../../packages/tensor/src/backends/wasm/expression/math.ts'
import { errorFunction } from '../../packages/tensor/src/expression/error-function.ts'
import { newMemory } from './run-wasm.ts'

const exact: Record<VectorFunctionName, (x: number) => number> = {
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  erf: errorFunction,
  sin: Math.sin,
  cos: Math.cos,
}
const names = Object.keys(exact) as VectorFunctionName[]

const capacity = 4096
const memory = newMemory()
const kernels = compile()

function compile(): ReturnType<ModuleBuilder['instantiate']> {
  const module = new ModuleBuilder()
  for (const name of names) {
    module.export(name, { x: 'i32', vectors: 'i32' }, (b, { x, vectors }) =>
      b.repeat(vectors, () => {
        b.store(x, b.call(vectorMath[name], { x: v128.load(x) }))
        b.advance(x, 16)
      }),
    )
  }
  return module.instantiate(memory)
}

function apply(name: VectorFunctionName, xs: readonly number[]): number[] {
  const results: number[] = []
  for (let from = 0; from < xs.length; from += capacity) {
    const chunk = xs.slice(from, from + capacity)
    const view = new Float32Array(memory.buffer, 0, capacity)
    view.set(chunk)
    kernels[name](0, Math.ceil(chunk.length / 4))
    results.push(...view.subarray(0, chunk.length))
  }
  return results
}
const applyOne = (name: VectorFunctionName, x: number): number => apply(name, [x])[0]

/** The distance of neighboring single-precision numbers around x. */
function ulp(x: number): number {
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, Math.max(Math.abs(x), 2 ** -126))
  return 2 ** (((bits.getUint32(0) >>> 20) & 0x7ff) - 1023 - 23)
}

/** The largest error in ulp where the exact result is a finite normal number; elsewhere the result must be equal. */
function largestError(name: VectorFunctionName, xs: readonly number[]): number {
  const results = apply(name, xs)
  let worst = 0
  xs.forEach((x, i) => {
    const wanted = exact[name](x)
    const rounded = Math.fround(wanted)
    const isFlushed = (name === 'exp' || name === 'sigmoid') && wanted < 2 ** -126
    if (isFlushed) expect(results[i]).toBeLessThanOrEqual(2 ** -126)
    else if (!Number.isFinite(rounded)) expect([x, results[i]]).toEqual([x, rounded])
    else worst = Math.max(worst, Math.abs(results[i] - wanted) / ulp(wanted))
    if (!Number.isNaN(rounded) && Number.isNaN(results[i])) worst = Infinity
  })
  return worst
}

/** Single-precision numbers evenly spread over all exponents, both signs. */
function everyKindOfNumber(step: number): number[] {
  const bits = new Uint32Array(Math.floor(2 ** 32 / step)).map((_, i) => i * step)
  return [...new Float32Array(bits.buffer)]
}

/** `count` neighbors on each side. */
function around(x: number, count = 200): number[] {
  const float = new Float32Array([x])
  const centre = new Int32Array(float.buffer)[0]
  const bits = new Int32Array(2 * count + 1).map((_, i) => centre + i - count)
  return [...new Float32Array(bits.buffer)]
}

const evenly = (from: number, to: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.fround(from + ((to - from) * i) / (count - 1)))

const trigonometricRange = 1e6
/** Where more than one rounding follows the polynomial. */
const bounds: Partial<Record<VectorFunctionName, number>> = { sigmoid: 2.5, expm1: 2.5, log1p: 2.5 }

describe.each(names)('%s', (name) => {
  const isTrigonometric = name === 'sin' || name === 'cos'
  const bound = bounds[name] ?? 1.6
  const inRange = (x: number): boolean => !isTrigonometric || !(Math.abs(x) > trigonometricRange)

  test(`is within ${bound} ulp over the whole range`, () => {
    const wide = everyKindOfNumber(40_009).filter(inRange)
    const near = evenly(-20, 20, 100_000)
    expect(largestError(name, wide)).toBeLessThan(bound)
    expect(largestError(name, near)).toBeLessThan(bound)
  })

  test(`is within ${bound} ulp around the places where its method changes`, () => {
    const places = [
      0,
      1,
      Math.LN2,
      0.625,
      0.925,
      1.25,
      Math.SQRT2 - 1,
      1 - Math.SQRT1_2,
      3.92,
      4,
      9,
      Math.SQRT1_2,
      Math.SQRT2,
      2 ** -126,
      88.722839,
      87.33654,
    ]
    const multiples = [1, 2, 3, 4, 100, 1001, 6366].map((n) => (n * Math.PI) / 4)
    const xs = [...places, ...multiples].flatMap((x) => [...around(x), ...around(-x)])
    expect(largestError(name, xs)).toBeLessThan(bound)
  })

  test('carries NaN with any payload', () => {
    const bits = new Uint32Array([0x7fc00000, 0xffc00001, 0x7fa00000, 0x7fffffff])
    expect(apply(name, [...new Float32Array(bits.buffer)])).toEqual(new Array(4).fill(Number.NaN))
    new Uint32Array(memory.buffer, 0, 4).set(bits)
    kernels[name](0, 1)
    expect([...new Float32Array(memory.buffer, 0, 4)]).toEqual(new Array(4).fill(Number.NaN))
  })

  test('computes every lane alone', () => {
    const special = fc.constantFrom(0, -0, 1, -1, 1e30, -1e30, Infinity, -Infinity, Number.NaN, 1e-40)
    const lane = fc.oneof(special, fc.float())
    fc.assert(
      fc.property(fc.tuple(lane, lane, lane, lane), (xs) => {
        expect(apply(name, xs)).toEqual(xs.map((x) => applyOne(name, x)))
      }),
    )
  })
})

describe('at the edges', () => {
  test('exp overflows to Infinity and flushes what is below the normal numbers to 0', () => {
    expect(apply('exp', [88.72283, 88.72284, 1e30, Infinity])).toEqual([
      Math.fround(Math.exp(Math.fround(88.72283))),
      Infinity,
      Infinity,
      Infinity,
    ])
    expect(apply('exp', [-87.34, -100, -1e30, -Infinity])).toEqual([0, 0, 0, 0])
    expect(applyOne('exp', 0)).toBe(1)
  })

  test('log of 0 is −Infinity, of negative numbers NaN, and it takes subnormal numbers', () => {
    expect(apply('log', [0, -0, Infinity, 1])).toEqual([-Infinity, -Infinity, Infinity, 0])
    expect(apply('log', [-1e-45, -1, -Infinity])).toEqual([Number.NaN, Number.NaN, Number.NaN])
    expect(applyOne('log', 2 ** -149)).toBeCloseTo(-149 * Math.LN2, 4)
  })

  test.each(['tanh', 'erf'] as const)('%s is odd, keeps the sign of 0 and reaches ±1', (name) => {
    expect(apply(name, [Infinity, -Infinity, 1e30, -20])).toEqual([1, -1, 1, -1])
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (x) => Object.is(applyOne(name, -x), -applyOne(name, x))),
    )
  })

  test('sin and cos of Infinity are NaN, and of huge numbers stay in [−1, 1]', () => {
    for (const name of ['sin', 'cos'] as const) {
      expect(apply(name, [Infinity, -Infinity])).toEqual([Number.NaN, Number.NaN])
      const huge = fc.float({ noNaN: true, noDefaultInfinity: true })
      fc.assert(fc.property(huge, (x) => Math.abs(applyOne(name, x)) <= 1))
    }
  })

  test('beyond a million the absolute error of sin and cos grows no faster than |x| · 2⁻⁵²', () => {
    for (const name of ['sin', 'cos'] as const) {
      const xs = [1e7, 1e8, 1e9, 1e10].flatMap((x) => around(x))
      apply(name, xs).forEach((result, i) => {
        const bound = 2 ** -23 + Math.abs(xs[i]) * 2 ** -52
        expect(Math.abs(result - exact[name](xs[i]))).toBeLessThan(bound)
      })
    }
  })
})
