/** Which feedback is kept, which is learnt next, and what becomes of it in other tokens. Reaches inside to see the order. */
import { StateError } from '@burgeon/tensor'
import { expect, test } from 'vitest'
import {
  type FeedbackRecord,
  recodedRecord,
} from '../../packages/continual/src/rehearsal/feedback/feedback-record.ts'
import { FeedbackStore } from '../../packages/continual/src/rehearsal/feedback/feedback-store.ts'

const beta = 0.1
const storeOf = (capacity: number, trusted: readonly string[] = []): FeedbackStore =>
  new FeedbackStore(capacity, beta, (source) => source === null || trusted.includes(source))

const said = (
  about: number,
  source: string | null = null,
  more: Partial<FeedbackRecord> = {},
): FeedbackRecord => ({
  ...{ kind: 'accept', source, value: 1, uses: 0, ratio: null, wanted: null },
  given: { prompt: [1], tokens: [about], reference: null, referenceTokens: 0 },
  ...more,
})

const answersIn = (chosen: readonly { readonly record: FeedbackRecord }[]): number[] =>
  chosen.map(({ record }) => record.given.tokens[0])

test('the newest comes first, then what was learnt least', () => {
  const store = storeOf(10)
  for (const about of [1, 2, 3]) store.add(said(about))
  const first = store.choose(2, 9)
  expect(answersIn(first)).toEqual([3, 2])
  store.learnt(
    first,
    first.map(({ record }) => ({ ...record, uses: 1, ratio: 0 })),
  )
  expect(answersIn(store.choose(2, 9))).toEqual([1, 3])
})

test('a correction takes two rows, and is left out where there is one', () => {
  const store = storeOf(10)
  const wanted = { prompt: [1], tokens: [9], reference: null, referenceTokens: 0 }
  store.add(said(1))
  store.add(said(2, null, { kind: 'correct', wanted }))
  expect(answersIn(store.choose(5, 1))).toEqual([1])
  expect(answersIn(store.choose(5, 2))).toEqual([2])
  expect(answersIn(store.choose(5, 3))).toEqual([2, 1])
})

test('where there is no room, the oldest that is done with goes, or else the oldest', () => {
  const store = storeOf(3)
  const kept = (): number[] => store.records.map(({ given }) => given.tokens[0])
  for (const about of [1, 2, 3, 4]) store.add(said(about, null, { uses: about === 3 ? 32 : 0 }))
  expect(kept()).toEqual([1, 2, 4])
  store.add(said(5))
  expect(kept()).toEqual([2, 4, 5])
  // What is said again takes the place of what was said.
  store.add(said(4, null, { kind: 'reject' }))
  expect(kept()).toEqual([2, 5, 4])
  expect(store.records.at(-1)?.kind).toBe('reject')
})

test.each([
  ['accept', 51, true],
  ['accept', -51, false],
  ['reject', -51, true],
  ['reject', 51, false],
  ['correct', 51, true],
  ['accept', 49, false],
  ['reward', 500, false],
] as const)('%s with a log ratio of %d is satisfied: %s', (kind, ratio, isSatisfied) => {
  const store = storeOf(10)
  const wanted = kind === 'correct' ? { prompt: [1], tokens: [9], reference: null, referenceTokens: 0 } : null
  store.add(said(1, null, { kind, ratio, wanted }))
  store.add(said(2, null, { kind: 'reward', value: 4 }))
  store.add(said(3, null, { kind: 'reward', value: 2 }))
  expect(answersIn(store.waiting()).includes(1)).toBe(!isSatisfied)
})

test('rewards are compared within a source, and one alone says nothing', () => {
  const store = storeOf(10, ['a'])
  for (const [about, source, value] of [
    [1, null, 5],
    [2, null, 3],
    [3, 'a', 900],
  ] as const) {
    store.add(said(about, source, { kind: 'reward', value }))
  }
  expect(store.waiting().map(({ record, deviations }) => [record.given.tokens[0], deviations])).toEqual([
    [1, 1],
    [2, -1],
  ])
})

test('of fifty places no source that is not trusted has more than ten, however much it says', () => {
  const store = storeOf(500)
  // The owner has agreed with it often enough for it to be believed, in what was learnt long since.
  for (let about = 0; about < 40; about++) {
    store.add(said(about, null, { uses: 32 }))
    store.add(said(about, 'loud', { uses: 32 }))
  }
  for (let about = 100; about < 300; about++) store.add(said(about, 'loud'))
  const taken = Array.from({ length: 200 }, () => store.choose(1, 1).length)
  const inWindows = taken
    .slice(49)
    .map((_, from) => taken.slice(from, from + 50).reduce((sum, count) => sum + count, 0))
  expect(Math.max(...inWindows)).toBe(10)
  // Who has had enough comes again.
  expect(Math.min(...inWindows)).toBeGreaterThan(7)
})

test('in other tokens prompt and answer stay apart, and what was known of the old ones is forgotten', () => {
  // 5 and 6 become 50, wherever they stand beside each other.
  const merged = (row: Int32Array): Int32Array => {
    const result = row.slice().fill(-1)
    let end = 0
    for (let i = 0; i < row.length; i++) {
      const isPair = i > 0 && row[i] === 5 && row[i + 1] === 6
      result[end++] = isPair ? 50 : row[i]
      if (isPair) i++
    }
    return result
  }
  const record = said(0, null, {
    ...{ uses: 3, ratio: 1.5 },
    given: { prompt: [1, 5, 6, 5], tokens: [6, 5, 6, 2], reference: -4, referenceTokens: 4 },
  })
  const after = recodedRecord(record, merged)
  // The last 5 of the prompt and the first 6 of the answer are not joined.
  expect(after.given).toEqual({ prompt: [1, 50, 5], tokens: [6, 50, 2], reference: null, referenceTokens: 0 })
  expect(after).toMatchObject({ uses: 3, ratio: null })
  const other = said(0, null, {
    ratio: 1.5,
    given: { prompt: [1], tokens: [2, 3], reference: -4, referenceTokens: 2 },
  })
  expect(recodedRecord(other, merged)).toBe(other)
})

test('a state that cannot be is refused', () => {
  const store = storeOf(10)
  const state = { records: [said(1)], recent: [null] }
  store.restore(state)
  for (const wrong of [
    { ...state, records: [said(1, null, { value: 2 })] },
    { ...state, records: [said(1, null, { kind: 'correct' })] },
    {
      ...state,
      records: [said(1, null, { given: { prompt: [], tokens: [1], reference: null, referenceTokens: 0 } })],
    },
    { ...state, recent: [4] },
  ]) {
    expect(() => store.restore(wrong)).toThrow(StateError)
  }
  expect(store.records).toEqual([said(1)])
})
