/** Files that are written are read back as they were. */
import { readTable, readWav, SenseError, writeTable, writeWav } from '@burgeon/senses'
import { readPng, writePng } from '@burgeon/senses/node'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

describe('a file that is written', () => {
  it('of pixels is read back to the bit', () => {
    const sizes = fc.record({
      width: fc.integer({ min: 1, max: 9 }),
      height: fc.integer({ min: 1, max: 9 }),
      channels: fc.constantFrom(1 as const, 3 as const),
    })
    fc.assert(
      fc.property(
        sizes.chain((size) => {
          const length = size.width * size.height * size.channels
          return fc
            .uint8Array({ minLength: length, maxLength: length })
            .map((pixels) => ({ ...size, pixels }))
        }),
        (picture) => {
          const read = readPng(writePng(picture), 'drawn.png')
          expect({ ...read, pixels: [...read.pixels] }).toEqual({ ...picture, pixels: [...picture.pixels] })
        },
      ),
    )
  })

  it('of sound is read back within half of a step', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true })),
        fc.integer({ min: 1, max: 96_000 }),
        (values, rate) => {
          const sound = { rate, samples: Float32Array.from(values) }
          const read = readWav(writeWav(sound), 'spoken.wav')
          expect([read.rate, read.samples.length]).toEqual([rate, values.length])
          // 1 itself is 32,767/32,768.
          read.samples.forEach((sample, i) =>
            expect(Math.abs(sample - Math.min(sound.samples[i], 32_767 / 32_768))).toBeLessThanOrEqual(
              1 / 65_536,
            ),
          )
        },
      ),
    )
    const loud = readWav(writeWav({ rate: 8000, samples: Float32Array.of(5, -5, 1) }), 'loud.wav')
    expect([...loud.samples]).toEqual([32_767 / 32_768, -1, 32_767 / 32_768])
  })

  it('of numbers is read back to the bit, missing ones too', () => {
    const value = fc.oneof(fc.double({ noDefaultInfinity: true, noNaN: true }), fc.constant(NaN))
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 1 }), (rows) => {
        const columns = [0, 1].map((c) => Float64Array.from(rows, (row) => row[c]))
        const read = readTable(writeTable({ names: ['a b', 'degrees'], columns }), 'measured.csv')
        expect(read.names).toEqual(['a b', 'degrees'])
        // Zeros have no sign in a table.
        expect(read.columns.map((column) => [...column].map((x) => x + 0))).toEqual(
          columns.map((column) => [...column].map((x) => x + 0)),
        )
      }),
    )
    expect(text(writeTable({ names: ['a'], columns: [Float64Array.of(1.5, NaN)] }))).toBe('a\n1.5\nNaN\n')
  })

  it('of what is no such thing is refused', () => {
    const one = Float64Array.of(1)
    const refused: readonly [() => unknown, string][] = [
      [() => writePng({ width: 2, height: 2, pixels: new Uint8Array(8), channels: 1 }), 'several pictures'],
      [() => writePng({ width: 2, height: 2, pixels: new Uint8Array(3), channels: 1 }), '3 bytes for 2×2'],
      [
        () => writePng({ width: 1, height: 1, pixels: new Uint8Array(2), channels: 2 as 1 }),
        'got 2 channels',
      ],
      [() => writeWav({ rate: 8000, samples: Float32Array.of(NaN) }), 'got NaN as sample 0'],
      [() => writeWav({ rate: 0.5, samples: new Float32Array(1) }), '0.5 samples per second'],
      [() => writeTable({ names: [], columns: [] }), 'no columns'],
      [() => writeTable({ names: ['a'], columns: [one, one] }), '1 names and columns of 1, 1 values'],
      [() => writeTable({ names: ['a', 'b'], columns: [one, Float64Array.of(1, 2)] }), 'of 1, 2 values'],
      [() => writeTable({ names: ['a,b'], columns: [one] }), 'the name "a,b"'],
      [() => writeTable({ names: [''], columns: [one] }), 'the name ""'],
      [() => writeTable({ names: ['a'], columns: [Float64Array.of(-Infinity)] }), '-Infinity as a value'],
    ]
    for (const [write, message] of refused) {
      expect(write).toThrow(SenseError)
      expect(write).toThrow(message)
    }
  })
})
