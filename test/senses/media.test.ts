/** Files of pictures, sound and tables: every form, and what is truncated, hostile or huge, by name. */
import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import { BurgeonError } from '@burgeon/tensor'
import { readTable, readWav, SenseError, type SenseErrorCode } from '@burgeon/senses'
import { readPng } from '@burgeon/senses/node'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { times } from '../how-long.ts'
import { chunk, writtenPng, type WrittenPng, writtenWav } from './written-media.ts'

/** The code of the error that a body throws, which must name the file. */
function codeOf(body: () => unknown): SenseErrorCode | undefined {
  try {
    body()
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(SenseError)
    expect((error as SenseError).message).toMatch(/^folder\/a file: /)
    return (error as SenseError).code
  }
}
const name = 'folder/a file'

const rowsOf = (count: number, length: number): Uint8Array[] =>
  Array.from({ length: count }, (_, y) =>
    Uint8Array.from({ length }, (__, x) => (x * 71 + y * 53 + ((x * y) % 7) * 11) % 256),
  )

describe('a PNG file', () => {
  const grey8: WrittenPng = { width: 7, height: 11, depth: 8, kind: 0, rows: rowsOf(11, 7), left: 1 }

  it('of grey is read through all five filters', () => {
    const { width, height, channels, pixels } = readPng(writtenPng(grey8), name)
    expect([width, height, channels]).toEqual([7, 11, 1])
    expect([...pixels]).toEqual(grey8.rows.flatMap((row) => [...row]))
  })

  it('of colors, with and without opacity, of 8 and 16 bits', () => {
    for (const [kind, samples, kept] of [
      [2, 3, 3],
      [6, 4, 3],
      [4, 2, 1],
    ]) {
      for (const depth of [8, 16]) {
        const each = depth / 8
        const rows = rowsOf(6, 5 * samples * each)
        const { channels, pixels } = readPng(
          writtenPng({ width: 5, height: 6, depth, kind, rows, left: samples * each }),
          name,
        )
        const expected = rows.flatMap((row) =>
          [...row].filter((_, i) => i % each === 0 && (i / each) % samples < kept),
        )
        expect([channels, ...pixels]).toEqual([kept, ...expected])
      }
    }
  })

  it('of fewer bits is spread to 8, and of a palette has its colors', () => {
    const rows = [Uint8Array.of(0b1011_0010), Uint8Array.of(0b0100_0001)]
    const bits = (depth: number, width: number): number[] => [
      ...readPng(writtenPng({ width, height: 2, depth, kind: 0, rows, left: 1 }), name).pixels,
    ]
    expect(bits(1, 3)).toEqual([255, 0, 255, 0, 255, 0])
    expect(bits(2, 3)).toEqual([170, 255, 0, 85, 0, 0])
    expect(bits(4, 2)).toEqual([11 * 17, 2 * 17, 4 * 17, 17])
    const palette = [1, 2, 3, 40, 50, 60]
    const colored = writtenPng({ width: 3, height: 2, depth: 1, kind: 3, rows, left: 1, palette })
    expect(readPng(colored, name)).toMatchObject({ channels: 3 })
    expect([...readPng(colored, name).pixels.subarray(0, 9)]).toEqual([40, 50, 60, 1, 2, 3, 40, 50, 60])
    const beyond = writtenPng({ width: 3, height: 2, depth: 2, kind: 3, rows, left: 1, palette })
    expect(codeOf(() => readPng(beyond, name))).toBe('bad-piece')
  })

  it('that another program wrote is read', () => {
    const file = readFileSync(new URL('../../docs/dashboard-dark.png', import.meta.url))
    const { width, height, channels, pixels } = readPng(file, 'dashboard-dark.png')
    expect([channels, pixels.length]).toEqual([3, width * height * 3])
    expect(new Set(pixels).size).toBeGreaterThan(100)
  })

  it('is refused as a whole if any bit of it has changed, or its end is missing', () => {
    const file = writtenPng(grey8)
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const damaged = Uint8Array.from(file)
        damaged[at] ^= 1 << bit
        expect(['bad-piece', 'truncated']).toContain(codeOf(() => readPng(damaged, name)))
      }),
      { numRuns: times(300, 5000) },
    )
    for (let end = 0; end < file.length; end++) {
      expect(['bad-piece', 'truncated']).toContain(codeOf(() => readPng(file.subarray(0, end), name)))
    }
  })

  it('of a size beyond the limit is refused before anything is unpacked', () => {
    const header = Buffer.alloc(13)
    header.writeUInt32BE(2 ** 31 - 1)
    header.writeUInt32BE(2 ** 31 - 1, 4)
    header[8] = 8
    const huge = Buffer.concat([
      writtenPng(grey8).subarray(0, 8),
      chunk('IHDR', header),
      chunk('IEND', header),
    ])
    expect(codeOf(() => readPng(huge, name))).toBe('too-large')
    expect(codeOf(() => readPng(writtenPng(grey8), name, { pixels: 76 }))).toBe('too-large')
    expect(codeOf(() => readPng(writtenPng(grey8), name, { pixels: 77 }))).toBe(undefined)
  })

  it('that would unpack to more than its pixels is refused', () => {
    const file = writtenPng(grey8)
    const bomb = chunk('IDAT', deflateSync(Buffer.alloc(1 << 24)))
    const start = file.indexOf('IDAT') - 4
    const parts = [file.subarray(0, start), bomb, chunk('IEND', new Uint8Array(0))]
    expect(codeOf(() => readPng(Buffer.concat(parts), name))).toBe('bad-piece')
    const short = chunk('IDAT', deflateSync(Buffer.alloc(20)))
    expect(codeOf(() => readPng(Buffer.concat([parts[0], short, parts[2]]), name))).toBe('truncated')
  })

  it('that is interlaced, and what is none, are refused', () => {
    expect(codeOf(() => readPng(writtenPng({ ...grey8, interlace: 1 }), name))).toBe('unsupported')
    expect(codeOf(() => readPng(writtenPng({ ...grey8, kind: 5 }), name))).toBe('bad-piece')
    expect(codeOf(() => readPng(new Uint8Array(100), name))).toBe('bad-piece')
    expect(() => readPng([1, 2] as never, name)).toThrow(BurgeonError)
  })
})

