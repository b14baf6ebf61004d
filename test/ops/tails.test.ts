/** Functions keep their precision far out and close to 0, and have the gradients of PyTorch and JAX where there is a choice. */
import { grad } from '@burgeon/autograd'
import {
  abs,
  type Device,
  expm1,
  gelu,
  log1p,
  logSigmoid,
  max,
  maximum,
  min,
  minimum,
  relu,
  scope,
  sigmoid,
  silu,
  softplus,
  sqrt,
  sum,
  type Tensor,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'

/** Single-precision numbers over thirty-four powers of ten, of both signs. */
const wide = [0, -0].concat(
  Array.from({ length: 1021 }, (_, i) => Math.fround(10 ** (i / 30 - 30))).flatMap((x) => [x, -x]),
)

const logistic = (x: number): number => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)))
const softplusOf = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
/** 2u of the GELU in its tanh form. */
const twoU = (x: number): number => 2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)

interface Truth {
  readonly f: (x: Tensor) => Tensor
  readonly value: (x: number) => number
  readonly gradient?: (x: number) => number
  /** Units in the last place, which may grow with how steep the function is. */
  readonly ulps: (x: number) => number
}

const truths: Readonly<Record<string, Truth>> = {
  log1p: { f: log1p, value: Math.log1p, gradient: (x) => 1 / (1 + x), ulps: () => 4 },
  expm1: { f: expm1, value: Math.expm1, gradient: Math.exp, ulps: () => 4 },
  softplus: { f: softplus, value: softplusOf, gradient: logistic, ulps: () => 8 },
  logSigmoid: {
    f: logSigmoid,
    value: (x) => -softplusOf(-x),
    gradient: (x) => logistic(-x),
    ulps: () => 8,
  },
  sigmoid: { f: sigmoid, value: logistic, ulps: () => 4 },
  silu: { f: silu, value: (x) => x * logistic(x), ulps: () => 4 },
  gelu: { f: gelu, value: (x) => x * logistic(twoU(x)), ulps: (x) => 8 + 8 * Math.abs(twoU(x)) },
}

describe.each([openReference(), openWasm()].map((device) => [device.name, device] as const))(
  'on %s',
  (_, device: Device) => {
    const vector = (numbers: readonly number[]): Tensor =>
      device.tensor(numbers, { shape: [numbers.length], dtype: 'f32' })
    const valuesOf = (f: (x: Tensor) => Tensor, numbers: readonly number[]): number[] =>
      scope(() => [...f(vector(numbers)).readSync()])
    const gradientsOf = (f: (x: Tensor) => Tensor, numbers: readonly number[]): number[] =>
      valuesOf(
        grad((x: Tensor) => sum(f(x))),
        numbers,
      )

    function expectNear(got: readonly number[], truth: (x: number) => number, ulps: Truth['ulps']): void {
      wide.forEach((x, i) => {
        const wanted = truth(x)
        const isOverflow = !Number.isFinite(Math.fround(wanted)) && Math.abs(wanted) > 3e38
        if (!Number.isFinite(wanted) || (isOverflow && device.name !== 'reference')) {
          expect([x, got[i]]).toEqual([x, Math.fround(wanted)])
          return
        }
        // Subnormal results may be flushed to 0, and so may a subnormal factor of x.
        const room = ulps(x) * 2 ** -23 * Math.abs(wanted) + 2 ** -125 * Math.max(1, Math.abs(x))
        expect(Math.abs(got[i] - wanted), `at ${x}: ${got[i]} instead of ${wanted}`).toBeLessThanOrEqual(room)
      })
    }

    test.each(Object.entries(truths))('%s is right over the whole range', (_name, { f, value, ulps }) => {
      expectNear(valuesOf(f, wide), value, ulps)
    })
    test.each(Object.entries(truths).filter(([, { gradient }]) => gradient !== undefined))(
      'the gradient of %s is right over the whole range',
      (_name, { f, gradient, ulps }) => {
        expectNear(gradientsOf(f, wide), gradient as (x: number) => number, ulps)
      },
    )

    test('softplus far below 0 is the exponential, log1p and expm1 near 0 return their argument', () => {
      expect(valuesOf(softplus, [-50])[0]).toBeCloseTo(Math.exp(-50), 28)
      expect(valuesOf(log1p, [1e-10])[0] / 1e-10).toBeCloseTo(1, 6)
      expect(valuesOf(expm1, [1e-10])[0] / 1e-10).toBeCloseTo(1, 6)
      expect(valuesOf(log1p, [-1, -2, Infinity, Number.NaN])).toEqual([
        -Infinity,
        Number.NaN,
        Infinity,
        Number.NaN,
      ])
      expect(valuesOf(expm1, [-Infinity, Infinity, Number.NaN])).toEqual([-1, Infinity, Number.NaN])
    })

    test('relu has no gradient at 0, passes NaN on and lets nothing below 0 through', () => {
      const numbers = [-1, -0, 0, 1, Number.NaN, -Infinity, Infinity]
      expect(gradientsOf(relu, numbers).slice(0, 4)).toEqual([0, 0, 0, 1])
      expect(valuesOf(relu, numbers).map((x) => x + 0)).toEqual([0, 0, 0, 1, Number.NaN, 0, Infinity])
    })
    test('abs has no gradient at 0, and that of sqrt is infinite there', () => {
      expect(gradientsOf(abs, [-2, -0, 0, 2]).map((x) => x + 0)).toEqual([-1, 0, 0, 1])
      expect(gradientsOf(sqrt, [0, 4])).toEqual([Infinity, 0.25])
    })
    test('equal elements share the gradient of a maximum or a minimum equally', () => {
      for (const larger of [maximum, minimum]) {
        const ofBoth = scope(() => {
          const { a, b } = grad((x: { a: Tensor; b: Tensor }) => sum(larger(x.a, x.b)))({
            a: vector([2]),
            b: vector([2]),
          })
          return [a, b].map((x) => x.readSync()[0])
        })
        expect(ofBoth).toEqual([0.5, 0.5])
      }
      expect(gradientsOf(max, [1, 3, 3, 2])).toEqual([0, 0.5, 0.5, 0])
      expect(gradientsOf(min, [1, 3, 1, 1]).map((x) => Math.fround(x))).toEqual(
        [1, 0, 1, 1].map((x) => Math.fround(x / 3)),
      )
    })
  },
)
