/** The experience journal forgets for good, and nothing else is lost. Reaches inside gpt for disks that fail at any call. */
import { type Experience, ExperienceError, type ExperienceJournal, openExperience } from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type MemoryDisk, memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { times } from '../how-long.ts'
import { collected } from './collected.ts'

const ofSource = (source: string, text: string): Experience => ({ source, domain: 'notes', text })
const readAll = (journal: ExperienceJournal) => collected(journal.read(journal.first))
const isStranger = ({ source }: { readonly source: string }): boolean => source === 'stranger'

/** All bytes of all files, as text. */
async function bytesOf(disk: MemoryDisk): Promise<string> {
  const files = await Promise.all((await disk.list()).map((name) => disk.read(name)))
  return files.map((bytes) => new TextDecoder('latin1').decode(bytes)).join('\n')
}

test('what is forgotten is nowhere, and all others keep their numbers and positions', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom('diary', 'stranger', 'news'), fc.string({ maxLength: 9 })), {
        maxLength: 20,
      }),
      fc.integer({ min: 1, max: 400 }),
      fc.boolean(),
      async (notes, segmentBytes, isReopened) => {
        const disk = memoryDisk()
        let journal = await openExperience(disk, { segmentBytes })
        for (const [i, [source, text]] of notes.entries()) {
          await journal.append([ofSource(source, `${source} ${i}: ${text}`)])
        }
        const all = await readAll(journal)
        const wanted = all.filter(({ origin }) => !isStranger(origin))
        expect(await journal.forget(isStranger)).toBe(all.length - wanted.length)
        expect(await bytesOf(disk)).not.toContain('stranger')
        if (isReopened) {
          await journal.close()
          journal = await openExperience(disk, { segmentBytes })
        }
        expect(await readAll(journal)).toEqual(wanted)
        expect(journal.next).toBe(all.length)
        // It goes on as if nothing had gone.
        const [{ origin }] = await journal.append([ofSource('diary', 'later')])
        const end = all.at(-1)
        const length = end === undefined ? 0 : new TextEncoder().encode(end.text).length
        expect([origin.id, origin.at]).toEqual([all.length, (end?.origin.at ?? 0) + length])
        expect(await journal.forget(isStranger)).toBe(0)
        expect((await readAll(journal)).map(({ origin: { id } }) => id)).toEqual([
          ...wanted.map((one) => one.origin.id),
          all.length,
        ])
      },
    ),
    { numRuns: times(40, 400) },
  )
})

test('numbers say what is meant as well, and what is appended meanwhile waits and is there', async () => {
  const disk = memoryDisk()
  const journal = await openExperience(disk, { segmentBytes: 100 })
  for (let i = 0; i < 6; i++) await journal.append([ofSource('diary', `number ${i}`)])
  const { list } = disk
  let [begin, go] = [(): void => {}, (): void => {}]
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const gate = new Promise<void>((resolve) => (go = resolve))
  disk.list = async () => {
    begin()
    await gate
    return list.call(disk)
  }
  const forgetting = journal.forget(({ id }) => id % 2 === 1)
  await begun
  const before = disk.calls
  const appending = Promise.all([6, 7].map((i) => journal.append([ofSource('diary', `number ${i}`)])))
  expect(disk.calls).toBe(before)
  go()
  expect(await forgetting).toBe(3)
  await appending
  expect(await textsIn(journal)).toEqual([0, 2, 4, 6, 7].map((i) => `number ${i}`))
})

