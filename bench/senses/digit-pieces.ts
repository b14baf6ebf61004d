/** Digits that were drawn, and digits that were spoken, with their names. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Raster, readWav, type Sound } from '@burgeon/senses'
import { UsageError } from '../benchmark.ts'
import { mnistFiles, readIdx } from '../training/idx-files.ts'
import type { NamedPieces } from './named-pieces.ts'

const names = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']
const side = 28

/** Some of the pictures of MNIST, their pixels in another order where one is given. */
export function drawnDigits(
  folder: string,
  set: keyof typeof mnistFiles,
  from: number,
  count: number,
  order?: readonly number[],
): NamedPieces<Raster> {
  const { bytes } = readIdx(join(folder, mnistFiles[set].images))
  const labels = readIdx(join(folder, mnistFiles[set].labels)).bytes
  return {
    count,
    at(i) {
      const own = bytes.subarray((from + i) * side * side, (from + i + 1) * side * side)
      const pixels = order === undefined ? own : Uint8Array.from(order, (place) => own[place])
      return { piece: { width: side, height: side, pixels }, name: names[labels[from + i]] }
    },
  }
}

/**
 * Recordings of the Free Spoken Digit Dataset, `DIGIT_sSPEAKER_TAKE.wav`.
 *
 * @param isMeant Whether a recording is among them.
 */
export function spokenDigits(
  data: string,
  isMeant: (speaker: number, take: number) => boolean,
): NamedPieces<Sound> {
  const folder = [data, join(data, 'spoken-digits')].find((place) => existsSync(join(place, '0_s1_00.wav')))
  if (folder === undefined) {
    throw new UsageError(
      `senses: looked in ${data} and spoken-digits there; expected recordings such as 0_s1_00.wav.`,
    )
  }
  const files = readdirSync(folder).flatMap((file) => {
    const [, digit, speaker, take] = /^(\d)_s(\d+)_(\d+)\.wav$/.exec(file) ?? []
    return digit !== undefined && isMeant(Number(speaker), Number(take))
      ? [{ file, name: names[Number(digit)] }]
      : []
  })
  // Recordings of one digit lie together by their names; the order of takes mixes them.
  const inOrder = files.toSorted((a, b) => (a.file.slice(2) < b.file.slice(2) ? -1 : 1))
  const pieces = inOrder.map(({ file, name }) => ({
    piece: readWav(readFileSync(join(folder, file)), file),
    name,
  }))
  return { count: pieces.length, at: (i) => pieces[i] }
}
