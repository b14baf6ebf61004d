/** Where the pieces of a row are, and where a row may be cut. */
import { endWithin, Gpt, piecesIn, tokensWithin } from '@burgeon/gpt'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'
import { someRows, tinyModel, tinySizes } from './tiny-senses.ts'

const reference = openReference()
const rows = () => someRows(new RandomStream(keyFromSeed(1)))

test('pieces are found with their sense, from its token to their last byte', async () => {
  const { config } = await tinyModel(reference)
  const found = rows().map((row) => piecesIn(config, row).map(({ sense, start, end }) => [sense, start, end]))
  expect(found).toEqual([
    [['picture', 0, 31]],
    [
      ['picture', 2, 33],
      ['picture', 34, 54],
    ],
    [['sound', 0, 14]],
    [['series', 0, 27]],
    [
      ['film', 1, 14],
      ['sound', 16, 24],
    ],
    [
      ['sound', 1, 7],
      ['picture', 7, 24],
    ],
    [['series', 0, 13]],
    [],
  ])
  expect(piecesIn(Gpt.create(tinySizes, { device: reference }).config, [1, 2, 3])).toEqual([])
})

test('the end of a row that fits begins inside no piece, and no longer one fits', async () => {
  const { config } = await tinyModel(reference)
  for (const row of rows()) {
    const pieces = piecesIn(config, row)
    const isInside = (at: number): boolean => pieces.some(({ start, end }) => at > start && at < end)
    for (let context = 1; context <= 24; context++) {
      const from = endWithin(config, row, context)
      const fits = (at: number): boolean => tokensWithin(config, row.slice(at), context) === row.length - at
      if (from < row.length - 1) expect([isInside(from), fits(from)]).toEqual([false, true])
      const earlier = Array.from({ length: from }, (_, at) => at).filter((at) => !isInside(at) && fits(at))
      expect(earlier).toEqual([])
    }
  }
})

test('of text it has as many tokens as the context, and the one that is predicted', () => {
  const { config } = Gpt.create(tinySizes, { device: reference })
  const row = Array.from({ length: 40 }, (_, i) => i)
  expect([endWithin(config, row), endWithin(config, row, 3), endWithin(config, row, 99)]).toEqual([15, 36, 0])
})
