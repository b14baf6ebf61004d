/** Which rows the memories keep, worked out by hand. */
import {
  greedyMemory,
  lossAwareMemory,
  type Memory,
  replay,
  type Retrieval,
  reservoirMemory,
  ringMemory,
  surpriseMemory,
} from '@burgeon/continual'
import { OptionError, StateError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { stepOf } from '../continual/step-of.ts'
import { filled, keptBy, numbered, type Offer, offer, ofDomains } from './offered.ts'

describe('a ring', () => {
  test('keeps the latest rows of a domain, first in, first out', () => {
    const memory = filled(ringMemory(), 3, ofDomains('aaaaa'))
    expect(keptBy(memory)).toEqual([2, 3, 4])
  })
  test('gives a new domain room from the largest, until they share evenly', () => {
    const memory = filled(ringMemory(), 4, ofDomains('aaaa'))
    offer(memory, ofDomains('b'), 4)
    expect(keptBy(memory)).toEqual([1, 2, 3, 4])
    offer(memory, ofDomains('b'), 5)
    expect(keptBy(memory)).toEqual([2, 3, 4, 5])
    // Two and two: from now on each domain pushes out its own.
    offer(memory, ofDomains('bb'), 6)
    expect(keptBy(memory)).toEqual([2, 3, 6, 7])
    offer(memory, ofDomains('a'), 8)
    expect(keptBy(memory)).toEqual([3, 6, 7, 8])
  })
})

describe('a memory of what surprises', () => {
  const losses = (domain: string, ...values: readonly number[]): Offer[] =>
    values.map((loss) => ({ domain, loss }))
  test('keeps the rows that were predicted worst', () => {
    const memory = filled(surpriseMemory(), 3, losses('a', 2, 5, 1, 4, 3, 0.5))
    expect(keptBy(memory)).toEqual([1, 3, 4])
  })
  test('keeps as many of a domain that surprises less', () => {
    const memory = filled(surpriseMemory(), 4, [...losses('a', 9, 8, 7, 6), ...losses('b', 1, 2, 3)])
    expect(keptBy(memory)).toEqual([0, 1, 5, 6])
  })
  test('judges a row by its loss when it was new, not by how well it is known since', async () => {
    const memory = filled(surpriseMemory(), 2, losses('a', 5, 4))
    const fresh = numbered(2, 'a')
    const old = await memory.recall(stepOf(fresh))
    expect(old?.rows).toBe(1)
    memory.remember({ ...stepOf(fresh), step: 3, old, oldLosses: [0], rowLosses: [4.5] })
    expect(keptBy(memory)).toEqual([0, 2])
  })
})

describe('a greedy memory', () => {
  test('keeps the first rows, and gives a new domain room from the largest', () => {
    const memory = filled(greedyMemory(), 4, ofDomains('aaaaaa'))
    expect(keptBy(memory)).toEqual([0, 1, 2, 3])
    offer(memory, ofDomains('bbbb'), 6)
    const kept = keptBy(memory)
    expect(kept.filter((number) => number < 6)).toHaveLength(2)
    expect(kept.filter((number) => number >= 6)).toEqual([6, 7])
  })
  test('leaves a domain that has its share as it is, also where shares are no whole numbers', () => {
    const memory = filled(greedyMemory(), 5, ofDomains('aaaabbbb'))
    const before = keptBy(memory)
    offer(memory, ofDomains('abab'), 8)
    expect(keptBy(memory)).toEqual(before)
  })
})

describe('a loss-aware memory', () => {
  /** How often each of the first rows is still there after one more, in many runs. */
  function survivals(memory: () => Memory, offers: readonly Offer[], runs = 1500): number[] {
    const counts = new Array<number>(offers.length - 1).fill(0)
    let accepted = 0
    for (let seed = 0; seed < runs; seed++) {
      const kept = keptBy(filled(memory(), offers.length - 1, offers, seed))
      if (!kept.includes(offers.length - 1)) continue
      accepted++
      for (const number of kept) if (number < counts.length) counts[number]++
    }
    // The chance of algorithm R: n − 1 of n.
    expect(accepted / runs).toBeCloseTo((offers.length - 1) / offers.length, 1)
    return counts.map((count) => 1 - count / accepted)
  }
  const a = (loss: number): Offer => ({ domain: 'a', loss })
  test('lets go of rows in proportion to how well they are known', () => {
    // Losses 0, 1, 4 are 0, ¼, 1 between the least and the greatest: weights 1, ¾, 0.
    const chances = survivals(
      () => lossAwareMemory({ balanced: false, halfLife: 1e9 }),
      [a(0), a(1), a(4), a(2)],
    )
    expect(chances[0]).toBeCloseTo(1 / 1.75, 1)
    expect(chances[1]).toBeCloseTo(0.75 / 1.75, 1)
    expect(chances[2]).toBe(0)
  })
  test('lets go more easily of a domain that has many rows', () => {
    // Of equal losses all are known as well (weight 1); a has three rows of four (weight 1 more).
    const offers = [...ofDomains('aaab'), a(1)]
    const chances = survivals(() => lossAwareMemory(), offers)
    for (const chance of chances.slice(0, 3)) expect(chance).toBeCloseTo(2 / 7, 1)
    expect(chances[3]).toBeCloseTo(1 / 7, 1)
    const alike = survivals(() => lossAwareMemory({ balanced: false }), offers)
    expect(alike[3]).toBeCloseTo(1 / 4, 1)
  })
  test('believes an old loss less: half of its distance from the mean after a half-life', () => {
    // Steps 1, 2, 3 and then 4, with a half-life of 1: ages 3, 2, 1. The mean is 3.
    const chances = survivals(
      () => lossAwareMemory({ balanced: false, halfLife: 1 }),
      [a(0), a(3), a(6), a(1)],
    )
    // Aged: 3 − 3/8, 3, 3 + 3/2; scaled 0, 0.2, 1; weights 1, 0.8, 0.
    expect(chances[0]).toBeCloseTo(1 / 1.8, 1)
    expect(chances[1]).toBeCloseTo(0.8 / 1.8, 1)
    expect(chances[2]).toBe(0)
  })
  test('is refused with a half-life that is not positive, and takes no state of another', () => {
    for (const halfLife of [0, -1, Number.NaN, Infinity]) {
      expect(() => lossAwareMemory({ halfLife })).toThrow(OptionError)
    }
    const saved = lossAwareMemory({ halfLife: 5 }).toState()
    expect(() => lossAwareMemory({ halfLife: 6 }).restore(saved)).toThrow(StateError)
  })
})

test('a memory that names a place that there is not is told so', () => {
  for (const [place, evicted] of [
    [3, 0],
    [-1, 0],
    [0.5, 0],
  ]) {
    const wrong: Memory = { ...reservoirMemory(), name: 'lost', offer: () => place, evict: () => evicted }
    expect(() => filled(wrong, 2, ofDomains('a'))).toThrow('replay: the memory "lost": got place')
  }
  const astray: Memory = { ...reservoirMemory(), name: 'astray', evict: () => 9 }
  const small = replay({ capacity: { bytes: 4 }, memory: astray })
  offer(small, ofDomains('a'))
  expect(() => small.recode?.((row) => row.map(() => 300))).toThrow('replay: the memory "astray": got place')
})

test('a memory hears how well its rows are known by now', async () => {
  const heard: (readonly number[])[] = []
  const listening: Memory = {
    ...reservoirMemory(),
    offer(_row, view) {
      heard.push(view.rows.map(({ loss, firstLoss, learntAt }) => [loss, firstLoss, learntAt]).flat())
      return view.rows.length
    },
  }
  const rehearsal = replay({ capacity: 5, memory: listening })
  offer(rehearsal, [{ domain: 'a', loss: 4 }])
  const fresh = numbered(1, 'a')
  const old = await rehearsal.recall(stepOf(fresh))
  rehearsal.remember({ ...stepOf(fresh), step: 9, old, oldLosses: [0.5], rowLosses: [3] })
  expect(heard).toEqual([[], [0.5, 4, 9]])
})

test('a retrieval is asked for rows where some are due, of as many as there are', async () => {
  const asked: (readonly [number, number])[] = []
  const retrieval: Retrieval = {
    name: 'the first',
    choose(wanted, { size }) {
      asked.push([wanted, size])
      return [0]
    },
  }
  const rehearsal = replay({ capacity: 5, share: 0.5, retrieval })
  const rows = []
  offer(rehearsal, ofDomains('ab'))
  for (let i = 0; i < 4; i++) rows.push((await rehearsal.recall(stepOf(numbered(9, 'a'))))?.domains ?? null)
  expect(rows).toEqual([null, ['a'], null, ['a']])
  expect(asked).toEqual([
    [1, 2],
    [1, 2],
  ])
})

test('rows that are there first are the only ones', () => {
  expect(keptBy(replay({ capacity: 5, first: numbered(3, 'a') }))).toEqual([3])
})

test('what is no memory and no retrieval is refused', () => {
  expect(() => replay({ capacity: 3, memory: {} as never })).toThrow(OptionError)
  expect(() => replay({ capacity: 3, retrieval: {} as never })).toThrow(OptionError)
  for (const capacity of [0, 1.5, {}, { bytes: 0 }, { bytes: 2.5 }, null]) {
    expect(() => replay({ capacity: capacity as never })).toThrow(OptionError)
  }
})
