// Reaches inside: what is tested here is a part of its package, not an entry point.
import { describe, expect, test } from 'vitest'
import { OptionError, StateError } from '@burgeon/tensor'
import { type Draw, Reservoir } from '../../packages/continual/src/rehearsal/memory/reservoir.ts'
import { SeededStream } from './seeded-stream.ts'

const [capacity, items, runs] = [10, 100, 20_000]

/** 99.9 % quantile of χ² with 99 degrees of freedom. */
const limit = 148.23

/** χ² of how often each item of a stream is kept; capacity of each run's items are, hence the factors. */
function unevenness(keep: (draw: Draw) => Iterable<number>): number {
  const stream = new SeededStream(2026)
  const kept = new Float64Array(items)
  for (let run = 0; run < runs; run++) for (const item of keep((max) => stream.below(max))) kept[item]++
  const expected = (runs * capacity) / items
  const sum = kept.reduce((total, count) => total + (count - expected) ** 2, 0)
  return (sum / expected / (1 - capacity / items)) * (1 - 1 / items)
}

function offerAll(reservoir: Reservoir, from: number, until: number, kept: number[], draw: Draw): number[] {
  for (let item = from; item < until; item++) {
    const slot = reservoir.offer(draw)
    if (slot !== null) kept[slot] = item
  }
  return kept
}

describe('a reservoir', () => {
  test('keeps every item of the stream with the same chance', () => {
    expect(unevenness((draw) => offerAll(new Reservoir(capacity), 0, items, [], draw))).toBeLessThan(limit)
  })
  test('keeps them so across a save in the middle', () => {
    const resumed = (draw: Draw): number[] => {
      const first = new Reservoir(capacity)
      const kept = offerAll(first, 0, 50, [], draw)
      const second = Reservoir.fromState(JSON.parse(JSON.stringify(first.toState())))
      return offerAll(second, 50, items, kept, draw)
    }
    expect(unevenness(resumed)).toBeLessThan(limit)
  })
  test('would not if the count of seen items were lost, and this test would notice', () => {
    const forgetful = (draw: Draw): number[] => {
      const kept = offerAll(new Reservoir(capacity), 0, 50, [], draw)
      const second = Reservoir.fromState({ kind: 'reservoir', capacity, seen: capacity })
      return offerAll(second, 50, items, kept, draw)
    }
    expect(unevenness(forgetful)).toBeGreaterThan(10 * limit)
  })
  test('would not if the draw left the newest item out, and this test would notice', () => {
    const tooSmall = (draw: Draw): number[] =>
      offerAll(new Reservoir(capacity), 0, items, [], (max) => draw(max - 1))
    expect(unevenness(tooSmall)).toBeGreaterThan(limit)
  })

  test('draws from 0 … n for the item after n, and not while slots are free', () => {
    const asked: number[] = []
    const draw = (max: number): number => {
      asked.push(max)
      return max - 1
    }
    const reservoir = new Reservoir(3)
    expect([0, 1, 2, 3, 4].map(() => reservoir.offer(draw))).toEqual([0, 1, 2, null, null])
    expect(asked).toEqual([4, 5])
    expect(reservoir.offer(() => 2)).toBe(2)
    expect(reservoir).toMatchObject({ seen: 6, size: 3, capacity: 3 })
  })
  test('goes on to the bit after saving, wherever', () => {
    for (const at of [0, 4, 8, 9, 300]) {
      const [stream, original] = [new SeededStream(at + 1), new Reservoir(8)]
      const draw: Draw = (max) => stream.below(max)
      for (let i = 0; i < at; i++) original.offer(draw)
      const restored = Reservoir.fromState(JSON.parse(JSON.stringify(original.toState())))
      expect(restored.seen).toBe(at)
      const [a, b] = [new SeededStream(9), new SeededStream(9)]
      for (let i = 0; i < 100; i++) {
        expect(restored.offer((max) => a.below(max))).toBe(original.offer((max) => b.below(max)))
      }
    }
  })
})

describe('a sample of a reservoir', () => {
  const reservoir = Reservoir.fromState({ kind: 'reservoir', capacity: 6, seen: 1000 })

  test('has different slots, all in use', () => {
    const stream = new SeededStream(11)
    const young = Reservoir.fromState({ kind: 'reservoir', capacity: 50, seen: 7 })
    for (let count = 0; count <= 7; count++) {
      const slots = young.sample(count, (max) => stream.below(max))
      expect(new Set(slots).size).toBe(count)
      expect(slots.every((slot) => slot >= 0 && slot < 7)).toBe(true)
    }
  })
  test('has every ordered choice with the same chance', () => {
    const stream = new SeededStream(12)
    const counts = new Map<string, number>()
    for (let i = 0; i < 60_000; i++) {
      const key = reservoir.sample(3, (max) => stream.below(max)).join()
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    expect(counts.size).toBe(6 * 5 * 4)
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 500) ** 2 / 500, 0)
    expect(chiSquare).toBeLessThan(172.4) // 99.9 % quantile, 119 degrees of freedom
  })
  test('leaves the reservoir as it was', () => {
    const before = JSON.stringify(reservoir.toState())
    reservoir.sample(6, () => 0)
    expect(JSON.stringify(reservoir.toState())).toBe(before)
  })
})

describe('a reservoir refuses', () => {
  test('capacities, counts and draws outside their range, and is unchanged then', () => {
    for (const size of [0, -1, 2.5, Number.NaN]) expect(() => new Reservoir(size)).toThrow(OptionError)
    const reservoir = new Reservoir(2)
    expect(() => reservoir.sample(1, () => 0)).toThrow(OptionError)
    reservoir.offer(() => 0)
    reservoir.offer(() => 0)
    for (const bad of [3, -1, 0.5, Number.NaN]) {
      expect(() => reservoir.offer(() => bad)).toThrow('got draw')
    }
    expect(reservoir.seen).toBe(2)
    expect(() => reservoir.sample(3, () => 0)).toThrow('[0, 2]')
    expect(() => reservoir.offer(3 as never)).toThrow(OptionError)
    expect(() => reservoir.sample(1, 3 as never)).toThrow(OptionError)
    expect(reservoir.seen).toBe(2)
  })
  test('states of another kind or without a count', () => {
    expect(() => Reservoir.fromState({ kind: 'prequential' })).toThrow(StateError)
    expect(() => Reservoir.fromState({ kind: 'reservoir', capacity: 3 })).toThrow('seen')
    for (const capacity of [0, 1.5, null]) {
      expect(() => Reservoir.fromState({ kind: 'reservoir', capacity, seen: 3 })).toThrow(StateError)
    }
  })
})
