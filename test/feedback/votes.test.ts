/** Who is believed, and what is left where people disagree. Reaches inside, for numbers that a learner would hide. */
import { expect, test } from 'vitest'
import type {
  FeedbackKind,
  FeedbackRecord,
} from '../../packages/continual/src/rehearsal/feedback/feedback-record.ts'
import { reliabilities, strengths } from '../../packages/continual/src/rehearsal/feedback/votes.ts'

/** What a source says of answer number `about`. */
const said = (
  kind: FeedbackKind,
  about: number,
  source: string | null = null,
  value = 1,
): FeedbackRecord => ({
  ...{ kind, source, value, uses: 0, ratio: null },
  given: { prompt: [1], tokens: [about], reference: null, referenceTokens: 0 },
  wanted:
    kind === 'correct' ? { prompt: [1], tokens: [about, 9], reference: null, referenceTokens: 0 } : null,
})

const owner = (source: string | null): boolean => source === null
const strengthsOf = (records: readonly FeedbackRecord[]): number[] =>
  strengths(records, reliabilities(records, owner))

test('a source is believed as far as it agreed with the owner, and one that nobody knows not at all', () => {
  const votes = Array.from({ length: 12 }, (_, i) => [
    said('accept', i),
    said('accept', i, 'right'),
    said('reject', i, 'wrong'),
    said(i % 2 ? 'accept' : 'reject', i, 'either'),
    said('accept', 100 + i, 'stranger'),
  ]).flat()
  const believed = reliabilities(votes, owner)
  // (2 + 12) / (4 + 12), and twice that less one.
  expect(believed.get('right')).toBeCloseTo(0.75, 12)
  expect(believed.get('wrong')).toBe(0)
  expect(believed.get('either')).toBe(0)
  expect(believed.get('stranger')).toBe(0)
  expect(believed.get(null)).toBe(1)
})

test('a correction is a vote against the given answer, and a reward is none', () => {
  const votes = Array.from({ length: 12 }, (_, i) => [
    said('reject', i),
    said('correct', i, 'corrects'),
    said('reward', i, 'rewards', 5),
  ]).flat()
  const believed = reliabilities(votes, owner)
  expect(believed.get('corrects')).toBeCloseTo(0.75, 12)
  expect(believed.get('rewards')).toBe(0)
})

test('what says the opposite of an answer cancels out, as far as both are believed', () => {
  expect(strengthsOf([said('accept', 1), said('accept', 2)])).toEqual([1, 1])
  expect(strengthsOf([said('accept', 1, null, 0.25)])).toEqual([0.25])
  const both = (records: FeedbackRecord[]): number[] =>
    strengths(
      records,
      new Map([
        ['a', 1],
        ['b', 1],
        ['c', 0.5],
      ]),
    )
  expect(both([said('accept', 1, 'a'), said('reject', 1, 'b')])).toEqual([0, 0])
  expect(both([said('accept', 1, 'a'), said('reject', 1, 'c')])).toEqual([0.5, 0])
  expect(both([said('accept', 1, 'a'), said('accept', 1, 'b'), said('correct', 1, 'c')])).toEqual([
    0.75, 0.75, 0,
  ])
  // Of other answers, or of none that is known, nothing is taken off.
  expect(both([said('accept', 1, 'a'), said('reject', 2, 'b')])).toEqual([1, 1])
  expect(both([said('accept', 1, 'nobody')])).toEqual([0])
})

test('a reward counts by the trust in its source, and not by its size', () => {
  expect(strengthsOf([said('reward', 1, null, -40), said('reward', 1, 'stranger', 3)])).toEqual([1, 0])
})