describe('a WAV file', () => {
  const bytesOf = (write: (view: DataView) => void, length: number): Uint8Array => {
    const bytes = new Uint8Array(length)
    write(new DataView(bytes.buffer))
    return bytes
  }
  const sixteen = bytesOf(
    (view) => [0, 16_384, -32_768, 32_767].forEach((x, i) => view.setInt16(2 * i, x, true)),
    8,
  )

  it('of every form has the same samples', () => {
    const read = (code: number, bits: number, data: Uint8Array): number[] => [
      ...readWav(writtenWav({ code, bits }, data, Uint8Array.of(1, 2, 3)), name).samples,
    ]
    expect(read(1, 16, sixteen)).toEqual([0, 0.5, -1, 32_767 / 32_768])
    expect(read(1, 8, Uint8Array.of(128, 192, 0))).toEqual([0, 0.5, -1])
    expect(read(1, 24, Uint8Array.of(0, 0, 0, 0, 0, 0x40, 0, 0, 0x80, 1, 0, 0xc0))).toEqual([
      0,
      0.5,
      -1,
      Math.fround(-0.5 + 2 ** -23),
    ])
    const wide = bytesOf((view) => [2 ** 30, -(2 ** 31)].forEach((x, i) => view.setInt32(4 * i, x, true)), 8)
    expect(read(1, 32, wide)).toEqual([0.5, -1])
    const floats = bytesOf((view) => [0.25, -2].forEach((x, i) => view.setFloat32(4 * i, x, true)), 8)
    expect(read(3, 32, floats)).toEqual([0.25, -2])
  })

  it('of several channels is their mean, at its own rate', () => {
    const { rate, samples } = readWav(
      writtenWav({ code: 1, bits: 16, channels: 2, rate: 44_100 }, sixteen),
      name,
    )
    expect([rate, ...samples]).toEqual([44_100, 0.25, (-1 + 32_767 / 32_768) / 2])
  })

  it('that ends early, is larger than allowed or of another form is refused by name', () => {
    const file = writtenWav({ code: 1, bits: 16 }, sixteen)
    for (let end = 0; end < file.length; end++)
      expect(['bad-piece', 'truncated']).toContain(codeOf(() => readWav(file.subarray(0, end), name)))
    expect(codeOf(() => readWav(file, name, { samples: 3 }))).toBe('too-large')
    expect(codeOf(() => readWav(file, name, { samples: 4 }))).toBe(undefined)
    expect(codeOf(() => readWav(writtenWav({ code: 6, bits: 8 }, sixteen), name))).toBe('unsupported')
    expect(codeOf(() => readWav(writtenWav({ code: 1, bits: 16, channels: 0 }, sixteen), name))).toBe(
      'bad-piece',
    )
    const nan = bytesOf((view) => view.setFloat32(0, NaN, true), 4)
    expect(codeOf(() => readWav(writtenWav({ code: 3, bits: 32 }, nan), name))).toBe('bad-piece')
  })

  it('of any bytes is read or refused, and never more than it has', () => {
    const file = writtenWav({ code: 1, bits: 16, channels: 2 }, sixteen, Uint8Array.of(9))
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { maxLength: 6 }), (changes) => {
        const damaged = Uint8Array.from(file)
        for (const [at, byte] of changes) damaged[at] = byte
        const code = codeOf(() =>
          expect(readWav(damaged, name).samples.length).toBeLessThanOrEqual(file.length),
        )
        expect([undefined, 'bad-piece', 'truncated', 'unsupported']).toContain(code)
      }),
      { numRuns: times(500, 10_000) },
    )
  })
})

