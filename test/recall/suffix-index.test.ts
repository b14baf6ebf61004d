/** What the index finds, by its definition. Reaches inside: only what follows, and not why, is seen from outside. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  entryBytes,
  SuffixIndex,
  suffixLengths,
} from '../../packages/continual/src/memory/episodic/suffix-index.ts'
import { times } from '../how-long.ts'

const someTexts = fc.array(fc.uint8Array({ ...{ minLength: 1, maxLength: 90 }, min: 0, max: 2 }), {
  maxLength: 10,
})

/** An index of texts that stand one after another, which are not one text. */
function indexOf(texts: readonly Uint8Array[], room = 20_000): { index: SuffixIndex; all: Uint8Array } {
  const all = Uint8Array.from(texts.flatMap((text) => [...text]))
  const index = new SuffixIndex(all, room * entryBytes)
  let start = 0
  for (const { length } of texts) {
    for (let place = start; place < start + length; place++) index.add(place, place > start)
    start += length
  }
  return { index, all }
}

/** Places in all texts that follow a suffix, in order. */
function placesAfter(texts: readonly Uint8Array[], suffix: Uint8Array): number[] {
  const places: number[] = []
  let start = 0
  for (const text of texts) {
    for (let at = suffix.length; at < text.length; at++) {
      if (suffix.every((byte, i) => text[at - suffix.length + i] === byte)) places.push(start + at)
    }
    start += text.length
  }
  return places
}

test('it is the latest place after the longest suffix, and how much before it is the same', () => {
  const property = fc.property(
    someTexts,
    fc.uint8Array({ maxLength: 40, min: 0, max: 2 }),
    (texts, bytes) => {
      const { index } = indexOf(texts)
      const placesOf = (length: number): number[] =>
        length > bytes.length ? [] : placesAfter(texts, bytes.slice(bytes.length - length))
      const longest = suffixLengths.findLast((length) => placesOf(length).length > 0)
      const found = index.find(bytes, bytes.length)
      if (longest === undefined) {
        expect(found).toBeNull()
        return
      }
      const latest = placesOf(longest).at(-1) as number
      const most = Math.max(...suffixLengths)
      const matched = Array.from({ length: most }, (_, i) => most - i).find((length) =>
        placesOf(length).includes(latest),
      )
      expect(found).toEqual({ latest, matched })
    },
  )
  fc.assert(property, { numRuns: times(300, 10_000) })
})

test('it holds nothing after it was cleared, and what no longer fits is not found, but the rest is', () => {
  const text = Uint8Array.from({ length: 200 }, (_, i) => (i * i * 7 + i) % 251)
  const { index } = indexOf([text])
  expect(index.find(text, 50)?.latest).toBe(50)
  index.clear()
  expect([index.find(text, 50), index.fullness]).toEqual([null, 0])
  const { index: small } = indexOf([text], 20)
  expect(small.fullness).toBeGreaterThan(1)
  const found = Array.from({ length: 150 }, (_, i) => small.find(text, 20 + i)).filter((one) => one !== null)
  expect(found.length).toBeLessThan(20)
  expect(small.find(text, 6)?.latest).toBe(6)
})
