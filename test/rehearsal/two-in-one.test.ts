/**
 * Two rehearsals in one, in steps without new rows.
 * Reaches inside: what a rehearsal beside another may lack is seen only where both are made here.
 */
import { batchOfTokens, type Batch, type Rehearsal, type TokenBatch } from '@burgeon/continual'
import { describe, expect, test } from 'vitest'
import { composeRehearsals, type OwnRows } from '../../packages/continual/src/rehearsal/compose-rehearsals.ts'

const rowsOf = (rows: number, domain: string): TokenBatch | null =>
  rows === 0 ? null : batchOfTokens(new TextEncoder().encode('a'.repeat(4 * rows + 1)), 4, domain)

type Alone = NonNullable<Rehearsal['recallAlone']>
/** Gives rows from `sample`, up to so many. */
const own = (most: number, alone?: Alone): OwnRows => ({
  ...{ recall: () => null, mark: () => () => {}, recode() {}, forget: () => 0 },
  sample: (rows) => rowsOf(Math.min(rows, most), 'own, sampled'),
  ...{ toState: () => ({}), restore() {} },
  ...(alone && { recallAlone: alone }),
})
const beside = (more: Partial<Rehearsal> = {}): Rehearsal => ({
  ...{ name: 'beside', recall: () => null, remember() {} },
  sample: (rows) => rowsOf(rows, 'beside, sampled'),
  ...{ toState: () => null, restore() {} },
  ...more,
})
const alone =
  (most: number, domain: string): Alone =>
  (rows) =>
    rowsOf(Math.min(rows, most), domain)
const both = (first: OwnRows, second: Rehearsal): Rehearsal =>
  composeRehearsals('test', 'both', first, second)

type Context = Parameters<Alone>[1]
const recalled = async (of: Rehearsal, rows: number): Promise<readonly string[]> =>
  (await of.recallAlone?.(rows, {} as Context))?.domains ?? []

describe('a step without new rows', () => {
  test('has own rows first, and of the other as many as are left', async () => {
    const of = both(own(2, alone(2, 'own')), beside({ recallAlone: alone(9, 'beside') }))
    expect(await recalled(of, 3)).toEqual(['own', 'own', 'beside'])
    expect(await recalled(of, 2)).toEqual(['own', 'own'])
  })
  test('asks the other for nothing once there is enough, and for all where there are none', async () => {
    const asked: number[] = []
    const noted: Alone = (rows) => {
      asked.push(rows)
      return rowsOf(rows, 'beside')
    }
    expect(await recalled(both(own(2, alone(2, 'own')), beside({ recallAlone: noted })), 2)).toHaveLength(2)
    expect(asked).toEqual([])
    expect(await recalled(both(own(0, alone(0, 'own')), beside({ recallAlone: noted })), 2)).toHaveLength(2)
    expect(asked).toEqual([2])
  })
  test('has samples of whichever gives no rows for it', async () => {
    expect(await recalled(both(own(1), beside({ recallAlone: alone(1, 'beside') })), 2)).toEqual([
      'own, sampled',
      'beside',
    ])
    expect(await recalled(both(own(1, alone(1, 'own')), beside()), 2)).toEqual(['own', 'beside, sampled'])
  })
  test('is not theirs where neither gives rows for it: what samples is asked', () => {
    const of = both(own(1), beside())
    expect('recallAlone' in of).toBe(false)
    expect((of.sample(2) as Batch).domains).toEqual(['own, sampled', 'beside, sampled'])
  })
})

test('it wants the outputs of the model where the other does', () => {
  expect(both(own(1), beside({ usesLogits: true })).usesLogits).toBe(true)
  for (const usesLogits of [false, undefined]) {
    expect('usesLogits' in both(own(1), beside({ ...(usesLogits === false && { usesLogits }) }))).toBe(false)
  }
})
