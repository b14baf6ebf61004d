/** Text, pictures, sound, a series and films, each as rows that are learnt and rows that are held back. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { batchOfTokens, type TokenBatch } from '@burgeon/continual'
import type { GptConfig } from '@burgeon/gpt'
import {
  type Codec,
  frames,
  grey,
  mel,
  sense,
  type SenseRequest,
  senseRequest,
  series,
} from '@burgeon/senses'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { drawnDigits, spokenDigits } from './digit-pieces.ts'
import { withoutHeader } from './forecasting.ts'
import { measuredSeries } from './measured-series.ts'
import { movingDigits, side } from './moving-digits.ts'

/** The rows of one sense. */
export interface SenseStream {
  readonly name: 'text' | 'pictures' | 'sound' | 'series' | 'films'
  /** What a model must grow to read them; nothing for text. */
  readonly request?: SenseRequest
  /** Rows of a step. */
  readonly rows: number
  /** Row i of those that are learnt, and of those that are held back, for a model that has the sense. */
  learnt(config: GptConfig, i: number): TokenBatch
  heldBack(config: GptConfig, i: number): TokenBatch
}

/** Places of a row: the longest piece has 98 patches. */
export const context = 100

/** Bytes of a row of text, patches of a spoken digit, moments of a series, pictures of a film. */
const [letters, patches, moments, pictures] = [96, 48, 72, 6]

/**
 * The five. What is learnt and what is held back are other texts, digits, takes and times.
 *
 * @param data Folder that holds `tinyshakespeare.txt`, `spoken-digits` and `series`.
 * @param digits Folder of the files of MNIST.
 * @param isTuning Whether what is held back is taken from the end of what is learnt from.
 */
export function senseStreams(data: string, digits: string, seed: number, isTuning: boolean): SenseStream[] {
  const [set, after] = isTuning ? (['train', 58_000] as const) : (['test', 0] as const)
  const films = {
    learnt: movingDigits(digits, 'train', 0, 50_000, { seed }),
    heldBack: movingDigits(digits, set, after, 2000, { seed }),
  }
  const drawn = {
    learnt: drawnDigits(digits, 'train', 0, 50_000),
    heldBack: drawnDigits(digits, set, after, 2000),
  }
  const first = isTuning ? 5 : 0
  const isHeld = (take: number): boolean => take >= first && take < first + 5
  const spoken = {
    learnt: spokenDigits(data, (_, take) => !isHeld(take) && take >= 5),
    heldBack: spokenDigits(data, (_, take) => isHeld(take)),
  }
  const text = readFileSync(join(data, 'tinyshakespeare.txt'))
  const [machine] = measuredSeries(data).filter(({ name }) => name.startsWith('machine_temperature'))
  const [values] = machine.channels
  const spans = {
    text: ranges(text.length, isTuning),
    series: ranges(values.length, isTuning),
  }
  /** Places in a range, drawn by a seed, so that row i is the same whoever asks for it. */
  const drawnFrom = ([from, to]: Range, what: string, i: number, length: number): number =>
    from + new RandomStream(keyFromSeed(seed)).named(`${what} ${i}`).below(to - from - length)
  const lines = (range: Range, what: string, i: number): TokenBatch => {
    const at = drawnFrom(range, what, i, letters + 1)
    return batchOfTokens([...text.subarray(at, at + letters + 1)], letters, 'text')
  }
  const measured = (range: Range, what: string, i: number) => {
    const at = drawnFrom(range, what, i, moments)
    return { channels: [values.slice(at, at + moments)], past: [values.slice(Math.max(0, at - 512), at)] }
  }
  const piecesOf = <Piece>(
    name: SenseStream['name'],
    codec: Codec<Piece, unknown>,
    { rows, patch }: { readonly rows: number; readonly patch: number },
    of: { readonly learnt: (i: number) => Piece; readonly heldBack: (i: number) => Piece },
  ): SenseStream => {
    // A step has rows of one sense, and a byte of it weighs as much as a byte of text in a step of text.
    const row = (config: GptConfig, piece: Piece): TokenBatch =>
      sense(config, codec, piece, { patchWeight: patch })
    return {
      ...{ name, rows, request: senseRequest(codec, of.learnt(0)) },
      learnt: (config, i) => row(config, of.learnt(i)),
      heldBack: (config, i) => row(config, of.heldBack(i)),
    }
  }
  const short = (raster: ReturnType<typeof films.learnt.at>) => ({
    ...raster,
    pixels: raster.pixels.subarray(0, pictures * side ** 2),
  })
  const begin = ({ piece: { rate, samples } }: ReturnType<typeof spoken.learnt.at>) => ({
    rate,
    samples: samples.slice(0, 200 + 80 * (patches - 1)),
  })
  const ofSeries = piecesOf(
    'series',
    series,
    { rows: 4, patch: 1 },
    {
      learnt: (i) => measured(spans.series[0], 'measured', i),
      heldBack: (i) => measured(spans.series[1], 'measured later', i),
    },
  )
  return [
    {
      ...{ name: 'text', rows: 4 },
      learnt: (_, i) => lines(spans.text[0], 'read', i),
      heldBack: (_, i) => lines(spans.text[1], 'read later', i),
    },
    piecesOf(
      'pictures',
      grey,
      { rows: 2, patch: 16 },
      {
        learnt: (i) => drawn.learnt.at(i).piece,
        heldBack: (i) => drawn.heldBack.at(i).piece,
      },
    ),
    piecesOf(
      'sound',
      mel,
      { rows: 2, patch: 40 },
      {
        learnt: (i) => begin(spoken.learnt.at(i % spoken.learnt.count)),
        heldBack: (i) => begin(spoken.heldBack.at(i % spoken.heldBack.count)),
      },
    ),
    {
      ...ofSeries,
      learnt: (config, i) => withoutHeader(ofSeries.learnt(config, i), machine),
      heldBack: (config, i) => withoutHeader(ofSeries.heldBack(config, i), machine),
    },
    piecesOf(
      'films',
      frames,
      { rows: 1, patch: 16 },
      {
        learnt: (i) => short(films.learnt.at(i)),
        heldBack: (i) => short(films.heldBack.at(i)),
      },
    ),
  ]
}

type Range = readonly [from: number, to: number]

/** Nine tenths and the last one; of these the first nine tenths again, where settings are chosen. */
function ranges(length: number, isTuning: boolean): readonly [Range, Range] {
  const end = isTuning ? Math.floor(0.9 * length) : length
  const middle = Math.floor(0.9 * end)
  return [
    [0, middle],
    [middle, end],
  ]
}
