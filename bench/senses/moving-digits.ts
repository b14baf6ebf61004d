/** Films of a digit of MNIST that moves on straight lines and turns back at the edges. */
import type { Raster } from '@burgeon/senses'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { mnistFiles, readIdx } from '../training/idx-files.ts'

/** Pixels along either side of a picture, and pictures of a film. */
export const [side, pictures] = [16, 12] as const

const [digit, margin, whole] = [10, 4, 28]

/** Directions. */
const steps = [-1, 1].flatMap((y) => [-1, 1].map((x) => ({ x, y })))

/** Between one shade and the next; there are four. */
const shade = 85

/** Films in order. */
export interface Films {
  readonly count: number
  at(i: number): Raster
}

/**
 * A film of each of some digits, made by a seed. A digit is 10×10 pixels in four shades, the mean of four each of the
 * inner 20×20 of MNIST; it moves aslant, by a pixel a picture along either side.
 *
 * @param isShuffled Whether the pictures of each film are in an order of their own.
 */
export function movingDigits(
  folder: string,
  set: keyof typeof mnistFiles,
  from: number,
  count: number,
  { seed, isShuffled = false }: { readonly seed: number; readonly isShuffled?: boolean },
): Films {
  const { bytes } = readIdx(`${folder}/${mnistFiles[set].images}`)
  return {
    count,
    at(i) {
      const random = new RandomStream(keyFromSeed(seed)).named(`film ${set} ${from + i}`)
      const small = halved(bytes.subarray((from + i) * whole ** 2, (from + i + 1) * whole ** 2))
      const room = side - digit
      let [x, y] = [random.below(room + 1), random.below(room + 1)]
      let step = steps[random.below(steps.length)]
      const all = Array.from({ length: pictures }, () => {
        const picture = new Uint8Array(side ** 2)
        for (let row = 0; row < digit; row++)
          picture.set(small.subarray(row * digit, (row + 1) * digit), (y + row) * side + x)
        step = { x: turned(x, step.x, room), y: turned(y, step.y, room) }
        ;[x, y] = [x + step.x, y + step.y]
        return picture
      })
      if (isShuffled) random.named('order').shuffle(all)
      return { width: side, height: side, pixels: Uint8Array.from(all.flatMap((own) => [...own])) }
    },
  }
}

/** A step that stays within the room: turned where it would not. */
const turned = (at: number, step: number, room: number): number =>
  at + step < 0 || at + step > room ? -step : step

/** The inner pixels of a digit, four in one. */
function halved(pixels: Uint8Array): Uint8Array {
  const at = (row: number, column: number): number => pixels[(margin + row) * whole + margin + column]
  return Uint8Array.from({ length: digit ** 2 }, (_, i) => {
    const [row, column] = [2 * Math.floor(i / digit), 2 * (i % digit)]
    const sum = at(row, column) + at(row, column + 1) + at(row + 1, column) + at(row + 1, column + 1)
    return shade * Math.round(sum / 4 / shade)
  })
}
