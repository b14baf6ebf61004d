/** The experience journal: what it gives back, in what order, and what it lets go of. Reaches inside gpt for a disk in memory. */
import {
  type AdmittedExperience,
  type Experience,
  ExperienceError,
  type ExperienceJournal,
  openExperience,
} from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../packages/continual/src/experience/frames.ts'
import { type MemoryDisk, memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { times } from '../how-long.ts'
import { collected } from './collected.ts'

const utf8 = new TextEncoder()
const note = (text: string): Experience => ({ source: 'diary', domain: 'notes', text })
const readAll = async (journal: ExperienceJournal, from = journal.first): Promise<AdmittedExperience[]> =>
  collected(journal.read(from))
const textsOf = (all: readonly AdmittedExperience[]): string[] => all.map(({ text }) => text)

test('the checksum is CRC-32', () => {
  // The check value of the catalogue of parametrised CRC algorithms.
  expect(crc32(utf8.encode('123456789'))).toBe(0xcbf43926)
  expect(crc32(new Uint8Array(0))).toBe(0)
})

describe('a journal', () => {
  test('gives what was admitted a number and a position, and gives it back from any number on, also when opened again', async () => {
    const disk = memoryDisk()
    const journal = await openExperience(disk)
    const first = await journal.append([note('née'), { ...note('b'), key: 'k', trust: 0.25 }])
    const [third] = await journal.append([{ source: 's', domain: 'd', text: '\u{1F331}\ud800\0' }])
    expect(first).toEqual([
      { origin: { id: 0, source: 'diary', domain: 'notes', at: 0, trust: 1 }, key: null, text: 'née' },
      { origin: { id: 1, source: 'diary', domain: 'notes', at: 4, trust: 0.25 }, key: 'k', text: 'b' },
    ])
    expect(third.origin).toEqual({ id: 2, source: 's', domain: 'd', at: 5, trust: 1 })
    expect([journal.first, journal.next]).toEqual([0, 3])
    expect(await readAll(journal)).toEqual([...first, third])
    await journal.close()
    const again = await openExperience(disk)
    for (const from of [0, 1, 2, 3]) {
      expect(await readAll(again, from)).toEqual([...first, third].slice(from))
    }
    const [fourth] = await again.append([note('d')])
    // A surrogate alone is read as U+FFFD, of three bytes.
    expect(fourth.origin).toMatchObject({ id: 3, at: 5 + 4 + 3 + 1 })
  })
  test('writes appends that wait for each other together, in the order of the calls', async () => {
    const disk = memoryDisk()
    const journal = await openExperience(disk)
    await journal.append([note('0')])
    const before = disk.calls
    const all = Array.from({ length: 50 }, (_, i) => journal.append([note(`${i + 1}`)]))
    const ids = (await Promise.all(all)).map(([{ origin }]) => origin.id)
    expect(ids).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
    // The first goes at once, the others while it is written.
    expect(disk.calls - before).toBe(2)
    expect(textsOf(await readAll(journal))).toEqual(Array.from({ length: 51 }, (_, i) => `${i}`))
  })
  test('begins a new file when one is large, and lets go of whole files alone', async () => {
    const disk = memoryDisk()
    const journal = await openExperience(disk, { segmentBytes: 300 })
    for (let i = 0; i < 20; i++) await journal.append([note(`number ${i}`)])
    const { size } = disk.files
    expect(size).toBeGreaterThan(5)
    await journal.compact(9)
    expect(journal.first).toBeGreaterThan(4)
    expect(journal.first).toBeLessThanOrEqual(9)
    expect(disk.files.size).toBeLessThan(size)
    expect(textsOf(await readAll(journal, 9))[0]).toBe('number 9')
    await expect(readAll(journal, 0)).rejects.toThrow(
      new RegExp(`got 0 as the first experience.*expected a number from ${journal.first} to 20`),
    )
    // All of them: the file that is written to stays, and the numbers go on.
    await Promise.all([journal.compact(20), journal.compact(20)])
    expect(disk.files.size).toBe(1)
    await journal.close()
    const again = await openExperience(disk, { segmentBytes: 300 })
    expect([again.next, again.first]).toEqual([20, journal.first])
    expect((await again.append([note('on')]))[0].origin).toMatchObject({ id: 20, at: 10 * 8 + 10 * 9 })
  })
  test('reads what was there at the time of the call', async () => {
    const journal = await openExperience(memoryDisk())
    await journal.append([note('a')])
    const reading = journal.read(0)
    await journal.append([note('b')])
    expect(textsOf(await collected(reading))).toEqual(['a'])
  })
  test('refuses what is no experience, a closed journal, and numbers beyond its end', async () => {
    const journal = await openExperience(memoryDisk())
    for (const wrong of [
      null,
      3,
      [3],
      [{ ...note('a'), trust: 2 }],
      [{ ...note('a'), key: 3 }],
      [{ text: 'a' }],
    ]) {
      await expect(journal.append(wrong as never)).rejects.toThrow(OptionError)
    }
    expect(await journal.append([])).toEqual([])
    for (const from of [-1, 1, 0.5, Number.NaN]) {
      await expect(readAll(journal, from)).rejects.toThrow(ExperienceError)
    }
    await journal.close()
    await expect(journal.append([note('a')])).rejects.toThrow(/closed/)
  })
  test('leaves other files of its folder alone', async () => {
    const others = new Map([
      ['experience-1.journal', utf8.encode('mine')],
      ['notes.md', utf8.encode('mine')],
    ])
    const disk = memoryDisk(undefined, others)
    const journal = await openExperience(disk, { segmentBytes: 1 })
    for (const text of ['a', 'b', 'c']) await journal.append([note(text)])
    await journal.compact(3)
    for (const [name, bytes] of others) expect(disk.files.get(name)).toEqual(bytes)
    expect(textsOf(await readAll(journal))).toEqual(['c'])
  })
})

type Deed = { readonly append: readonly Experience[] } | { readonly compact: number } | 'open again'

const anyExperience = fc.record(
  {
    source: fc.string(),
    key: fc.string(),
    domain: fc.string(),
    trust: fc.double({ min: 0, max: 1, noNaN: true }),
    text: fc.string({ unit: 'binary' }),
  },
  { requiredKeys: ['source', 'domain', 'text'] },
)
const anyDeed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ append: fc.array(anyExperience, { maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ compact: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.constant('open again' as const) },
)

/** What was admitted, by the definition: numbers from 0, positions in bytes. */
function admittedBy(all: readonly Experience[]): AdmittedExperience[] {
  let at = 0
  return all.map(({ source, key = null, domain, trust = 1, text }, id) => {
    const own = { origin: { id, source, domain, at, trust }, key, text }
    at += utf8.encode(text).length
    return own
  })
}

test('whatever is appended, let go of and opened again: what is there is what was admitted, in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyDeed, { maxLength: 20 }),
      fc.integer({ min: 1, max: 600 }),
      async (deeds, segmentBytes) => {
        const disk: MemoryDisk = memoryDisk()
        let journal = await openExperience(disk, { segmentBytes })
        const all: Experience[] = []
        let atMost = 0
        for (const deed of deeds) {
          if (deed === 'open again') {
            await journal.close()
            journal = await openExperience(disk, { segmentBytes })
          } else if ('compact' in deed) {
            await journal.compact(deed.compact)
            atMost = Math.max(atMost, Math.min(deed.compact, all.length))
          } else {
            await journal.append(deed.append)
            all.push(...deed.append)
          }
          expect(journal.next).toBe(all.length)
          expect(journal.first).toBeLessThanOrEqual(atMost)
          expect(await readAll(journal)).toEqual(admittedBy(all).slice(journal.first))
        }
      },
    ),
    { numRuns: times(60, 1000) },
  )
})
