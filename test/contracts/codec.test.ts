/** The contract of a codec: ours keep it, and ones that are broken in one way each do not. */
import { BurgeonError, OptionError } from '@burgeon/tensor'
import {
  type Codec,
  frames,
  grey,
  mel,
  pcm8,
  type Raster,
  rgb,
  type Series,
  series,
  type Sound,
  text,
} from '@burgeon/senses'
import { checkCodec, type CodecExpectation } from '@burgeon/senses/testing'
import { expect, test } from 'vitest'

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 37 + (i >> 3)) % 256)
const raster = (width: number, height: number, each: number): Raster => ({
  ...{ width, height },
  pixels: bytes(width * height * each),
})
const samePixels = (a: Raster, b: Raster): boolean =>
  a.width === b.width && a.height === b.height && a.pixels.join() === b.pixels.join()
const sizes = [
  [28, 28],
  [1, 1],
  [3, 9],
  [10, 4],
]
const pictures = (each: number): CodecExpectation<Raster, Raster> => ({
  pieces: sizes.map(([width, height]) => raster(width, height, each)),
  isNear: samePixels,
  again: (decoded) => decoded,
})

const sound = (length: number): Sound => ({
  rate: 8000,
  samples: Float32Array.from({ length }, (_, i) => Math.sin(i * i * 1e-3) * (i % 7 === 0 ? 1e-3 : 1)),
})

const numbers = (length: number, f: (i: number) => number): Float64Array =>
  Float64Array.from({ length }, (_, i) => f(i))
const wave = (i: number): number => 1e6 + Math.sin(i) * 3 + (i % 11 === 5 ? NaN : 0)
const measured: readonly Series[] = [
  {
    channels: [numbers(40, wave), numbers(40, (i) => -i * i)],
    past: [numbers(30, wave), numbers(30, Math.cos)],
  },
  { channels: [numbers(20, () => 5)], past: [numbers(9, () => 5)] },
  { channels: [numbers(20, () => 0)] },
  { channels: [numbers(20, () => NaN)], past: [numbers(4, () => NaN)] },
  { channels: [numbers(1, () => -3e300)] },
  { channels: [numbers(0, () => 0)] },
  { channels: [numbers(50, (i) => 1e9 + i * 1e-3)], past: [numbers(50, (i) => 1e9 - i * 1e-3)] },
  { channels: [numbers(9, (i) => i * 1e-310)], past: [numbers(9, (i) => i * 1e-310)] },
]

/** Half a level near the median, or 2.4 % of the distance; 201 scales away at most. Scales by hand. */
function isNearSeries(decoded: Series, piece: Series): boolean {
  return piece.channels.every((values, c) => {
    const past = [...(piece.past?.[c] ?? [])].filter(Number.isFinite).toSorted((a, b) => a - b)
    const middleOf = (sorted: readonly number[]): number =>
      (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2
    const first = Number.isFinite(values[0]) ? values[0] : 0
    const median = past.length > 0 ? middleOf(past) : first
    const deviations = past.map((x) => Math.abs(x - median)).toSorted((a, b) => a - b)
    const spread = past.length > 0 ? middleOf(deviations) : 0
    const scale = Math.max(spread || Math.abs(median) || 1, 1e-300)
    return values.every((x, t) => {
      const back = decoded.channels[c][t]
      if (Number.isNaN(x)) return Number.isNaN(back)
      if (Math.abs(x - median) > 201 * scale) return Math.abs(back - median) > 200 * scale
      return Math.abs(back - x) <= 0.02365 * Math.hypot(scale, x - median) * 1.02
    })
  })
}

const suites: readonly (readonly [name: string, run: () => ReturnType<typeof checkCodec>])[] = [
  ['grey', () => checkCodec(grey, pictures(1))],
  ['rgb', () => checkCodec(rgb, pictures(3))],
  ['frames', () => checkCodec(frames, { ...pictures(1), pieces: [raster(9, 6, 5), raster(4, 4, 1)] })],
  [
    'text',
    () =>
      checkCodec(text, {
        pieces: ['seven\n', 'Größe, 数, 🌱', '\uFEFFmark', ''],
        isNear: (decoded, piece) => decoded === piece,
        again: (decoded) => decoded,
        fixedBytes: Infinity,
      }),
  ],
  [
    'pcm8',
    () =>
      checkCodec(pcm8, {
        pieces: [sound(300), sound(1), sound(0)],
        isNear: (decoded, { samples }) =>
          decoded.samples.every(
            (x, i) => Math.abs(x - samples[i]) <= Math.abs(samples[i]) / 33 + 1 / 8192 + 1e-9,
          ),
        again: (decoded) => decoded,
      }),
  ],
  [
    'mel',
    () =>
      checkCodec(mel, {
        pieces: [sound(1000), sound(200), sound(199)],
        isNear: (decoded, { samples }) =>
          decoded.frames === Math.max(0, Math.floor((samples.length - 200) / 80) + 1),
      }),
  ],
  [
    'series',
    () =>
      checkCodec(series, {
        pieces: measured,
        isNear: isNearSeries,
        again: (decoded, piece) => (piece.past ? { ...decoded, past: piece.past } : decoded),
        fixedBytes: 32,
      }),
  ],
]

test.each(suites)('%s keeps every statement', (_, run) => {
  const results = run()
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(7)
})

const broken: Readonly<Record<string, Partial<Codec<Raster>>>> = {
  'says its name': { loss: 'something' },
  'cuts all bytes': {
    encode: (piece) => ({
      ...grey.encode(piece),
      places: new Int32Array(3 * grey.encode(piece).patches.length),
    }),
  },
  'cuts all pieces of a size alike': { gridOf: (size) => ({ ...grey.gridOf(size), columns: 1 }) },
  'gives back what it says': {
    decode: (sized) => ({ ...grey.decode(sized), width: sized.size[0], height: sized.size[1] }),
  },
  'leaves it as it was': {
    encode(piece) {
      piece.pixels[0] ^= 1
      return grey.encode(piece)
    },
  },
  'writes every byte': {
    decode(sized) {
      const { pixels, ...size } = grey.decode(sized)
      return { ...size, pixels: pixels.map((shade) => Math.min(shade, 254)) }
    },
  },
  'refuses what is no piece': {
    decode: (sized) => (sized?.size?.length === 2 ? grey.decode(sized) : raster(1, 1, 1)),
  },
}

test.each(Object.entries(broken))('one that breaks "%s" is told so', (statement, change) => {
  // Shades below 254, so that the statement about every byte alone meets the brightest.
  const pieces = [5, 9].map((width) => ({
    ...raster(width, 6, 1),
    pixels: bytes(width * 6).map((x) => x % 250),
  }))
  const results = checkCodec({ ...grey, ...change }, { ...pictures(1), pieces })
  const wrong = results.filter(({ holds }) => !holds)
  expect(wrong.map((result) => result.statement)).toContainEqual(expect.stringContaining(statement))
})

test('what is no codec is refused', () => {
  for (const codec of [null, 3, {}, { name: 'half' }])
    expect(() => checkCodec(codec as never, pictures(1))).toThrow(OptionError)
  expect(() => checkCodec(grey, { ...pictures(1), pieces: [] })).toThrow(BurgeonError)
})
