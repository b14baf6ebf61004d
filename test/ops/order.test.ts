/** Sorting and running sums as users call them: axes, order of NaN and of equals, and what does not fit. */
import { valueAndGrad } from '@burgeon/autograd'
import {
  cumsum,
  type Device,
  multiply,
  OptionError,
  reorder,
  scope,
  ShapeError,
  sort,
  sum,
  type Tensor,
  topK,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const { NaN: nan } = Number

describe.each([openReference(), openWasm()].map((device) => [device.name, device] as const))(
  'on %s',
  (_, device: Device) => {
    const place = (numbers: readonly number[], shape: readonly number[] = [numbers.length]): Tensor =>
      device.tensor(numbers, { shape, dtype: 'f32' })
    const numbersOf = (x: Tensor): number[] => [...x.readSync()]

    test('NaN is larger than any number: last, and first in descending order', () => {
      scope(() => {
        const x = place([nan, 3, -Infinity, nan, Infinity, -1])
        const up = sort(x)
        expect(numbersOf(up.values)).toEqual([-Infinity, -1, 3, Infinity, nan, nan])
        expect(numbersOf(up.indices)).toEqual([2, 5, 1, 4, 0, 3])
        const down = sort(x, 0, { descending: true })
        expect(numbersOf(down.indices)).toEqual([0, 3, 4, 1, 5, 2])
        expect(numbersOf(topK(x, 3).values)).toEqual([nan, nan, Infinity])
      })
    })
    test('equal numbers keep their order in either direction, −0 and 0 among them', () => {
      scope(() => {
        const x = place([1, 0, 1, -0, 0, 1])
        expect(numbersOf(sort(x).indices)).toEqual([1, 3, 4, 0, 2, 5])
        expect(numbersOf(sort(x).values)).toEqual([0, -0, 0, 1, 1, 1])
        expect(numbersOf(sort(x, -1, { descending: true }).indices)).toEqual([0, 2, 5, 1, 3, 4])
      })
    })
    test('sorts along any axis as along the last one', () => {
      const shape = fc.tuple(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 4 }),
      )
      const number = fc.oneof(fc.constantFrom(nan, 0, -0, Infinity), fc.float({ noNaN: true }))
      fc.assert(
        fc.property(
          shape,
          fc.nat(2),
          fc.boolean(),
          fc.infiniteStream(number),
          (sizes, axis, descending, stream) => {
            scope(() => {
              const x = place([...stream.take(sizes[0] * sizes[1] * sizes[2])], sizes)
              const all = numbersOf(x)
              const { values, indices } = sort(x, axis, { descending })
              const step = [sizes[1] * sizes[2], sizes[2], 1][axis]
              const [sorted, places] = [numbersOf(values), numbersOf(indices)]
              for (let start = 0; start < all.length; start++) {
                if (Math.floor(start / step) % sizes[axis] !== 0) continue
                const line = Array.from({ length: sizes[axis] }, (_n, i) => start + i * step)
                const row = line.map((at) => all[at])
                const rank = (value: number): number => (Number.isNaN(value) ? Number.MAX_VALUE * 2 : value)
                const compare = (a: number, b: number): number =>
                  Number.isNaN(row[a]) || Number.isNaN(row[b])
                    ? Number(Number.isNaN(row[a])) - Number(Number.isNaN(row[b]))
                    : Number(rank(row[a]) > rank(row[b])) - Number(rank(row[a]) < rank(row[b]))
                const order = row
                  .map((_n, i) => i)
                  .toSorted((a, b) => (descending ? compare(b, a) : compare(a, b)) || a - b)
                expect(line.map((at) => places[at])).toEqual(order)
                expect(line.map((at) => sorted[at])).toEqual(order.map((i) => row[i]))
              }
            })
          },
        ),
        { numRuns: 60 },
      )
    })
    test('the largest k are the beginning of the whole order, and gradients go to where they came from', () => {
      scope(() => {
        const x = place([5, 1, 4, 2, 8, 3], [2, 3])
        const { values, indices } = topK(x, 2, 1)
        expect(numbersOf(values)).toEqual([5, 4, 8, 3])
        expect(numbersOf(indices)).toEqual([0, 2, 1, 2])
        const weights = place([10, 20, 30, 40], [2, 2])
        const { gradient } = valueAndGrad((y: Tensor) => sum(multiply(topK(y, 2, 1).values, weights)))(x)
        expect(numbersOf(gradient)).toEqual([10, 0, 20, 0, 30, 40])
        expect(topK(x, 0).values.shape).toEqual([2, 0])
      })
    })
    test('reorder with the indices of a sort gives the sorted numbers, and the inverse restores them', () => {
      scope(() => {
        const x = place([5, 1, 4, 2, 8, 3], [2, 3])
        const { values, indices } = sort(x)
        expect(numbersOf(reorder(x, indices))).toEqual(numbersOf(values))
        expect(numbersOf(reorder(values, indices, { inverse: true }))).toEqual(numbersOf(x))
        const outside = device.tensor([0, 3, 1, 0, 1, 2], { shape: [2, 3], dtype: 'i32' })
        expect(() => reorder(x, outside)).toThrow(
          'reorder: id 3 at position 1 is outside the table; expected 0 to 2.',
        )
      })
    })
    test('running sums go along the given axis, from either end, and those of integers wrap around', () => {
      scope(() => {
        const x = place([1, 2, 3, 4, 5, 6], [2, 3])
        expect(numbersOf(cumsum(x, 0))).toEqual([1, 2, 3, 5, 7, 9])
        expect(numbersOf(cumsum(x, -1))).toEqual([1, 3, 6, 4, 9, 15])
        expect(numbersOf(cumsum(x, 1, { reverse: true }))).toEqual([6, 5, 3, 15, 11, 6])
        const whole = device.tensor([2 ** 31 - 1, 1, 1], { shape: [3], dtype: 'i32' })
        expect(numbersOf(cumsum(whole, 0))).toEqual([2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1])
      })
    })
    test('the last of the running sums is the sum to rounding, for any numbers', () => {
      const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), {
        minLength: 1,
        maxLength: 300,
      })
      fc.assert(
        fc.property(numbers, fc.boolean(), (list, reverse) => {
          scope(() => {
            const x = place(list)
            const magnitude = list.reduce((total, n) => total + Math.abs(n), 0)
            const sums = numbersOf(cumsum(x, 0, { reverse }))
            expect(Math.abs((sums.at(reverse ? 0 : -1) as number) - sum(x).item())).toBeLessThanOrEqual(
              magnitude * 2 ** -17,
            )
          })
        }),
        { numRuns: 50 },
      )
    })
    test('axes and counts that do not fit are errors that name them', () => {
      scope(() => {
        const x = place([1, 2, 3, 4], [2, 2])
        expect(() => cumsum(x, 2)).toThrow(ShapeError)
        expect(() => cumsum(x, 2)).toThrow('cumsum: axes do not fit. Got [2] for a tensor of rank 2')
        expect(() => sort(place([1], []), 0)).toThrow('sort: axes do not fit. Got [0] for a tensor of rank 0')
        expect(() => topK(x, 3)).toThrow(OptionError)
        expect(() => topK(x, 3)).toThrow('topK: got k 3 for axis -1 of [2, 2]; expected at most its size, 2.')
        expect(() => sort(x, 0, { decending: true } as never)).toThrow("did you mean 'descending'?")
        expect(() => reorder(x, place([0, 1], [2]))).toThrow(ShapeError)
      })
    })
  },
)
