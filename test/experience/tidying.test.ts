/** Small files of the experience journal are joined, and gaps become one; every experience stays. Reaches inside gpt for disks that fail at any call. */
import { type Experience, ExperienceError, type ExperienceJournal, openExperience } from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type MemoryDisk, memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { times } from '../how-long.ts'
import { collected } from './collected.ts'

const note = (source: string, text: string): Experience => ({ source, domain: 'notes', text })
const readAll = (journal: ExperienceJournal) => collected(journal.read(journal.first))
const isStranger = ({ source }: { readonly source: string }): boolean => source === 'stranger'
const filesOf = async (disk: MemoryDisk): Promise<string[]> => [...(await disk.list())].toSorted()
const bytesOf = ({ files }: MemoryDisk): number =>
  [...files.values()].reduce((sum, { length }) => sum + length, 0)

/** A journal of small files, whose strangers are forgotten. */
async function written(disk: MemoryDisk, sources: readonly string[]): Promise<ExperienceJournal> {
  const journal = await openExperience(disk, { segmentBytes: 100 })
  for (const [i, source] of sources.entries()) await journal.append([note(source, `${source} ${i}`)])
  await journal.forget(isStranger)
  return journal
}

test('texts, numbers and positions stay, in fewer files, and there is nothing to do again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('diary', 'stranger'), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 100, max: 3000 }),
      fc.boolean(),
      async (sources, segmentBytes, isForgottenLater) => {
        const disk = memoryDisk()
        await (await written(disk, sources)).close()
        let journal = await openExperience(disk, { segmentBytes })
        const wanted = await readAll(journal)
        const before = (await disk.list()).length
        const { joined } = await journal.tidy(journal.next)
        expect((await disk.list()).length).toBe(before - joined)
        expect(await readAll(journal)).toEqual(wanted)
        const after = new Map(disk.files)
        expect(await journal.tidy(journal.next)).toEqual({ joined: 0, written: 0 })
        expect(disk.files).toEqual(after)
        await journal.close()
        journal = await openExperience(disk, { segmentBytes })
        expect(await readAll(journal)).toEqual(wanted)
        expect(journal.next).toBe(sources.length)
        // It goes on as if nothing had been joined.
        const [{ origin }] = await journal.append([note('diary', 'later')])
        expect(origin.id).toBe(sources.length)
        if (!isForgottenLater) return
        await journal.forget(({ id }) => id % 2 === 0)
        expect((await readAll(journal)).map((one) => one.origin.id)).toEqual(
          [...wanted, { origin }].map((one) => one.origin.id).filter((id) => id % 2 === 1),
        )
      },
    ),
    { numRuns: times(40, 400) },
  )
})

test('many files become few, and thousands of gaps take the room of one', async () => {
  const disk = memoryDisk()
  const sources = Array.from({ length: 300 }, (_, i) => (i % 100 === 0 ? 'diary' : 'stranger'))
  await (await written(disk, sources)).close()
  const [files, bytes] = [(await disk.list()).length, bytesOf(disk)]
  const journal = await openExperience(disk, { segmentBytes: 10_000 })
  const { joined, written: anew } = await journal.tidy(journal.next)
  expect(files).toBeGreaterThan(100)
  // The last file is written to still.
  expect([joined, (await disk.list()).length]).toEqual([files - 2, 2])
  expect(anew).toBeGreaterThan(0)
  expect(bytesOf(disk)).toBeLessThan(bytes / 20)
  expect((await readAll(journal)).map(({ origin: { id, at }, text }) => [id, at, text])).toEqual(
    [0, 100, 200].map((id) => [id, expect.any(Number), `diary ${id}`]),
  )
})

test('files that somebody may still read stay as they are', async () => {
  const disk = memoryDisk()
  const journal = await written(disk, new Array<string>(12).fill('diary'))
  await journal.close()
  const again = await openExperience(disk, { segmentBytes: 10_000 })
  const before = await filesOf(disk)
  expect(await again.tidy(0)).toEqual({ joined: 0, written: 0 })
  expect(await filesOf(disk)).toEqual(before)
  // Somebody reads on from the seventh.
  const reading = again.read(6)
  const first = await reading.next()
  await again.tidy(6)
  expect((await filesOf(disk)).length).toBeLessThan(before.length)
  const others = await collected(reading)
  expect([first.value, ...others].map((one) => one?.origin.id)).toEqual([6, 7, 8, 9, 10, 11])
})

/** Fills a disk with small files, and tidies it. */
const sources = ['diary', 'stranger', 'stranger', 'diary', 'diary', 'stranger', 'diary', 'diary']
async function live(disk: MemoryDisk): Promise<void> {
  const journal = await openExperience(disk, { segmentBytes: 400 })
  await journal.tidy(journal.next)
  await journal.append([note('diary', 'after it')])
  await journal.tidy(journal.next)
  await journal.close()
}
const small = memoryDisk()
const first = await written(small, sources)
const texts = (await readAll(first)).map(({ text }) => text)
await first.close()
const plain = memoryDisk(undefined, small.files)
await live(plain)

describe.each(['before', 'torn', 'after'] as const)('killed %s the work of a call of the disk', (how) => {
  test.each(Array.from({ length: plain.calls }, (_, at) => at))(
    'number %i: every experience is there, and tidied again the files are those of one that was not killed',
    async (at) => {
      const disk = memoryDisk({ at, how, power: 'cut' }, small.files)
      await live(disk).catch(() => {})
      for (const survives of [() => true, () => false, (change: number) => change % 2 === 0]) {
        const found = disk.afterPowerCut(survives)
        const journal = await openExperience(found, { segmentBytes: 400 })
        const read = (await readAll(journal)).map(({ text }) => text)
        expect(read.slice(0, texts.length)).toEqual(texts)
        await journal.tidy(journal.next)
        expect((await readAll(journal)).map(({ text }) => text)).toEqual(read)
        expect((await found.list()).filter((name) => !name.endsWith('.journal'))).toEqual([])
        // What is forgotten then is nowhere, in leftovers either.
        await journal.forget(() => true)
        expect(
          [...found.files.values()].map((bytes) => new TextDecoder().decode(bytes)).join(),
        ).not.toContain('diary')
        await journal.close()
      }
    },
  )
})

test('a disk that refuses says so, and a second try joins', async () => {
  const disk = memoryDisk(undefined, small.files)
  const journal = await openExperience(disk, { segmentBytes: 4000 })
  const { write } = disk
  disk.write = () => Promise.reject(new Error('no space left'))
  await expect(journal.tidy(journal.next)).rejects.toThrow(ExperienceError)
  await expect(journal.tidy(journal.next)).rejects.toThrow(/cannot join files.*no space left/)
  expect((await readAll(journal)).map(({ text }) => text)).toEqual(texts)
  disk.write = write
  expect((await journal.tidy(journal.next)).joined).toBeGreaterThan(0)
  expect((await readAll(journal)).map(({ text }) => text)).toEqual(texts)
})

test('damage is named, and no number, or a journal that is closed, is refused', async () => {
  const disk = memoryDisk(undefined, small.files)
  const journal = await openExperience(disk, { segmentBytes: 4000 })
  const [name] = await filesOf(disk)
  const bytes = (disk.files.get(name) as Uint8Array).slice()
  bytes[bytes.length - 4] ^= 1
  disk.damage(name, bytes)
  await expect(journal.tidy(journal.next)).rejects.toThrow(name)
  await expect(journal.tidy(-1)).rejects.toThrow(OptionError)
  await journal.close()
  await expect(journal.tidy(0)).rejects.toThrow(/closed/)
})
