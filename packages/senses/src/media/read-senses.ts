/** Pictures, sound, series and text of a folder, one piece after the other. */
import { lstat, readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
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
  /** What a model must grow to read it. */
  request(): SenseRequest
  /** The piece as a row: see `sense`. */
  row(config: SensibleConfig, options?: SenseOptions): SenseRow
}

/** How a folder is read. */
export interface ReadSensesOptions extends MediaLimits {
  /** Bytes of a file. Default 64 MiB. */
  readonly bytes?: number
  /** How sound is written. Default `pcm8`. */
  readonly sound?: 'pcm8' | 'mel'
  /** Samples of a piece of sound, at 8,000 per second; a longer one is cut. Default 8,000. */
  readonly soundSamples?: number
  /** Moments of a piece of a series; a longer one is cut. Default 128. */
  readonly moments?: number
  /** Moments before a piece that its scale is taken from. Default 512. */
  readonly past?: number
  /**
   * Is told of a file that cannot be read, which is passed over then. Without it the error is thrown, and
   * nothing more is read.
   */
  readonly onBroken?: (error: SenseError) => void
}

const optionChecks: ChecksOf<ReadSensesOptions> = {
  ...limitChecks,
  bytes: checks.integer({ from: 1 }),
  sound: checks.oneOf('pcm8', 'mel'),
  soundSamples: checks.integer({ from: 200 }),
  moments: checks.integer({ from: 1 }),
  past: checks.integer({ from: 0 }),
  onBroken: checks.callback('a function of an error'),
}

/**
 * Reads the pictures (`.png`), sounds (`.wav`) and tables (`.csv`) of a folder and those in it, by the order of
 * their paths. Other files, links, and names that begin with a dot are passed over. Sound of another rate is
 * resampled; a table is one series, each column of numbers a channel.
 *
 * @throws SenseError that names the file, unless `onBroken` is told.
 */
export async function* readSenses(
  folder: string,
  options: ReadSensesOptions = {},
): AsyncGenerator<FoundPiece, void, void> {
  checkArgument('readSenses', 'folder', folder, checks.text)
  checkOptions('readSenses', options, optionChecks)
  for await (const file of filesIn(folder, '')) {
    const read = Object.hasOwn(readers, extname(file).toLowerCase()) && readers[extname(file).toLowerCase()]
    if (read === false) continue
    let pieces: readonly FoundPiece[]
    try {
      pieces = read(await bytesOf(folder, file, options.bytes ?? 2 ** 26), file, options)
    } catch (error) {
      if (!(error instanceof SenseError) || options.onBroken === undefined) throw error
      options.onBroken(error)
      continue
    }
    yield* pieces
  }
}

/** Files below a folder, folders in their place among them. */
async function* filesIn(folder: string, below: string): AsyncGenerator<string, void, void> {
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch((cause: unknown) => {
    throw new SenseError('unreadable', `${join(folder, below)}: cannot be read as a folder.`, { cause })
  })
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) yield* filesIn(folder, path)
    else if (entry.isFile()) yield path
  }
}

async function bytesOf(folder: string, file: string, most: number): Promise<Uint8Array> {
  try {
    const { size } = await lstat(join(folder, file))
    if (size <= most) return await readFile(join(folder, file))
    throw new SenseError('too-large', `${file}: got ${size} bytes; expected at most ${most}.`)
  } catch (cause) {
    if (cause instanceof SenseError) throw cause
    throw new SenseError('unreadable', `${file}: cannot be read.`, { cause })
  }
}

type Reader = (bytes: Uint8Array, file: string, options: ReadSensesOptions) => readonly FoundPiece[]

const readers: Readonly<Record<string, Reader>> = {
  '.png': (bytes, file, { pixels }) => {
    const picture = readPng(bytes, file, pixels === undefined ? {} : { pixels })
    return [found(file, picture.channels === 1 ? grey : rgb, picture)]
  },
  '.wav': (bytes, file, { samples, sound = 'pcm8', soundSamples = 8000 }) => {
    const whole = resampled(readWav(bytes, file, samples === undefined ? {} : { samples }), soundRate)
    return pieces(whole.samples.length, soundSamples).map(([from, to]) => {
      const piece = { rate: soundRate, samples: whole.samples.slice(from, to) }
      return sound === 'mel' ? found(file, mel, piece) : found(file, pcm8, piece)
    })
  },
  '.csv': (bytes, file, { numbers, moments = 128, past = 512 }) => {
    const { columns } = readTable(bytes, file, numbers === undefined ? {} : { numbers })
    return pieces(columns[0].length, moments).map(([from, to]) => {
      const part = (start: number, end: number): Float64Array[] =>
        columns.map((column) => column.slice(start, end))
      return found(file, series, { channels: part(from, to), past: part(Math.max(0, from - past), from) })
    })
  },
}

/** Beginnings and ends of pieces. */
const pieces = (length: number, each: number): [number, number][] =>
  Array.from({ length: Math.ceil(length / each) }, (_, i) => [i * each, Math.min(length, (i + 1) * each)])

function found<Piece>(file: string, codec: Codec<Piece, unknown>, piece: Piece): FoundPiece {
  return {
    file,
    label: labelOf(codec, codec.encode(piece).size),
    request: () => senseRequest(codec, piece),
    row: (config, options) => sense(config, codec, piece, options),
  }
}