test('appended, forgotten and appended in any order of turns, nothing is lost that is not meant', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { minLength: 2, maxLength: 12 }), async (turns) => {
      const journal = await openExperience(memoryDisk(), { segmentBytes: 100 })
      const doing: Promise<unknown>[] = []
      for (const [i, turn] of turns.entries()) {
        // 0 forgets; the others append, after as many turns of the queue.
        for (let wait = 0; wait < turn; wait++) await Promise.resolve()
        if (turn === 0) doing.push(journal.forget(isStranger))
        else doing.push(journal.append([ofSource(i % 2 === 0 ? 'diary' : 'stranger', `number ${i}`)]))
      }
      await Promise.all(doing)
      await journal.forget(isStranger)
      const wanted = turns.flatMap((turn, i) => (turn > 0 && i % 2 === 0 ? [`number ${i}`] : []))
      expect(await textsIn(journal)).toEqual(wanted)
      await journal.close()
    }),
    { numRuns: times(100, 1000) },
  )
})

test('whoever begins to read at a gap reads what comes after it', async () => {
  const journal = await openExperience(memoryDisk())
  await journal.append(['a', 'b', 'c'].map((text) => ofSource(text === 'c' ? 'diary' : 'stranger', text)))
  await journal.forget(isStranger)
  expect((await collected(journal.read(1))).map(({ origin: { id }, text }) => [id, text])).toEqual([[2, 'c']])
})

/** Appends, forgets, and appends again; what the calls of the disk after the first ones may meet. */
async function live(disk: MemoryDisk): Promise<boolean> {
  const journal = await openExperience(disk, { segmentBytes: 150 })
  for (let i = 0; i < 8; i++) {
    await journal.append([ofSource(i % 3 === 1 ? 'stranger' : 'diary', `number ${i}`)])
  }
  await journal.forget(isStranger)
  await journal.append([ofSource('diary', 'number 8')])
  await journal.close()
  return true
}
const plain = memoryDisk()
await live(plain)
const [kept, met] = [
  [0, 2, 3, 5, 6],
  [1, 4, 7],
]
const textsIn = async (journal: ExperienceJournal): Promise<string[]> =>
  (await readAll(journal)).map(({ text }) => text)

describe.each(['before', 'torn', 'after'] as const)('killed %s the work of a call of the disk', (how) => {
  test.each(Array.from({ length: plain.calls }, (_, at) => at))(
    'number %i: what is not meant is there, and forgotten again nothing of the rest is',
    async (at) => {
      const disk = memoryDisk({ at, how, power: 'cut' })
      await live(disk).catch(() => false)
      for (const survives of [(): boolean => true, (): boolean => false]) {
        const after = disk.afterPowerCut(survives)
        const again = await openExperience(after, { segmentBytes: 150 })
        const found = await textsIn(again)
        const wanted = kept.map((i) => `number ${i}`).filter((_, i) => kept[i] < again.next)
        expect(found.filter((text) => !met.some((i) => text === `number ${i}`)).slice(0, 5)).toEqual(wanted)
        await again.forget(isStranger)
        expect((await textsIn(again)).slice(0, 5)).toEqual(wanted)
        expect(await bytesOf(after)).not.toContain('stranger')
        await again.close()
      }
    },
  )
})

test('a disk that refuses says so, and a second try forgets', async () => {
  const disk = memoryDisk()
  const journal = await openExperience(disk)
  await journal.append([ofSource('stranger', 'a'), ofSource('diary', 'b')])
  const { write } = disk
  disk.write = () => Promise.reject(new Error('no space left'))
  await expect(journal.forget(isStranger)).rejects.toThrow(ExperienceError)
  await expect(journal.forget(isStranger)).rejects.toThrow(/cannot forget.*no space left.*0 of them/)
  expect(await textsIn(journal)).toEqual(['a', 'b'])
  disk.write = write
  expect(await journal.forget(isStranger)).toBe(1)
  expect(await textsIn(journal)).toEqual(['b'])
})

test('what is no function, or a journal that is closed, is refused', async () => {
  const journal = await openExperience(memoryDisk())
  const stranger: unknown = 'stranger'
  await expect(journal.forget(stranger as typeof isStranger)).rejects.toThrow(OptionError)
  await journal.close()
  await expect(journal.forget(isStranger)).rejects.toThrow(/closed/)
})
