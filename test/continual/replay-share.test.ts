import { type TokenBatch, reservoirReplay } from '@burgeon/continual'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stepOf } from './step-of.ts'

const batch = (rows: number): TokenBatch => ({
  rows,
  length: 2,
  tokens: new Int32Array(rows * 3).fill(1),
  domains: Array.from({ length: rows }, () => 'text'),
})

describe('the share of replay', () => {
  test('a tenth of two rows is one old row in five batches', () => {
    const replay = reservoirReplay({ capacity: 50, share: 0.1 })
    replay.remember(stepOf(batch(50)))
    const recalled = Array.from({ length: 20 }, () => replay.recall(stepOf(batch(2)))?.rows ?? 0)
    expect(recalled).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])
  })
  test('is kept to within a row by batches of any size, across saves', () => {
    const anyRun = fc.record({
      share: fc.double({ min: 0.01, max: 3, noNaN: true }),
      sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 60 }),
      savedAt: fc.nat(59),
    })
    fc.assert(
      fc.property(anyRun, ({ share, sizes, savedAt }) => {
        let replay = reservoirReplay({ capacity: 100, share })
        replay.remember(stepOf(batch(100)))
        let [fresh, old] = [0, 0]
        for (const [i, size] of sizes.entries()) {
          if (i === savedAt) {
            const saved = replay.toState()
            replay = reservoirReplay({ capacity: 100, share })
            replay.restore(saved)
          }
          fresh += size
          old += replay.recall(stepOf(batch(size)))?.rows ?? 0
          expect(Math.abs(old - share * fresh)).toBeLessThan(1)
        }
      }),
    )
  })
  test('owes nothing for batches that came before there was anything to rehearse', () => {
    const replay = reservoirReplay({ capacity: 50, share: 0.5 })
    for (let i = 0; i < 10; i++) expect(replay.recall(stepOf(batch(1)))).toBeNull()
    replay.remember(stepOf(batch(10)))
    expect([1, 2].map(() => replay.recall(stepOf(batch(1)))?.rows ?? 0)).toEqual([0, 1])
  })
})
