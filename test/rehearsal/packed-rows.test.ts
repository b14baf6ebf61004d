/** Examples in the fewest bytes, and outputs as bytes with a scale. Reaches inside, for how they are packed is nobody's business. */
import { StateError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { packRow, unpackRow } from '../../packages/continual/src/rehearsal/storage/packed-row.ts'
import {
  areLogits,
  packedLogits,
  unpackLogits,
} from '../../packages/continual/src/rehearsal/storage/stored-logits.ts'

describe('a packed example', () => {
  const anyNumbers = fc.oneof(
    fc.array(fc.nat(255), { maxLength: 20 }),
    fc.array(
      fc.nat(255).map((code) => code / 255),
      { maxLength: 20 },
    ),
    fc.array(fc.float(), { maxLength: 20 }),
    fc.constantFrom([-0], [Number.NaN], [Infinity], [256], [0.5], [-1]),
  )
  test('comes back to the bit, whatever its numbers', () => {
    fc.assert(
      fc.property(anyNumbers, anyNumbers, (a, b) => {
        const row = { inputs: Float32Array.from(a), targets: Float32Array.from(b), domain: 'd', origin: null }
        expect(unpackRow(packRow(row), 'd')).toEqual(row)
      }),
    )
  })
  test.each([
    ['784 pixels and a class', Array.from({ length: 784 }, (_, i) => (i % 256) / 255), [7], 792],
    ['784 bytes and a class', Array.from({ length: 784 }, (_, i) => i % 256), [7], 792],
    ['784 numbers and a class', Array.from({ length: 784 }, (_, i) => Math.sin(i)), [7], 3144],
  ])('of %s takes the fewest bytes', (_, inputs, targets, size) => {
    const row = {
      inputs: Float32Array.from(inputs),
      targets: Float32Array.from(targets),
      domain: 'd',
      origin: null,
    }
    expect(packRow(row)).toHaveLength(size)
  })
  test('that nobody packed is refused', () => {
    for (const bytes of [[3], [3, 1, 0, 0, 0], [3, 1, 0, 0, 0, 9, 0], [3, 2, 0, 0, 0, 2, 1, 0, 1]]) {
      expect(() => unpackRow(Uint8Array.from(bytes), 'd')).toThrow(StateError)
    }
  })
})

describe('stored outputs', () => {
  const someLogits = fc.integer({ min: 1, max: 9 }).chain((columns) =>
    fc
      .array(
        fc.array(fc.float({ min: -100, max: 100, noNaN: true }), {
          minLength: columns,
          maxLength: columns,
        }),
        { minLength: 1, maxLength: 5 },
      )
      .map((rows) => ({ columns, values: Float32Array.from(rows.flat()) })),
  )
  test('as bytes are within 1/254 of the largest of their prediction', () => {
    fc.assert(
      fc.property(someLogits, ({ columns, values }) => {
        const beside = packedLogits({ columns, values }, 'int8')
        const packed = beside.pack()
        const back = unpackLogits(packed)
        expect(packed).toHaveLength(beside.size)
        expect(beside.size).toBe(5 + (values.length / columns) * (4 + columns))
        expect(back.columns).toBe(columns)
        values.forEach((value, i) => {
          const own = values.subarray(i - (i % columns), i - (i % columns) + columns)
          const largest = own.reduce((most, each) => Math.max(most, Math.abs(each)), 0)
          // Rounding of the scale itself takes a few units in the last place of single precision.
          expect(Math.abs(back.values[i] - value)).toBeLessThanOrEqual((largest / 254) * (1 + 1e-4) + 1e-40)
        })
      }),
    )
  })
  test('as singles are what they were', () => {
    fc.assert(
      fc.property(someLogits, (logits) => {
        const beside = packedLogits(logits, 'f32')
        expect(beside.pack()).toHaveLength(beside.size)
        expect(unpackLogits(beside.pack())).toEqual(logits)
      }),
    )
  })
  test('are known from what is none', () => {
    const packed = packedLogits({ columns: 2, values: Float32Array.of(1, -2, 3, 4) }, 'int8').pack()
    expect([areLogits(packed, 2), areLogits(new Uint8Array(0), 2)]).toEqual([true, true])
    expect([areLogits(packed, 1), areLogits(packed, 3), areLogits(packed.slice(1), 2)]).toEqual([
      false,
      false,
      false,
    ])
    const infinite = packedLogits({ columns: 1, values: Float32Array.of(Infinity) }, 'f32').pack()
    for (const bytes of [[0], [9, 1, 0, 0, 0], [0, 0, 0, 0, 0], [...infinite]]) {
      expect(areLogits(Uint8Array.from(bytes), 1)).toBe(false)
    }
  })
})