describe('a table', () => {
  const read = (text: string, limits = {}): ReturnType<typeof readTable> =>
    readTable(new TextEncoder().encode(text), name, limits)

  it('has its columns of numbers by name, and others are left out', () => {
    const { names, columns } = read(
      'time,"a, ""b""",c\r\n2014-01-01,1,-.5e3\r\n2014-01-02,NA,\r\n2014-01-03, 3 ,"4"\r\n',
    )
    expect(names).toEqual(['a, "b"', 'c'])
    expect(columns.map((column) => [...column])).toEqual([
      [1, NaN, 3],
      [-500, NaN, 4],
    ])
  })

  it.each([
    ['', 'bad-piece'],
    ['a,b\n', 'bad-piece'],
    ['a,b\n1\n', 'bad-piece'],
    ['a\nword\n', 'bad-piece'],
    ['a\n"1\n', 'bad-piece'],
    ['a\n0x10\n', 'bad-piece'],
    ['a\n1e999\n', 'bad-piece'],
    [`a\n${'1'.repeat(70_000)}\n`, 'too-large'],
  ])('%j is refused', (text, code) => {
    expect(codeOf(() => read(text))).toBe(code)
  })

  it('of more numbers than allowed, and of bytes that are no text, is refused', () => {
    expect(codeOf(() => read('a,b\n1,2\n3,4\n', { numbers: 3 }))).toBe('too-large')
    expect(codeOf(() => read('a,b\n1,2\n3,4\n', { numbers: 4 }))).toBe(undefined)
    expect(codeOf(() => readTable(Uint8Array.of(97, 10, 0xff), name))).toBe('bad-piece')
  })

  it('of any text is read or refused', () => {
    const pieces = fc.constantFrom('1', 'a', ',', '"', '\n', '\r\n', ' ', '-2.5', 'NA', '""')
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        expect([undefined, 'bad-piece']).toContain(codeOf(() => read(parts.join(''))))
      }),
      { numRuns: times(500, 10_000) },
    )
  })
})
