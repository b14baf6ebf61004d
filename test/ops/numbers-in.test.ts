/** What is no tensor is refused, and nested arrays are what they look like. */
import { BytePairTokenizer, byteTokenizer } from '@burgeon/gpt'
import {
  BurgeonError,
  type Device,
  fill,
  iota,
  type NestedNumbers,
  OptionError,
  ShapeError,
  slice,
  sum,
  type Tensor,
  tensor,
  tensorFrom,
  zeros,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

type Nested = number | readonly Nested[]

/** As JavaScript passes it: without types. */
const untyped = (x: unknown): never => x as never

function nest(shape: readonly number[], next: () => number): Nested {
  const [size, ...rest] = shape
  return size === undefined ? next() : Array.from({ length: size }, () => nest(rest, next))
}

describe.each([openReference(), openWasm()].map((device) => [device.name, device] as const))(
  'on %s',
  (_, device: Device) => {
    const expectRefused = (
      make: () => Tensor,
      error: abstract new (...args: never) => Error,
      message: RegExp,
    ): void => {
      const { memory } = device
      expect(make).toThrow(error)
      expect(make).toThrow(message)
      expect(make).toThrow(BurgeonError)
      expect(device.memory).toEqual(memory)
    }

    test('nested arrays are a tensor whose rank is their depth', () => {
      const x = tensor(
        [
          [1, 2],
          [3, 4],
        ],
        { device },
      )
      expect([x.shape, x.dtype, [...x.readSync()]]).toEqual([[2, 2], 'f32', [1, 2, 3, 4]])
      x.dispose()
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 }), (drawn) => {
          // What follows a size of 0 cannot be seen.
          const shape = drawn.slice(0, drawn.indexOf(0) < 0 ? undefined : drawn.indexOf(0) + 1)
          let count = 0
          const made = tensor(nest(shape, () => count++) as NestedNumbers, { device })
          expect(made.shape).toEqual(shape)
          expect([...made.readSync()]).toEqual(Array.from({ length: count }, (_n, i) => i))
          made.dispose()
        }),
      )
    })
    test('rows may be typed arrays, and Int32Arrays make integers', () => {
      const x = tensor([Int32Array.of(1, 2), Int32Array.of(3, 4)], { device })
      const y = tensor([Float32Array.of(1, 2), [3, 4]], { device, shape: [4] })
      expect([x.shape, x.dtype, y.shape, y.dtype]).toEqual([[2, 2], 'i32', [4], 'f32'])
      for (const z of [x, y]) {
        expect([...z.readSync()]).toEqual([1, 2, 3, 4])
        z.dispose()
      }
    })
    test.each<readonly [unknown]>([
      [[[1, 2], [3]]],
      [[[1], [2, 3]]],
      [[[1, 2], 3]],
      [[[1, 2], []]],
      [[[[1]], [2]]],
      [[[1], [[2]]]],
      [[[], [1]]],
    ])('refuses nested arrays that differ in length or depth: %j', (data) => {
      expectRefused(
        () => tensor(untyped(data), { device }),
        ShapeError,
        /^tensor: got nested arrays that differ/,
      )
    })
    test.each<readonly [unknown, RegExp]>([
      [null, /got null; expected an array/],
      [undefined, /got undefined; expected an array/],
      [5, /got 5; expected an array/],
      ['12', /got the string "12"; expected an array/],
      [true, /got the boolean true/],
      [new Map(), /a value of type object/],
      [['1', '2'], /got the string "1" at index 0; expected numbers/],
      [[1, null], /got null at index 1/],
      [[1, undefined], /got undefined at index 1/],
      [[true, false], /got the boolean true at index 0/],
      [[1n], /got the bigint 1 at index 0/],
      [BigInt64Array.of(1n), /got the bigint 1 at index 0/],
      [[1, [2]], /got an array at index 1/],
      [
        [
          [1, 2],
          [3, '4'],
        ],
        /got the string "4" at index 3/,
      ],
    ])('refuses what holds no numbers, case %#', (data, message) => {
      expectRefused(() => tensor(untyped(data), { device }), OptionError, message)
    })
    test.each([1.5, Number.NaN, Infinity, 2 ** 32, 2 ** 33, -(2 ** 31) - 1])(
      'refuses an i32 from %d',
      (x) => {
        const message = /got .* at index [01]; expected integers from −2\^31 to 2\^32 − 1/
        for (const data of [[0, x], Float64Array.of(0, x), [[0], [x]]]) {
          expectRefused(() => tensor(data, { dtype: 'i32', device }), OptionError, message)
        }
        expectRefused(() => fill(device, [2], x, 'i32'), OptionError, message)
      },
    )
    test('takes every i32, also as unsigned bits', () => {
      const x = tensor([-(2 ** 31), 2 ** 31 - 1, 2 ** 32 - 1], { dtype: 'i32', device })
      expect([...x.readSync()]).toEqual([-(2 ** 31), 2 ** 31 - 1, -1])
      x.dispose()
    })
    test.each([
      ['float32', /expected 'f32' or 'i32'. Did you mean 'f32'\?/],
      ['F32', /Did you mean 'f32'\?/],
      ['int32', /Did you mean 'i32'\?/],
      ['int', /Did you mean 'i32'\?/],
      ['complex', /expected 'f32' or 'i32'\.$/],
      [null, /got the element type null/],
      [32, /got the element type 32/],
    ])('refuses the element type %s and leaves the accounts alone', (name, message) => {
      const dtype = untyped(name)
      expectRefused(() => tensor([1.5, 2.5], { dtype, device }), OptionError, message)
      expectRefused(() => fill(device, [2], 1, dtype), OptionError, message)
      expectRefused(() => iota(device, 2, dtype), OptionError, message)
    })
    test('refuses an invalid shape, more indices than axes, and axes that are not a list', () => {
      const x = zeros([2, 3], device)
      expectRefused(
        () => tensor([1], untyped({ device, dtpye: 'i32' })),
        OptionError,
        /dtpye, which does not exist; did you mean 'dtype'/,
      )
      expectRefused(() => tensor([1], untyped({ device: 'wasm' })), OptionError, /expected a device/)
      expectRefused(() => zeros(untyped(3), device), ShapeError, /as a shape; expected an array/)
      expectRefused(() => tensor([1, 2], { shape: untyped('2'), device }), ShapeError, /as a shape/)
      expectRefused(() => tensorFrom(untyped(2), () => 0, device), ShapeError, /as a shape/)
      expectRefused(
        () =>
          tensorFrom(
            [1],
            untyped(() => '1'),
            device,
          ),
        OptionError,
        /the string "1" at index 0/,
      )
      expectRefused(() => slice(x, [0, 0, 0]), ShapeError, /at most one index per axis, 2 in each list/)
      expectRefused(() => slice(x, [], [2, 3, 1]), ShapeError, /at most one index per axis/)
      expectRefused(() => sum(x, { axes: untyped(0) }), ShapeError, /as axes; expected an array/)
      x.dispose()
    })
  },
)

test('tokenizers refuse ids that do not exist', () => {
  const pairs = new BytePairTokenizer({ merges: [[104, 105]] })
  const bad = fc.oneof(
    fc.constantFrom(
      256.5,
      -1,
      257,
      Number.NaN,
      Infinity,
      2 ** 32,
      '104',
      'length',
      null,
      undefined,
      true,
      [104],
    ),
    fc.double().filter((x) => !Number.isInteger(x)),
  )
  fc.assert(
    fc.property(fc.array(fc.nat(255), { maxLength: 3 }), bad, (before, id) => {
      const ids = untyped([...before, id])
      expect(() => byteTokenizer.decode(ids)).toThrow(OptionError)
      expect(() => pairs.decode(ids)).toThrow(OptionError)
      expect(() => pairs.decodeBytes(ids)).toThrow(OptionError)
      expect(() => pairs.bytesOf(untyped(id))).toThrow(OptionError)
    }),
  )
  expect(() => byteTokenizer.decode([256])).toThrow(
    'bytes: got token 256; expected an integer from 0 to 255.',
  )
  expect(pairs.decode([256])).toBe('hi')
  expect(byteTokenizer.decode([104, 105])).toBe('hi')
})
