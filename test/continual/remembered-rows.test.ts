/** What rehearsals keep of the rows they saw, and how they give them back. Reaches inside for `recentRows`, which the learner makes by itself. */
import {
  type Batch,
  batchOfTokens,
  joinBatches,
  padding,
  type Rehearsal,
  reservoirReplay,
  type TokenBatch,
} from '@burgeon/continual'
import { OptionError, StateError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { stepOf } from './step-of.ts'
import { recentRows } from '../../packages/continual/src/rehearsal/recent-rows.ts'

/** One row of a domain: `first`, `first + 1`, … */
const row = (first: number, length: number, domain: string): TokenBatch =>
  batchOfTokens(
    Array.from({ length: length + 1 }, (_, i) => first + i),
    length,
    domain,
  )

/** The rows of a batch without their padding, and their domains. */
function rowsIn(rows: Batch | null): (readonly [string, ...number[]])[] {
  if (rows === null) return []
  const batch = rows as TokenBatch
  return batch.domains.map((domain, i) => [
    domain,
    ...batch.tokens
      .subarray(i * (batch.length + 1), (i + 1) * (batch.length + 1))
      .filter((token) => token !== padding),
  ])
}

const inOrder = (rows: ReturnType<typeof rowsIn>): ReturnType<typeof rowsIn> =>
  rows.toSorted(([a], [b]) => (a < b ? -1 : 1))

/** The state as a file gives it back, changed. */
const changed = (rehearsal: Rehearsal, change: object): object => ({
  ...(structuredClone(rehearsal.toState()) as object),
  ...change,
})

const double = (tokens: Int32Array): Int32Array =>
  tokens.map((token) => (token === padding ? token : 2 * token))

describe('the latest rows', () => {
  const filled = (): Rehearsal => {
    const rehearsal = recentRows(3)
    for (const [i, domain] of ['a', 'b', 'c', 'd'].entries())
      rehearsal.remember(stepOf(row(10 * i, 2, domain)))
    return rehearsal
  }
  test('are the last that came, and nothing of them is learnt again', () => {
    const rehearsal = filled()
    expect(rowsIn(rehearsal.sample(2))).toEqual([
      ['c', 20, 21, 22],
      ['d', 30, 31, 32],
    ])
    expect(rowsIn(rehearsal.sample(9))).toEqual([
      ['b', 10, 11, 12],
      ['c', 20, 21, 22],
      ['d', 30, 31, 32],
    ])
    expect(rehearsal.recall(stepOf(row(0, 2, 'e')))).toBe(null)
    expect(recentRows(3).sample(2)).toBe(null)
  })
  test('of another length than the longest are of an earlier context, and are left out', () => {
    const rehearsal = filled()
    rehearsal.remember(stepOf(row(50, 4, 'e')))
    const sample = rehearsal.sample(3)
    expect(rowsIn(sample)).toEqual([['e', 50, 51, 52, 53, 54]])
    expect(sample).toMatchObject({ length: 4 })
  })
  test('are written in other tokens when the vocabulary has grown', () => {
    const rehearsal = filled()
    rehearsal.recode?.(double)
    expect(rowsIn(rehearsal.sample(1))).toEqual([['d', 60, 62, 64]])
  })
  test('come back from a state, no more than there is room for', () => {
    const rehearsal = filled()
    const other = recentRows(2)
    other.restore(structuredClone(rehearsal.toState()))
    expect(rowsIn(other.sample(9))).toEqual(rowsIn(rehearsal.sample(2)))
    other.remember(stepOf(row(40, 2, 'e')))
    expect(rowsIn(other.sample(9))[1]).toEqual(['e', 40, 41, 42])
  })
  test('are refused where rows and domains are not as many', () => {
    const rehearsal = filled()
    const before = rowsIn(rehearsal.sample(9))
    expect(() => rehearsal.restore(changed(rehearsal, { domains: ['b', 'c'] }))).toThrow(StateError)
    expect(() => rehearsal.restore(changed(rehearsal, { domains: ['b', 'c', 'd', 'e'] }))).toThrow(
      'expected as many rows as domains',
    )
    expect(rowsIn(rehearsal.sample(9))).toEqual(before)
  })
})

describe('a replay', () => {
  const filled = (): Rehearsal => {
    const rehearsal = reservoirReplay({ capacity: 4, share: 1 })
    for (const [i, domain] of ['a', 'b', 'c'].entries()) rehearsal.remember(stepOf(row(10 * i, 2, domain)))
    return rehearsal
  }
  const all = (rehearsal: Rehearsal): unknown => inOrder(rowsIn(rehearsal.sample(9)))
  const whole = [
    ['a', 0, 1, 2],
    ['b', 10, 11, 12],
    ['c', 20, 21, 22],
  ]
  test('gives every row with the domain it came from, and none for none', () => {
    expect(all(filled())).toEqual(whole)
    expect(filled().sample(0)).toBe(null)
    expect(reservoirReplay({ capacity: 4 }).sample(2)).toBe(null)
    expect(reservoirReplay({ capacity: 4 }).recall(stepOf(row(0, 2, 'a')))).toBe(null)
    expect(filled().sample(3)).toMatchObject({ length: 2 })
    expect(reservoirReplay({ capacity: 4 }).toState()).toMatchObject({
      tokens: new Int32Array(0),
      domains: [],
    })
  })
  test('keeps as many rows as it has room for, of all that came', () => {
    const rehearsal = filled()
    for (let i = 3; i < 40; i++) rehearsal.remember(stepOf(row(10 * i, 2, `n${i}`)))
    const kept = rowsIn(rehearsal.sample(100))
    expect(kept).toHaveLength(4)
    for (const [domain, first] of kept) {
      expect(domain).toBe(['a', 'b', 'c'][first / 10] ?? `n${first / 10}`)
    }
    expect(new Set(kept.map(([domain]) => domain)).size).toBe(4)
    expect((rehearsal.toState() as { domains: readonly string[] }).domains).toHaveLength(4)
  })
  test('owes no fraction of a row for what came before there was anything to rehearse', () => {
    const rehearsal = reservoirReplay({ capacity: 4, share: 0.75 })
    rehearsal.recall(stepOf(row(0, 2, 'a')))
    rehearsal.remember(stepOf(row(0, 2, 'a')))
    expect([1, 2, 3, 4].map(() => rowsIn(rehearsal.recall(stepOf(row(0, 2, 'a')))).length)).toEqual([
      0, 1, 1, 1,
    ])
  })
  test('gives rows of two lengths as long as the longer', () => {
    const rehearsal = filled()
    rehearsal.remember(stepOf(row(50, 4, 'd')))
    const sample = rehearsal.sample(4)
    expect(sample).toMatchObject({ length: 4 })
    expect(inOrder(rowsIn(sample))).toEqual([...whole, ['d', 50, 51, 52, 53, 54]])
  })
  test('is written in other tokens when the vocabulary has grown', () => {
    const rehearsal = filled()
    rehearsal.recode?.(double)
    expect(all(rehearsal)).toEqual([
      ['a', 0, 2, 4],
      ['b', 20, 22, 24],
      ['c', 40, 42, 44],
    ])
  })
  test('takes back what recalling changed, so that a failed step draws the same rows again', () => {
    const rehearsal = reservoirReplay({ capacity: 40, share: 0.75 })
    for (let i = 0; i < 40; i++) rehearsal.remember(stepOf(row(10 * i, 2, `n${i}`)))
    const fresh = joinBatches([row(0, 2, 'x'), row(1, 2, 'x'), row(2, 2, 'x')])
    rehearsal.recall(stepOf(fresh))
    const takeBack = rehearsal.mark?.()
    const drawn = [1, 2, 3, 4].map(() => rowsIn(rehearsal.recall(stepOf(fresh))))
    expect(new Set(drawn.map(String)).size).toBe(4)
    takeBack?.()
    expect([1, 2, 3, 4].map(() => rowsIn(rehearsal.recall(stepOf(fresh))))).toEqual(drawn)
  })
  test('comes back from a state with its rows and its draws', () => {
    const rehearsal = filled()
    const other = reservoirReplay({ capacity: 4, seed: 9 })
    other.remember(stepOf(row(90, 2, 'z')))
    other.restore(structuredClone(rehearsal.toState()))
    expect(all(other)).toEqual(whole)
    expect(rowsIn(other.sample(2))).toEqual(
      rowsIn((filled().sample(9), rehearsal.sample(9), rehearsal).sample(2)),
    )
  })
  test('is refused where its rows, domains, slots or capacity do not fit each other', () => {
    const rehearsal = filled()
    const { tokens, domains } = rehearsal.toState() as { tokens: Int32Array; domains: readonly string[] }
    const damaged = [
      changed(rehearsal, { tokens: tokens.slice(3) }),
      changed(rehearsal, { domains: domains.slice(1) }),
      changed(rehearsal, { domains: domains.slice(1), tokens: tokens.slice(3) }),
      changed(rehearsal, { length: 9 }),
    ]
    for (const state of damaged) expect(() => rehearsal.restore(state)).toThrow(StateError)
    const larger = reservoirReplay({ capacity: 5 })
    expect(() => larger.restore(rehearsal.toState())).toThrow('expected as many rows as slots, and 5 slots')
    expect(all(rehearsal)).toEqual(whole)
  })
  test('is refused without room, or with a share of nothing', () => {
    for (const capacity of [0, -1, 1.5, Number.NaN]) {
      expect(() => reservoirReplay({ capacity })).toThrow(OptionError)
      expect(() => reservoirReplay({ capacity })).toThrow('reservoirReplay: got')
    }
    for (const share of [0, -1, Number.NaN]) {
      expect(() => reservoirReplay({ capacity: 1, share })).toThrow(OptionError)
    }
  })
})
