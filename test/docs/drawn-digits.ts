/** A stand-in for MNIST: digits of a small font, moved, slanted, stretched and blurred, in files of the same form. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { mnistFiles, writeIdx } from '../../bench/training/idx-files.ts'

/** Seven rows of five pixels for each digit, as bits. */
const font = [
  [14, 17, 19, 21, 25, 17, 14],
  [4, 12, 4, 4, 4, 4, 14],
  [14, 17, 1, 2, 4, 8, 31],
  [31, 2, 4, 2, 1, 17, 14],
  [2, 6, 10, 18, 31, 2, 2],
  [31, 16, 30, 1, 1, 17, 14],
  [6, 8, 16, 30, 17, 17, 14],
  [31, 1, 2, 4, 8, 8, 8],
  [14, 17, 17, 14, 17, 17, 14],
  [14, 17, 17, 15, 1, 2, 12],
]
const side = 28

const isInk = (digit: number, x: number, y: number): number =>
  x >= 0 && x < 5 && y >= 0 && y < 7 ? (font[digit][y] >> (4 - x)) & 1 : 0

/** How dark a digit is at a place between its pixels. */
function inkAt(digit: number, x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)]
  const [right, down] = [x - left, y - top]
  const upper = (1 - right) * isInk(digit, left, top) + right * isInk(digit, left + 1, top)
  const lower = (1 - right) * isInk(digit, left, top + 1) + right * isInk(digit, left + 1, top + 1)
  return (1 - down) * upper + down * lower
}

function draw(digit: number, random: RandomStream): Uint8Array {
  const between = (low: number, high: number): number => low + (high - low) * random.uniform()
  const [wide, high] = [between(2.2, 3.4), between(2.2, 3.2)]
  const [slant, across, down] = [between(-0.25, 0.25), between(-2, 2), between(-2, 2)]
  return Uint8Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [(i % side) - side / 2 - across, Math.floor(i / side) - side / 2 - down]
    const ink = inkAt(digit, (x + slant * y) / wide + 2, y / high + 3)
    return Math.min(255, Math.max(0, 255 * ink + 20 * random.normal()))
  })
}

/**
 * Writes so many digits for training and for testing.
 *
 * @param labelOf The label of the i-th training image that shows this digit; the digit itself unless given.
 */
export function writeDrawnDigits(
  folder: string,
  counts: Readonly<Record<'train' | 'test', number>>,
  labelOf: (digit: number, i: number) => number = (digit) => digit,
): void {
  mkdirSync(folder, { recursive: true })
  for (const set of ['train', 'test'] as const) {
    const random = new RandomStream(keyFromSeed(3)).named(set)
    const digits = Array.from({ length: counts[set] }, () => random.below(10))
    const images = Buffer.concat(digits.map((digit) => draw(digit, random)))
    const labels = Uint8Array.from(digits, (digit, i) => (set === 'train' ? labelOf(digit, i) : digit))
    writeIdx(join(folder, mnistFiles[set].images), { shape: [digits.length, side, side], bytes: images })
    writeIdx(join(folder, mnistFiles[set].labels), { shape: [digits.length], bytes: labels })
  }
}
