/** The pieces of one file: a picture, stretches of sound, stretches of a table. */
import { extname } from 'node:path'
import { checkArgument, checkOptions, type ChecksOf, checks } from '@burgeon/tensor'
import { type Codec, labelOf } from '../codec.ts'
import { grey, rgb } from '../codecs/image/images.ts'
import { series } from '../codecs/series/series.ts'
import { mel } from '../codecs/sound/mel.ts'
import { pcm8 } from '../codecs/sound/pcm8.ts'
import { resampled } from '../codecs/sound/resampled.ts'
import { soundRate } from '../codecs/sound/sound.ts'
import {
  type SenseOptions,
  type SenseRequest,
  type SenseRequestOptions,
  type SenseRow,
  type SensibleConfig,
  sense,
  senseRequest,
} from '../sense.ts'
import { SenseError } from '../sense-error.ts'
import { limitChecks, type MediaLimits } from './limits.ts'
import { readPng } from './read-png.ts'
import { readTable } from './read-table.ts'
import { readWav } from './read-wav.ts'

/** A piece of a file, as a learner takes it. */
export interface FoundPiece {
  /** Path of the file below the folder, with `/`. */
  readonly file: string
  /** Name of the sense and size (`labelOf`). */
  readonly label: string
  /** Bytes of the file up to the end of the piece: those of the whole file for its last one. */
  readonly end: number
  /** What a model must grow to read it. */
  request(options?: SenseRequestOptions): SenseRequest
  /** The piece as a row: see `sense`. */
  row(config: SensibleConfig, options?: SenseOptions): SenseRow
}

/** How a file is cut into pieces. */
export interface ReadPiecesOptions extends MediaLimits {
  /** How sound is written. Default `pcm8`. */
  readonly sound?: 'pcm8' | 'mel'
  /** Samples of a piece of sound, at 8,000 per second; a longer one is cut. Default 8,000. */
  readonly soundSamples?: number
  /** Moments of a piece of a series; a longer one is cut. Default 128. */
  readonly moments?: number
  /** Moments before a piece that its scale is taken from. Default 512. */
  readonly past?: number
  /**
   * Bytes of the file that were read before, as `end` of a piece says: pieces begin behind them. What a series
   * is measured by lies before them all the same. Default 0.
   */
  readonly from?: number
}

/** Checks of what both ways of reading take. */
export const cuttingChecks: ChecksOf<Omit<ReadPiecesOptions, 'from'>> = {
  ...limitChecks,
  sound: checks.oneOf('pcm8', 'mel'),
  soundSamples: checks.integer({ from: 200 }),
  moments: checks.integer({ from: 1 }),
  past: checks.integer({ from: 0 }),
}

/** Whether a file is of a form that is read, by the ending of its name: `.png`, `.wav` or `.csv`. */
export function hasPieces(file: string): boolean {
  checkArgument('hasPieces', 'file', file, checks.text)
  return Object.hasOwn(readers, extname(file).toLowerCase())
}

/**
 * The pieces of a file: a picture (`.png`), sound (`.wav`), which is resampled to 8,000 per second, or a table
 * (`.csv`), which is one series, each column of numbers a channel.
 *
 * @param bytes The whole file.
 * @param file Its name, by whose ending its form is known, and which messages call it.
 * @throws SenseError that names the file, for one of another form or that cannot be read.
 */
export function readPieces(
  bytes: Uint8Array,
  file: string,
  options: ReadPiecesOptions = {},
): readonly FoundPiece[] {
  checkArgument('readPieces', 'bytes', bytes, checks.instance('bytes in a Uint8Array', Uint8Array))
  checkArgument('readPieces', 'file', file, checks.text)
  checkOptions('readPieces', options, { ...cuttingChecks, from: checks.integer({ from: 0 }) })
  if (hasPieces(file)) return readers[extname(file).toLowerCase()](bytes, file, options)
  throw new SenseError(
    'unsupported',
    `readPieces: got ${file}; expected a file that ends with .png, .wav or .csv.`,
  )
}

type Reader = (bytes: Uint8Array, file: string, options: ReadPiecesOptions) => readonly FoundPiece[]

const readers: Readonly<Record<string, Reader>> = {
  '.png': (bytes, file, { pixels, from = 0 }) => {
    if (from > 0) return []
    const picture = readPng(bytes, file, pixels === undefined ? {} : { pixels })
    return [found(file, bytes.length, picture.channels === 1 ? grey : rgb, picture)]
  },
  '.wav': (bytes, file, { samples, sound = 'pcm8', soundSamples = 8000, from = 0 }) => {
    const whole = resampled(readWav(bytes, file, samples === undefined ? {} : { samples }), soundRate)
    const { length } = whole.samples
    const endOf = (sample: number): number => Math.floor((bytes.length * sample) / length)
    return stretches(0, length, soundSamples)
      .filter(([start]) => endOf(start) >= from)
      .map(([start, end]) => {
        const piece = { rate: soundRate, samples: whole.samples.slice(start, end) }
        return sound === 'mel' ? found(file, endOf(end), mel, piece) : found(file, endOf(end), pcm8, piece)
      })
  },
  '.csv': (bytes, file, { numbers, moments = 128, past = 512, from = 0 }) => {
    const { columns } = readTable(bytes, file, numbers === undefined ? {} : { numbers })
    const { length } = columns[0]
    const starts = lineStarts(bytes)
    // The first line has names.
    const startOf = (moment: number): number => (moment < length ? starts[moment + 1] : bytes.length)
    let first = 0
    while (first < length && startOf(first) < from) first++
    return stretches(first, length, moments).map(([start, end]) => {
      const part = (begin: number, stop: number): Float64Array[] =>
        columns.map((column) => column.slice(begin, stop))
      const piece = { channels: part(start, end), past: part(Math.max(0, start - past), start) }
      return found(file, startOf(end), series, piece)
    })
  },
}

/** Beginnings and ends of stretches of a length, the last one shorter where it ends within it. */
const stretches = (from: number, to: number, each: number): [number, number][] =>
  Array.from({ length: Math.ceil((to - from) / each) }, (_, i) => [
    from + i * each,
    Math.min(to, from + (i + 1) * each),
  ])

/** Where each line begins. */
function lineStarts(bytes: Uint8Array): number[] {
  const starts = [0]
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) starts.push(at + 1)
  return starts
}

function found<Piece>(file: string, end: number, codec: Codec<Piece, unknown>, piece: Piece): FoundPiece {
  return {
    ...{ file, end },
    label: labelOf(codec, codec.encode(piece).size),
    request: (options) => senseRequest(codec, piece, options),
    row: (config, options) => sense(config, codec, piece, options),
  }
}
