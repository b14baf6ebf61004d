/** The films of `npm run bench -- video`, and the counts that a model is held against. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Films, movingDigits, pictures, side } from '../../bench/senses/moving-digits.ts'
import { leftAndAbove, NeighborhoodModel } from '../../bench/senses/neighborhood-model.ts'
import { mnistFiles, writeIdx } from '../../bench/training/idx-files.ts'

const each = side ** 2
let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'burgeon-digits-'))
  // Bright where a digit has its ink, with an edge that tells top from bottom.
  const digit = Uint8Array.from({ length: 784 }, (_, i) => {
    const [row, column] = [Math.floor(i / 28), i % 28]
    return row >= 6 && row < 22 && column >= 8 && column < 20 ? 255 - 8 * (row - 6) : 0
  })
  const bytes = new Uint8Array(6 * 784)
  for (let i = 0; i < 6; i++) bytes.set(digit, i * 784)
  writeIdx(join(folder, mnistFiles.train.images), { shape: [6, 28, 28], bytes })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const filmsOf = (isShuffled: boolean): Films => movingDigits(folder, 'train', 0, 6, { seed: 3, isShuffled })
const picturesOf = ({ pixels }: ReturnType<Films['at']>): Uint8Array[] =>
  Array.from({ length: pictures }, (_, t) => pixels.slice(t * each, (t + 1) * each))

/** A picture moved by a pixel along either side; nothing of it may leave. */
function moved(picture: Uint8Array, y: number, x: number): Uint8Array {
  const after = new Uint8Array(each)
  picture.forEach((pixel, i) => {
    const [row, column] = [Math.floor(i / side) + y, (i % side) + x]
    if (row >= 0 && row < side && column >= 0 && column < side) after[row * side + column] = pixel
    else if (pixel > 0) after.fill(1)
  })
  return after
}

test('a digit moves aslant by a pixel a picture, turns where it would leave, and keeps its shades', () => {
  const directions = new Set<string>()
  let turns = 0
  for (let i = 0; i < 6; i++) {
    const all = picturesOf(filmsOf(false).at(i))
    expect(new Set(all.flatMap((picture) => [...picture])).size).toBeLessThanOrEqual(4)
    let last = ''
    for (let t = 1; t < pictures; t++) {
      const [way] = [-1, 1]
        .flatMap((y) => [-1, 1].map((x) => [y, x] as const))
        .filter(([y, x]) => Buffer.compare(moved(all[t - 1], y, x), all[t]) === 0)
      expect(way).toBeDefined()
      if (last !== '' && last !== way.join()) turns++
      last = way.join()
      directions.add(last)
    }
  }
  expect(directions.size).toBeGreaterThan(2)
  expect(turns).toBeGreaterThan(2)
})

test('a shuffled film has the same pictures in an order of its own', () => {
  const sorted = (all: readonly Uint8Array[]): string[] =>
    all.map((picture) => Buffer.from(picture).toString('latin1')).toSorted((a, b) => (a < b ? -1 : 1))
  let others = 0
  for (let i = 0; i < 6; i++) {
    const [film, shuffled] = [filmsOf(false), filmsOf(true)].map((films) => picturesOf(films.at(i)))
    expect(sorted(shuffled)).toEqual(sorted(film))
    others += film.filter((picture, t) => Buffer.compare(picture, shuffled[t]) !== 0).length
  }
  expect(others).toBeGreaterThan(3 * pictures)
})

test('counts know nothing at first, and then what is around a pixel', () => {
  const checks = Uint8Array.from({ length: 64 }, (_, i) => ((i + Math.floor(i / 8)) % 2 === 0 ? 200 : 10))
  const model = new NeighborhoodModel(1, leftAndAbove(8))
  expect(model.bits(checks, false)).toBeCloseTo(8 * 64, 10)
  for (let i = 0; i < 50; i++) model.bits(checks, true)
  expect(model.bits(checks, false) / 64).toBeLessThan(0.1)
  // Only what comes from a place on is paid.
  expect(model.bits(checks, false, 60)).toBeLessThan(model.bits(checks, false, 30))
  const alone = new NeighborhoodModel(1, () => [])
  for (let i = 0; i < 50; i++) alone.bits(checks, true)
  expect(alone.bits(checks, false) / 64).toBeGreaterThan(0.9)
})
