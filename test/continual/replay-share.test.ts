import { type TokenBatch, type Rehearsal, reservoirReplay } from '@burgeon/continual'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stepOf } from './step-of.ts'

const batch = (rows: number): TokenBatch => ({
  rows,
  length: 2,
  tokens: new Int32Array(rows * 3).fill(1),
  domains: Array.from({ length: rows }, () => 'text'),
})

/** Old rows that come with batches of these sizes. */
async function recalledBy(replay: Rehearsal, sizes: readonly number[]): Promise<number[]> {
  const rows = []
  for (const size of sizes) rows.push((await replay.recall(stepOf(batch(size))))?.rows ?? 0)
  return rows
}

describe('the share of replay', () => {
  test('a tenth of two rows is one old row in five batches', async () => {
    const replay = reservoirReplay({ capacity: 50, share: 0.1 })
    replay.remember(stepOf(batch(50)))
    const recalled = await recalledBy(replay, new Array(20).fill(2))
    expect(recalled).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])
  })
  test('is kept to within a row by batches of any size, across saves', async () => {
    const anyRun = fc.record({
      share: fc.double({ min: 0.01, max: 3, noNaN: true }),
      sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 60 }),
      savedAt: fc.nat(59),
    })
    await fc.assert(
      fc.asyncProperty(anyRun, async ({ share, sizes, savedAt }) => {
        let replay: Rehearsal = reservoirReplay({ capacity: 100, share })
        replay.remember(stepOf(batch(100)))
        let [fresh, old] = [0, 0]
        for (const [i, size] of sizes.entries()) {
          if (i === savedAt) {
            const saved = replay.toState()
            replay = reservoirReplay({ capacity: 100, share })
            replay.restore(saved)
          }
          fresh += size
          old += (await recalledBy(replay, [size]))[0]
          expect(Math.abs(old - share * fresh)).toBeLessThan(1)
        }
      }),
    )
  })
  test('owes nothing for batches that came before there was anything to rehearse', async () => {
    const replay = reservoirReplay({ capacity: 50, share: 0.5 })
    expect(await recalledBy(replay, new Array(10).fill(1))).toEqual(new Array(10).fill(0))
    replay.remember(stepOf(batch(10)))
    expect(await recalledBy(replay, [1, 1])).toEqual([0, 1])
  })
})
