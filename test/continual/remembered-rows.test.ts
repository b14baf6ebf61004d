/** What rehearsals keep of the rows they saw, and how they give them back. Reaches inside for `recentRows`, which the learner makes by itself. */
import {
  type Batch,
  batchOfTokens,
  type ExampleBatch,
  joinBatches,
  padding,
  type Rehearsal,
  replay as replayOf,
  reservoirReplay,
  ringMemory,
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
function rowsIn(batch: Batch | null): (readonly [string, ...number[]])[] {
  if (batch === null) return []
  const { tokens, length, domains } = batch as TokenBatch
  return domains.map((domain, i) => [
    domain,
    ...tokens.subarray(i * (length + 1), (i + 1) * (length + 1)).filter((token) => token !== padding),
  ])
}

const inOrder = (rows: ReturnType<typeof rowsIn>): ReturnType<typeof rowsIn> =>
  rows.toSorted(([a], [b]) => (a < b ? -1 : 1))

/** What is recalled for the same batch, time after time. */
async function recalledBy(
  rehearsal: Rehearsal,
  fresh: TokenBatch,
  times: number,
): Promise<ReturnType<typeof rowsIn>[]> {
  const recalled = []
  for (let i = 0; i < times; i++) recalled.push(rowsIn(await rehearsal.recall(stepOf(fresh))))
  return recalled
}

/** The state as a file gives it back, changed. */
const changed = (rehearsal: Rehearsal, change: object): object => ({
  ...(structuredClone(rehearsal.toState()) as object),
  ...change,
})

/** The rows of a saved state, without what else it holds. */
const pick = ({
  kind: _kind,
  capacity: _capacity,
  memory: _memory,
  ...rows
}: Record<string, unknown>): object => rows

const double = (tokens: Int32Array): Int32Array =>
  tokens.map((token) => (token === padding ? token : 2 * token))

describe('the latest rows', () => {
  const filled = (): Rehearsal => {
    const rehearsal = recentRows(3)
    for (const [i, domain] of ['a', 'b', 'c', 'd'].entries())
      rehearsal.remember(stepOf(row(10 * i, 2, domain)))
    return rehearsal
  }
  test('are the last that came, and nothing of them is learnt again', async () => {
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
    expect(await rehearsal.recall(stepOf(row(0, 2, 'e')))).toBe(null)
    expect(recentRows(3).sample(2)).toBe(null)
  })
  test('of another length than the longest are of an earlier context, and are left out', () => {
    const rehearsal = filled()
    rehearsal.remember(stepOf(row(50, 4, 'e')))
    const sample = rehearsal.sample(3)
    expect(rowsIn(sample)).toEqual([['e', 50, 51, 52, 53, 54]])
    expect((sample as TokenBatch).length).toBe(4)
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
    expect(() => rehearsal.restore(changed(rehearsal, { rows: [[0.5], [1], [2]] }))).toThrow(StateError)
    expect(rowsIn(rehearsal.sample(9))).toEqual(before)
  })
  test('may be examples, and come back from a state with their inputs and targets', () => {
    const examples = (first: number): ExampleBatch => ({
      rows: 2,
      inputs: Float32Array.of(first, 0.5, first + 1, 0.25),
      targets: Float32Array.of(1, 0),
      domains: ['a', 'b'],
    })
    const rehearsal = recentRows(3)
    for (const first of [1, 3]) rehearsal.remember({ ...stepOf(row(0, 2, 'x')), fresh: examples(first) })
    const other = recentRows(3)
    const state = structuredClone(rehearsal.toState()) as { rows: Float32Array[]; domains: string[] }
    expect(state).toEqual({
      rows: [Float32Array.of(2, 0.25, 0), Float32Array.of(3, 0.5, 1), Float32Array.of(4, 0.25, 0)],
      domains: ['b', 'a', 'b'],
      inputs: 2,
    })
    other.restore(state)
    expect(other.sample(2)).toEqual(examples(3))
    const { rows } = state
    // A row needs a target after its inputs.
    for (const [i] of rows.entries()) {
      const short = rows.map((own, at) => (at === i ? own.slice(0, 2) : own))
      expect(() => other.restore({ ...state, rows: short })).toThrow(StateError)
    }
    expect(() => other.restore({ rows, domains: state.domains })).toThrow(StateError)
    expect(other.sample(2)).toEqual(examples(3))
    expect(recentRows(1).toState()).toEqual({ rows: [], domains: [] })
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
  test('gives every row with the domain it came from, and none for none', async () => {
    expect(all(filled())).toEqual(whole)
    expect(filled().sample(0)).toBe(null)
    expect(reservoirReplay({ capacity: 4 }).sample(2)).toBe(null)
    expect(await reservoirReplay({ capacity: 4 }).recall(stepOf(row(0, 2, 'a')))).toBe(null)
    expect((filled().sample(3) as TokenBatch).length).toBe(2)
    expect(reservoirReplay({ capacity: 4 }).toState()).toMatchObject({
      packed: new Uint8Array(0),
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
  test('owes no fraction of a row for what came before there was anything to rehearse', async () => {
    const rehearsal = reservoirReplay({ capacity: 4, share: 0.75 })
    await rehearsal.recall(stepOf(row(0, 2, 'a')))
    rehearsal.remember(stepOf(row(0, 2, 'a')))
    const recalled = await recalledBy(rehearsal, row(0, 2, 'a'), 4)
    expect(recalled.map(({ length }) => length)).toEqual([0, 1, 1, 1])
  })
  test('gives rows of two lengths as long as the longer', () => {
    const rehearsal = filled()
    rehearsal.remember(stepOf(row(50, 4, 'd')))
    const sample = rehearsal.sample(4)
    expect((sample as TokenBatch).length).toBe(4)
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
  test('takes back what recalling changed, so that a failed step draws the same rows again', async () => {
    const rehearsal = reservoirReplay({ capacity: 40, share: 0.75 })
    for (let i = 0; i < 40; i++) rehearsal.remember(stepOf(row(10 * i, 2, `n${i}`)))
    const fresh = joinBatches([row(0, 2, 'x'), row(1, 2, 'x'), row(2, 2, 'x')])
    await rehearsal.recall(stepOf(fresh))
    const takeBack = rehearsal.mark?.()
    const drawn = await recalledBy(rehearsal, fresh, 4)
    expect(new Set(drawn.map(String)).size).toBe(4)
    takeBack?.()
    expect(await recalledBy(rehearsal, fresh, 4)).toEqual(drawn)
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
  test('is refused where its rows, domains, sizes or capacity do not fit each other', () => {
    const rehearsal = filled()
    const state = rehearsal.toState() as {
      packed: Uint8Array
      sizes: Int32Array
      domains: readonly string[]
      losses: Float64Array
    }
    const damaged = [
      changed(rehearsal, { packed: state.packed.slice(3) }),
      changed(rehearsal, { packed: state.packed.map(() => 9) }),
      changed(rehearsal, { domains: state.domains.slice(1) }),
      changed(rehearsal, { sizes: state.sizes.map((size) => size + 1) }),
      changed(rehearsal, { losses: state.losses.slice(1) }),
      changed(rehearsal, { memory: ringMemory().toState() }),
    ]
    for (const damage of damaged) expect(() => rehearsal.restore(damage)).toThrow(StateError)
    const larger = reservoirReplay({ capacity: 5 })
    expect(() => larger.restore(rehearsal.toState())).toThrow(
      "the state was saved with capacity '4 rows'; this one has '5 rows'",
    )
    const crowded = { ...(reservoirReplay({ capacity: 2 }).toState() as object), ...pick(state) }
    expect(() => reservoirReplay({ capacity: 2 }).restore(crowded)).toThrow('expected no more than 2 rows')
    expect(all(rehearsal)).toEqual(whole)
  })
  test('comes back from a state that 0.1 saved, and draws on as it would have then', async () => {
    const rehearsal = filled()
    const state = rehearsal.toState() as { random: object; owed: number; domains: readonly string[] }
    const { random, owed, domains } = state
    const first = {
      ...{ random, owed, domains, length: 4 },
      reservoir: { kind: 'reservoir', capacity: 4, seen: 3 },
      tokens: Int32Array.of(0, 1, 2, -1, 10, 11, 12, -1, 20, 21, 22, -1),
    }
    const other = reservoirReplay({ capacity: 4 })
    other.restore(structuredClone(first))
    for (const each of [rehearsal, other]) {
      for (let i = 3; i < 9; i++) each.remember(stepOf(row(10 * i, 2, `n${i}`)))
    }
    expect(await recalledBy(other, row(0, 2, 'x'), 5)).toEqual(await recalledBy(rehearsal, row(0, 2, 'x'), 5))
    expect(all(other)).toEqual(all(rehearsal))
    for (const damage of [
      { tokens: first.tokens.slice(4) },
      { domains: ['a'] },
      { length: 3 },
      { reservoir: { kind: 'reservoir', capacity: 4, seen: 2 } },
    ]) {
      expect(() => other.restore({ ...first, ...damage })).toThrow('expected as many rows as slots')
    }
    const five = { ...first, reservoir: { kind: 'reservoir', capacity: 5, seen: 3 } }
    expect(() => other.restore(five)).toThrow("saved with capacity '5 rows'")
  })
  test('is refused without room, or with a share of nothing', () => {
    for (const capacity of [0, -1, 1.5, Number.NaN]) {
      expect(() => reservoirReplay({ capacity })).toThrow(OptionError)
      expect(() => reservoirReplay({ capacity })).toThrow('reservoirReplay: got')
    }
    for (const share of [0, -1, Number.NaN]) {
      expect(() => reservoirReplay({ capacity: 1, share })).toThrow(OptionError)
      expect(() => reservoirReplay({ capacity: 1, share })).toThrow('reservoirReplay: got')
      expect(() => replayOf({ capacity: 1, share })).toThrow('replay: got')
    }
  })
})
