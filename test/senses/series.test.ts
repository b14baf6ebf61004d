/** Series: nothing that comes later changes what is written, and no values break it. */
import { SenseError, series } from '@burgeon/senses'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { times } from '../how-long.ts'

const numbers = (...values: readonly number[]): Float64Array => Float64Array.from(values)
const aValue = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
  fc.constantFrom(NaN, 0, -0, 5, 1e300, -1.7e308, 5e-324),
)
const values = (min: number, max: number): fc.Arbitrary<number[]> =>
  fc.array(aValue, { minLength: min, maxLength: max })

it('the future never changes what is written', () => {
  fc.assert(
    fc.property(values(0, 20), values(1, 30), values(0, 30), (past, now, later) => {
      const write = (all: readonly number[]): number[] => [
        ...series.encode({ channels: [numbers(...all)], past: [numbers(...past)] }).bytes,
      ]
      expect(write([...now, ...later]).slice(0, 16 + now.length)).toEqual(write(now))
    }),
    { numRuns: times(200, 5000) },
  )
})

it('the same series at another height and size is written as the same levels', () => {
  const past = [3, 5, 4, 9, 2, 6, 5, 3]
  const now = [4, 4.5, 30, -7, NaN, 5]
  const levels = (height: number, size: number): number[] => {
    const moved = (all: readonly number[]): Float64Array => numbers(...all.map((x) => height + size * x))
    return [...series.encode({ channels: [moved(now)], past: [moved(past)] }).bytes.subarray(16)]
  }
  expect(levels(0, 1)).toHaveLength(6)
  expect(levels(0, 1)[4]).toBe(255)
  for (const [height, size] of [
    [0, 1024],
    [2 ** 20, 0.5],
    [-(2 ** 24), 2 ** -6],
  ])
    expect(levels(height, size)).toEqual(levels(0, 1))
})

it('median and median deviation of the past are what it is measured by', () => {
  // Median 4, deviations 0 1 1 2 96: median 1. asinh(1)/(6/127) = 18.66.
  const { bytes } = series.encode({ channels: [numbers(4, 5, 3, 1e9)], past: [numbers(4, 5, 3, 2, 100)] })
  expect(new DataView(bytes.buffer).getFloat64(0)).toBe(4)
  expect(new DataView(bytes.buffer).getFloat64(8)).toBe(1)
  expect([...bytes.subarray(16)]).toEqual([127, 127 + 19, 127 - 19, 254])
})

it('whatever is measured can be written, read, and is written the same again', () => {
  fc.assert(
    fc.property(values(0, 12), values(0, 25), (past, now) => {
      const before = { past: [numbers(...past)] }
      const encoded = series.encode({ channels: [numbers(...now)], ...before })
      const decoded = series.decode(encoded)
      expect(decoded.channels[0]).toHaveLength(now.length)
      decoded.channels[0].forEach((x, i) => expect(Number.isNaN(x)).toBe(Number.isNaN(now[i])))
      expect([...series.encode({ ...decoded, ...before }).bytes.subarray(16)]).toEqual([
        ...encoded.bytes.subarray(16),
      ])
    }),
    { numRuns: times(200, 5000) },
  )
})

it('channels have scales of their own, and a moment is a patch', () => {
  const channels = [numbers(1, 2, 3), numbers(1000, NaN, 3000)]
  const { bytes, patches, places, size } = series.encode({
    channels,
    past: [numbers(1, 2, 3), numbers(0, 2000, 4000)],
  })
  expect(size).toEqual([2])
  expect([...patches]).toEqual([32, 2, 2, 2])
  expect([...places]).toEqual([0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0])
  expect([...bytes.subarray(32)]).toEqual([108, 117, 127, 255, 146, 137])
})

it.each([
  [{ channels: [] }, 'got 0 channels'],
  [{ channels: [numbers(1), numbers(1, 2)] }, 'channels of 1 and 2 values'],
  [{ channels: [numbers(1)], past: [] }, 'the past of 0 channels; expected 1'],
  [{ channels: [numbers(1, -Infinity)] }, 'got -Infinity as a value'],
])('%o is refused', (piece, message) => {
  expect(() => series.encode(piece)).toThrow(SenseError)
  expect(() => series.encode(piece)).toThrow(message)
})

it('bytes that are no series are refused', () => {
  const { bytes } = series.encode({ channels: [numbers(1, 2), numbers(3, 4)] })
  const decode = (part: Uint8Array): unknown => series.decode({ bytes: part, size: [2] })
  expect(() => decode(bytes.subarray(0, 31))).toThrow('series: got 31 bytes for 2 channels')
  expect(() => decode(bytes.subarray(0, 33))).toThrow(SenseError)
  // A scale of 0, and a median that is no number.
  expect(() => decode(bytes.map((byte, i) => (i >= 8 && i < 16 ? 0 : byte)))).toThrow('scale 0')
  expect(() => decode(bytes.map((byte, i) => (i < 2 ? 0x7f + 0x80 * i : byte)))).toThrow(SenseError)
})
