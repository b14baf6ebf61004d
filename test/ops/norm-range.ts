import { grad, hvp } from '@burgeon/autograd'
import { clipByGlobalNorm } from '@burgeon/autograd/optim'
import {
  type Device,
  fill,
  globalNorm,
  max,
  mean,
  min,
  multiply,
  scope,
  sum,
  type Tensor,
} from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** Numbers over nearly all of single precision; the smallest that every GPU keeps is 2⁻¹²⁶. */
const sizes = [1e-37, 1e-30, 1e-25, 1e-20, 1e-10, 1, 1e10, 1e18, 1e19, 1e20, 1e30, 1e37, 3e38]
const smallest = 2 ** -126
/** Eight units in the last place. */
const near = (x: number): number => 8 * 2 ** -23 * Math.abs(x)

/** Norms, clipping and their gradients where squares overflow or vanish. */
export function testNormRange(device: Device, { keepsSubnormals }: { keepsSubnormals: boolean }): void {
  const read = async (body: () => Tensor): Promise<number[]> => {
    const result = scope(body)
    const numbers = await result.read()
    result.dispose()
    return Array.from(numbers)
  }
  const vector = (numbers: readonly number[]): Tensor =>
    device.tensor(numbers, { shape: [numbers.length], dtype: 'f32' })
  const clip = (limit: number, x: Tensor): Tensor =>
    Object.values(clipByGlobalNorm(limit).transform({ x }, { parameters: {}, step: 0 }))[0]

  describe('the global norm', () => {
    test.each(sizes)('of 128 times %d is right to rounding', async (size) => {
      const exact = Math.fround(size) * Math.sqrt(128)
      const [norm] = await read(() => globalNorm([fill(device, [128], size)]))
      if (exact > 3.4028235e38) expect(norm).toBe(Infinity)
      else expect(Math.abs(norm - exact)).toBeLessThanOrEqual(near(exact))
    })
    test('of any finite numbers is right to rounding', async () => {
      const number = fc
        .tuple(fc.double({ min: 1, max: 2, noNaN: true }), fc.integer({ min: -110, max: 120 }), fc.boolean())
        .map(([significand, exponent, sign]) => Math.fround((sign ? 1 : -1) * significand * 2 ** exponent))
      const list = fc.array(number, { minLength: 1, maxLength: 40 })
      await fc.assert(
        fc.asyncProperty(list, async (numbers) => {
          const [norm] = await read(() => globalNorm([vector(numbers)]))
          expect(Math.abs(norm - Math.hypot(...numbers))).toBeLessThanOrEqual(near(Math.hypot(...numbers)))
        }),
        { numRuns: 40, seed: 3 },
      )
    })
    test.skipIf(!keepsSubnormals)('of subnormal numbers is right to the last bit there is', async () => {
      for (const size of [1e-45, 1e-42, 1e-39]) {
        const exact = Math.fround(size) * Math.sqrt(128)
        const [norm] = await read(() => globalNorm([fill(device, [128], size)]))
        expect(Math.abs(norm - exact)).toBeLessThanOrEqual(2 ** -149)
      }
    })
    test('of numbers with NaN is NaN, with an infinity infinite', async () => {
      expect(await read(() => globalNorm([vector([1, Number.NaN, 1e30])]))).toEqual([NaN])
      expect(await read(() => globalNorm([vector([1, -Infinity, 1e30])]))).toEqual([Infinity])
    })
  })

  describe('clipping by the global norm', () => {
    test.each(sizes)('brings 128 times %d to the limit', async (size) => {
      for (const share of [1e-3, 0.5]) {
        // Below the smallest normal number a device may return 0.
        const limit = Math.fround(Math.min(3e38, Math.max(size * Math.sqrt(128) * share, 128 * smallest)))
        const norm = Math.fround(size) * Math.sqrt(128)
        const exact = Math.fround(size) * Math.min(1, limit / (norm + 1e-6 * limit))
        const clipped = await read(() => clip(limit, fill(device, [128], size)))
        for (const x of clipped) expect(Math.abs(x - exact)).toBeLessThanOrEqual(near(exact))
      }
    })
    test.each([1e-5, 1, 1e5])('brings the largest numbers to %d', async (limit) => {
      const clipped = await read(() => clip(limit, vector([3e38, -3e38, 3e38, 3e38])))
      const exact = [limit / 2, -limit / 2, limit / 2, limit / 2]
      clipped.forEach((x, i) => expect(Math.abs(x - exact[i])).toBeLessThanOrEqual(near(limit / 2)))
    })
    test('leaves every bit of gradients within the limit', async () => {
      for (const size of sizes) {
        const numbers = Array.from({ length: 5 }, (_, i) => Math.fround(size / (i + 1)))
        const norm = Math.hypot(...numbers)
        expect(await read(() => clip(1.001 * norm, vector(numbers)))).toEqual(numbers)
      }
    })
    test('without a limit changes nothing', async () => {
      expect(await read(() => clip(Infinity, vector([2 ** 100, -(2 ** -100)])))).toEqual([
        2 ** 100,
        -(2 ** -100),
      ])
    })
    test('makes every gradient NaN if one number is NaN', async () => {
      expect(await read(() => clip(1, vector([Number.NaN, 2])))).toEqual([NaN, NaN])
    })
  })

  describe('the gradient of the global norm', () => {
    const norm = (x: Tensor): Tensor => globalNorm([x])
    test('at 0 is 0, and so is the second derivative', async () => {
      expect(await read(() => grad(norm)(vector([0, 0, 0])))).toEqual([0, 0, 0])
      const along = (x: Tensor): Tensor => hvp(norm)(x, fill(device, [3], 1))
      expect(await read(() => along(vector([0, 0, 0])))).toEqual([0, 0, 0])
    })
    test.each(sizes)('at 128 times %d is a unit vector', async (size) => {
      const gradient = await read(() => grad(norm)(fill(device, [128], size)))
      for (const x of gradient) expect(Math.abs(x - 1 / Math.sqrt(128))).toBeLessThanOrEqual(near(1))
    })
  })

  describe('reductions of integers', () => {
    const integers = (numbers: readonly number[]): Tensor =>
      device.tensor(numbers, { shape: [numbers.length], dtype: 'i32' })
    test('the mean does not wrap around', async () => {
      const numbers = [2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1, 2 ** 30]
      expect(await read(() => mean(integers(numbers)))).toEqual([1.75 * 2 ** 30])
      expect(await read(() => mean(integers([-(2 ** 31), -(2 ** 31)])))).toEqual([-(2 ** 31)])
      expect(await read(() => mean(integers([1, 2])))).toEqual([1.5])
    })
    test('the minimum and the maximum are integers, and exact', async () => {
      const numbers = [2 ** 31 - 1, 2 ** 24 + 1, 2 ** 30 + 1]
      const [least, most] = scope(() => [min(integers(numbers)), max(integers(numbers))])
      expect([least.dtype, most.dtype]).toEqual(['i32', 'i32'])
      expect([...(await least.read()), ...(await most.read())]).toEqual([2 ** 24 + 1, 2 ** 31 - 1])
      const lowest = await read(() => min(integers([-(2 ** 31), 5])))
      expect(lowest).toEqual([-(2 ** 31)])
      least.dispose()
      most.dispose()
    })
    test('the gradient of a minimum goes to the smallest elements', async () => {
      const gradient = (): Tensor =>
        grad((x: Tensor) => multiply(sum(min(x, { axes: [0] })), 2))(vector([3, 1, 1, 5]))
      expect(await read(gradient)).toEqual([0, 1, 1, 0])
      expect(await read(() => min(vector([3, Number.NaN, 1])))).toEqual([NaN])
      expect(await read(() => min(vector([])))).toEqual([Infinity])
    })
  })
}
