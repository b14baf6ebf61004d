/** Reaches inside gpt for disks that fail at any call, and burgeon for what gives back room after a save: what no checkpoint has yet learnt is never lost. */
import { type Experience, type ExperienceJournal, openExperience } from '@burgeon/continual'
import { describe, expect, test } from 'vitest'
import { givingBack } from '../../packages/burgeon/src/session/source/give-back.ts'
import { type MemoryDisk, memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { collected } from './collected.ts'

const note = (text: string): Experience => ({ source: 'diary', domain: 'notes', text })
const textsFrom = async (journal: ExperienceJournal, from: number): Promise<string[]> =>
  (await collected(journal.read(from))).map(({ text }) => text)

test('what is learnt goes file by file, but for as many bytes of text as are to stay', async () => {
  const journal = await openExperience(memoryDisk(), { segmentBytes: 200 })
  for (let i = 10; i < 50; i++) await journal.append([note(`number ${i}`)])
  const bytesKept = async (): Promise<number> => (await textsFrom(journal, journal.first)).join('').length
  await journal.compact(40, { keepBytes: 360 })
  expect(journal.first).toBe(0)
  await journal.compact(40, { keepBytes: 100 })
  expect(await bytesKept()).toBeGreaterThanOrEqual(100)
  // A file more than that at most.
  expect(await bytesKept()).toBeLessThan(100 + 40)
  await journal.compact(20, { keepBytes: 0 })
  expect(await bytesKept()).toBeGreaterThanOrEqual(100)
  await journal.compact(40)
  expect(await bytesKept()).toBeLessThan(40)
})

/** Appends, and gives back room after each time that what was appended counts as learnt and saved. */
async function live(disk: MemoryDisk): Promise<{ saved: number; acknowledged: string[] }> {
  let saved = 0
  const acknowledged: string[] = []
  try {
    const journal = await openExperience(disk, { segmentBytes: 200 })
    const giveBack = givingBack(journal, 18, () => {})
    for (let i = 0; i < 14; i++) {
      await journal.append([note(`number ${i}`)])
      acknowledged.push(`number ${i}`)
      if (i % 3 !== 2) continue
      saved = i
      await giveBack(saved)
    }
    await journal.close()
  } catch {
    // The power is cut.
  }
  return { saved, acknowledged }
}

const plain = memoryDisk()
const whole = await live(plain)

test('a life without a fault gives back most of it', async () => {
  expect(whole).toMatchObject({ saved: 11, acknowledged: { length: 14 } })
  const journal = await openExperience(plain)
  expect(journal.first).toBeGreaterThan(5)
  expect(journal.first).toBeLessThanOrEqual(11)
})

const survivals: readonly ((change: number) => boolean)[] = [
  () => true,
  () => false,
  (change) => change % 2 === 0,
  (change) => change % 2 === 1,
]

describe.each(['before', 'torn', 'after'] as const)('killed %s the work of a call of the disk', (how) => {
  test.each(Array.from({ length: plain.calls }, (_, at) => at))(
    'number %i: all that no checkpoint has learnt is there',
    async (at) => {
      const disk = memoryDisk({ at, how, power: 'cut' })
      const { saved, acknowledged } = await live(disk)
      for (const survives of survivals) {
        const again = await openExperience(disk.afterPowerCut(survives))
        const found = await textsFrom(again, Math.min(saved, again.next))
        expect(found.slice(0, acknowledged.length - saved)).toEqual(acknowledged.slice(saved))
        await again.close()
      }
    },
  )
})

test('a disk that refuses is told of once, and tried again with the next save', async () => {
  // The call at which the first file would go.
  const first = await removalAt()
  const disk = memoryDisk({ at: first, how: 'before', power: 'stays' })
  const journal = await openExperience(disk, { segmentBytes: 200 })
  const notes: string[] = []
  const giveBack = givingBack(journal, 0, (line) => notes.push(line))
  for (let i = 0; i < 8; i++) await journal.append([note(`number ${i}`)])
  await giveBack(8)
  expect(notes).toEqual([expect.stringMatching(/^memory: what was learnt takes its room still \(call \d+/)])
  expect(journal.first).toBe(0)
  await giveBack(8)
  expect(journal.first).toBeGreaterThan(0)
  expect(notes).toHaveLength(1)
})

/** Calls of a disk before anything is given back. */
async function removalAt(): Promise<number> {
  const disk = memoryDisk()
  const journal = await openExperience(disk, { segmentBytes: 200 })
  for (let i = 0; i < 8; i++) await journal.append([note(`number ${i}`)])
  return disk.calls
}
