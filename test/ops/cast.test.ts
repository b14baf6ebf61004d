/** The same numbers in another element type. */
import { grad } from '@burgeon/autograd'
import { cast, multiply, OptionError, scope, sum, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

describe.each([openReference(), openWasm()].map((device) => [device.name, device] as const))(
  'cast on %s',
  (_, device) => {
    test('cuts fractions off, and returns the same integers from f32', () => {
      fc.assert(
        fc.property(
          fc.array(fc.float({ min: -8_000_000, max: 8_000_000, noNaN: true }), { minLength: 1 }),
          (numbers) => {
            scope(() => {
              const x = device.tensor(numbers, { shape: [numbers.length], dtype: 'f32' })
              const whole = cast(x, 'i32')
              expect(whole.dtype).toBe('i32')
              expect([...whole.readSync()]).toEqual(numbers.map((n) => Math.trunc(n) + 0))
              expect([...cast(whole, 'f32').readSync()]).toEqual([...whole.readSync()])
            })
          },
        ),
      )
    })
    test('to its own type leaves every bit, and passes on the gradient', () => {
      scope(() => {
        const large = device.tensor([2 ** 31 - 1, -(2 ** 31)], { shape: [2], dtype: 'i32' })
        expect([...cast(large, 'i32').readSync()]).toEqual([2 ** 31 - 1, -(2 ** 31)])
        const x = device.tensor([1, 2], { shape: [2], dtype: 'f32' })
        expect([...grad((y: Tensor) => sum(multiply(cast(y, 'f32'), y)))(x).readSync()]).toEqual([2, 4])
        expect([...grad((y: Tensor) => sum(multiply(cast(cast(y, 'i32'), 'f32'), y)))(x).readSync()]).toEqual(
          [1, 2],
        )
      })
    })
    test('to a type that does not exist is an error that suggests the right one', () => {
      const x = device.tensor([1], { shape: [1], dtype: 'f32' })
      expect(() => cast(x, 'int32' as never)).toThrow(OptionError)
      expect(() => cast(x, 'int32' as never)).toThrow("Did you mean 'i32'?")
      x.dispose()
    })
  },
)
