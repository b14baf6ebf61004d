/** Which feedback is kept, which is learnt next, and what becomes of it in other tokens. Reaches inside to see the order. */
import { StateError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
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
    first.map(({ record }) => ({ record: { ...record, uses: 1, ratio: 0 }, holds: null })),
  )
  expect(answersIn(store.choose(2, 9))).toEqual([1, 3])
})

const wantedInstead = { prompt: [1], tokens: [9], reference: null, referenceTokens: 0 }

/**
 * Looks of a store at one correction a step. A new one comes with every so many looks.
 *
 * @param holds Whether a correction holds at a look, after so many uses.
 * @returns Which one was looked at, look by look.
 */
function looksOf(
  store: FeedbackStore,
  every: number,
  looks: readonly [from: number, to: number],
  holds: (about: number, look: number, uses: number) => boolean,
): (number | undefined)[] {
  const seen: (number | undefined)[] = []
  for (let look = looks[0]; look < looks[1]; look++) {
    if (look % every === 0) store.add(said(look, null, { kind: 'correct', wanted: wantedInstead }))
    const chosen = store.choose(1, 2)
    const [about] = answersIn(chosen)
    store.learnt(
      chosen,
      chosen.map(({ record }) => ({
        record: { ...record, uses: record.uses + 1, ratio: 1 },
        holds: holds(about, look, record.uses),
      })),
    )
    seen.push(about)
  }
  return seen
}

describe('a correction that was learnt', () => {
  const atOnce = (_: number, __: number, uses: number): boolean => uses > 0

  test('is looked at again while newer ones come, ever more seldom as it holds', () => {
    const seen = looksOf(storeOf(50), 40, [0, 200], atOnce)
    // Learnt as often as the others at first: nothing else asks for more.
    expect(seen.slice(0, 4)).toEqual([0, 0, 0, 0])
    const looks = seen.flatMap((about, look) => (about === 0 && look > 40 ? [look] : []))
    expect(looks.length).toBeGreaterThan(3)
    const gaps = looks.slice(1).map((look, i) => look - looks[i])
    expect(gaps.toSorted((a, b) => a - b)).toEqual(gaps)
  })

  test('and was lost comes before those that hold, until it holds again', () => {
    const store = storeOf(50)
    const before = looksOf(store, 5, [0, 100], atOnce)
    expect(new Set(before.slice(90)).has(0)).toBe(false)
    // The first is lost.
    const after = looksOf(
      store,
      5,
      [100, 400],
      (about, look, uses) => atOnce(about, look, uses) && about !== 0,
    )
    const found = after.indexOf(0)
    expect(found).toBeGreaterThanOrEqual(0)
    // From then on it has every look that nothing new asks for.
    const rest = after.slice(found, found + 20)
    expect(rest.filter((about) => about === 0).length).toBeGreaterThan(8)
    const again = looksOf(store, 5, [400, 420], atOnce)
    expect(again.filter((about) => about === 0).length).toBeLessThan(5)
  })

  test('and never holds does not take the place of others for ever', () => {
    const seen = looksOf(
      storeOf(50),
      5,
      [0, 300],
      (about, look, uses) => atOnce(about, look, uses) && about !== 0,
    )
    expect(seen.slice(250).filter((about) => about === 0).length).toBeLessThan(5)
    expect(seen.filter((about) => about === 0).length).toBeGreaterThan(32)
  })

  test('is due after its state was saved when it was before, and at once in other tokens', () => {
    const [whole, first] = [storeOf(50), storeOf(50)]
    for (const store of [whole, first]) looksOf(store, 5, [0, 60], atOnce)
    const resumed = storeOf(50)
    resumed.restore(structuredClone(first.toState()))
    expect(looksOf(resumed, 5, [60, 160], atOnce)).toEqual(looksOf(whole, 5, [60, 160], atOnce))
    const looked = { rest: 64, due: 900, misses: 0 }
    const record = said(5, null, { kind: 'correct', wanted: wantedInstead, looked })
    expect(recodedRecord(record, (row) => row.map((token) => (token === 5 ? 6 : token))).looked).toEqual({
      ...{ rest: 0, due: 0, misses: 0 },
    })
  })
})

test('a correction takes two rows, and is left out where there is one', () => {
  const store = storeOf(10)
  store.add(said(1))
  store.add(said(2, null, { kind: 'correct', wanted: wantedInstead }))
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
  const wanted = kind === 'correct' ? wantedInstead : null
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
  const state = { records: [said(1)], recent: [null], looks: 3 }
  store.restore(state)
  for (const wrong of [
    { ...state, records: [said(1, null, { value: 2 })] },
    { ...state, records: [said(1, null, { kind: 'correct' })] },
    {
      ...state,
      records: [said(1, null, { given: { prompt: [], tokens: [1], reference: null, referenceTokens: 0 } })],
    },
    { ...state, recent: [4] },
    { ...state, looks: -1 },
    { ...state, records: [said(1, null, { looked: { rest: -1, due: 0, misses: 0 } })] },
  ]) {
    expect(() => store.restore(wrong)).toThrow(StateError)
  }
  expect(store.records).toEqual([said(1)])
})
