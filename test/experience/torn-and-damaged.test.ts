/** Reaches inside gpt for disks that fail at any call, tear a write, lose power or change a bit: nothing that was acknowledged is lost, and damage is never read as experience. */
import { type Experience, ExperienceError, type ExperienceJournal, openExperience } from '@burgeon/continual'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Fault, type MemoryDisk, memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { shortOrLong, someOf, times } from '../how-long.ts'
import { collected } from './collected.ts'

const note = (text: string): Experience => ({ source: 'diary', domain: 'notes', text })
const textsIn = async (journal: ExperienceJournal): Promise<string[]> =>
  (await collected(journal.read(journal.first))).map(({ text }) => text)

/** Appends numbers, one or two at a time, and compacts once; returns those that were acknowledged. */
async function live(disk: MemoryDisk): Promise<{ acknowledged: string[]; failed: number }> {
  const acknowledged: string[] = []
  let failed = 0
  const tried = async <R>(work: () => Promise<R>): Promise<R | undefined> => {
    try {
      return await work()
    } catch (error) {
      failed++
      expect((error as Error).message).toMatch(/memory: cannot write|call \d+ of the disk failed/)
      return undefined
    }
  }
  const journal = await tried(() => openExperience(disk, { segmentBytes: 350 }))
  if (journal === undefined) return { acknowledged, failed }
  for (let i = 0; i < 12; i++) {
    const texts = i % 3 === 0 ? [`${i}`] : [`${i}`, `${i} again`]
    // What failed is appended again, once: as a source does that was not told of success.
    for (let attempt = 0; attempt < 2; attempt++) {
      if ((await tried(() => journal.append(texts.map(note)))) === undefined) continue
      acknowledged.push(...texts)
      break
    }
    if (i === 8) await tried(() => journal.compact(6))
  }
  await tried(() => journal.close())
  return { acknowledged, failed }
}

const plain = memoryDisk()
const everything = await live(plain)

test('a life without a fault acknowledges all of it', () => {
  expect(everything.acknowledged).toHaveLength(20)
  expect(everything.failed).toBe(0)
  expect(plain.files.size).toBeGreaterThan(2)
})

/** What was acknowledged, in order, perhaps after what was let go of and before what was not acknowledged. */
function expectKept(found: readonly string[], acknowledged: readonly string[], more: number): void {
  const first = acknowledged.indexOf(found[0])
  const kept = acknowledged.slice(Math.max(0, first))
  expect(found.slice(0, kept.length)).toEqual(kept)
  // Compaction gave back experiences before number 6 and no others.
  expect(acknowledged.length - kept.length).toBeLessThanOrEqual(6)
  expect(found.length - kept.length).toBeLessThanOrEqual(more)
}

describe.each(['before', 'torn', 'after'] as const)('a fault %s the work of one call', (how) => {
  const calls = Array.from({ length: plain.calls }, (_, at) => at)
  test.each(calls)('number %i: what was acknowledged is there, once and in order', async (at) => {
    const fault: Fault = { at, how, power: 'stays' }
    const disk = memoryDisk(fault)
    const { acknowledged, failed } = await live(disk)
    // Where the journal could not be opened at all, nothing was promised.
    if (acknowledged.length > 0) expect(acknowledged).toEqual(everything.acknowledged)
    expect(failed).toBeLessThanOrEqual(1)
    const again = await openExperience(disk)
    expectKept(await textsIn(again), acknowledged, 0)
    // And it goes on.
    await again.append([note('later')])
    expect((await textsIn(again)).at(-1)).toBe('later')
  })
  test.each(calls)('number %i, which is the last of the process, and then a power cut', async (at) => {
    const disk = memoryDisk({ at, how, power: 'cut' })
    const { acknowledged } = await live(disk)
    const survivals = [
      () => true,
      () => false,
      (change: number) => change % 2 === 0,
      (change: number) => change % 2 === 1,
    ]
    for (const survives of survivals) {
      const found = disk.afterPowerCut(survives)
      const again = await openExperience(found, { segmentBytes: 350 })
      // The one that failed may be there: nobody was told that it is not.
      expectKept(await textsIn(again), acknowledged, 2)
      const before = await textsIn(again)
      await again.append([note('later')])
      await again.close()
      const twice = await openExperience(found, { segmentBytes: 350 })
      expect(await textsIn(twice)).toEqual([...before, 'later'])
    }
  })
})

test('disks that fail again and again lose nothing', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ at: fc.nat(12), how: fc.constantFrom('before', 'torn', 'after') }), {
        maxLength: 6,
      }),
      fc.boolean(),
      async (faults, isCut) => {
        let files: ReadonlyMap<string, Uint8Array> = new Map()
        const acknowledged: string[] = []
        for (const [life, fault] of [...faults, undefined].entries()) {
          const disk = memoryDisk(fault && { ...fault, power: isCut ? 'cut' : 'stays' }, files)
          const journal = await openExperience(disk, { segmentBytes: 200 }).catch(() => undefined)
          if (journal === undefined) continue
          for (let i = 0; i < 5; i++) {
            const text = `${life}.${i}`
            await journal
              .append([note(text)])
              .then(() => acknowledged.push(text))
              .catch(() => {})
          }
          files = disk.files
        }
        const found = await textsIn(await openExperience(memoryDisk(undefined, files)))
        // Each that was acknowledged once and in order, and no other twice.
        expect(found.filter((text) => acknowledged.includes(text))).toEqual(acknowledged)
        expect(new Set(found).size).toBe(found.length)
      },
    ),
    { numRuns: times(100, 3000) },
  )
})

describe('bytes that changed', () => {
  const [whole] = [...plain.files.keys()]
  const names = [...plain.files.keys()].toSorted()
  const copy = (): MemoryDisk => memoryDisk(undefined, new Map(plain.files))
  const places = names.flatMap((name) =>
    Array.from(plain.files.get(name) ?? [], (_, at): [string, number] => [name, at]),
  )
  test.each(someOf([1, 2, 4, 8, 16, 32, 64, 128, 255], shortOrLong(2, 9)))(
    'by %i anywhere are an error that names the file and a byte up to there',
    async (bits) => {
      for (const [name, at] of places) {
        const bytes = Uint8Array.from(plain.files.get(name) ?? [])
        bytes[at] ^= bits
        const disk = copy()
        disk.damage(name, bytes)
        const error: unknown = await openExperience(disk)
          .then(textsIn)
          .catch((caught: unknown) => caught)
        expect(error).toBeInstanceOf(ExperienceError)
        const [, file, from] = /^memory\/(\S+): .* at byte (\d+)/.exec((error as Error).message) ?? []
        expect(file).toBe(name)
        expect(Number(from)).toBeLessThanOrEqual(at)
      }
    },
  )
  test('at the end, where a file was cut short: what is whole before it is there, and it goes on', async () => {
    const last = names.at(-1) as string
    const bytes = plain.files.get(last) as Uint8Array
    const all = everything.acknowledged
    const seen = new Set<number>()
    for (let size = 0; size <= bytes.length; size++) {
      const disk = copy()
      disk.damage(last, bytes.slice(0, size))
      const journal = await openExperience(disk)
      const found = await textsIn(journal)
      expect(found).toEqual(all.slice(all.length - 20 + journal.first, journal.next))
      seen.add(found.length)
      await journal.append([note('on')])
      await journal.close()
      expect(await textsIn(await openExperience(disk))).toEqual([...found, 'on'])
    }
    expect(seen.size).toBeGreaterThan(1)
  })
  test('at the end of a file that is not the last are an error', async () => {
    const disk = copy()
    const bytes = plain.files.get(names[0]) as Uint8Array
    for (const size of [0, 5, bytes.length - 1]) {
      disk.damage(names[0], bytes.slice(0, size))
      await expect(openExperience(disk).then(textsIn)).rejects.toThrow(/was cut short/)
    }
    expect(whole).toBe(names[0])
  })
})

describe('blocks that a power cut kept from being written', () => {
  const text = 'x'.repeat(2000)
  const written = async (
    texts: readonly string[],
  ): Promise<[disk: MemoryDisk, name: string, bytes: Uint8Array]> => {
    const disk = memoryDisk()
    const journal = await openExperience(disk)
    for (const one of texts) await journal.append([note(one)])
    await journal.close()
    const [[name, bytes]] = disk.files
    return [disk, name, bytes]
  }
  test.each([
    ['at its end', 1024, 3000],
    ['in its midst', 512, 1024],
    ['with its header', 0, 512],
  ])('of the last append, %s, are cut off', async (_, from, to) => {
    const [disk, name, bytes] = await written(['first'])
    const first = bytes.length
    const journal = await openExperience(disk)
    await journal.append([note(text)])
    await journal.close()
    const torn = Uint8Array.from(disk.files.get(name) as Uint8Array)
    torn.fill(0, first + from, Math.min(first + to, torn.length))
    disk.damage(name, torn)
    const again = await openExperience(disk)
    expect(await textsIn(again)).toEqual(['first'])
    await again.append([note('next')])
    expect(await textsIn(again)).toEqual(['first', 'next'])
  })
  test('are damage where something was written after them', async () => {
    const [disk, name, bytes] = await written(['first', text, 'last'])
    for (const [from, to] of [
      [400, 500],
      [900, 1500],
      [150, 900],
    ]) {
      const lost = Uint8Array.from(bytes)
      lost.fill(0, from, to)
      disk.damage(name, lost)
      await expect(openExperience(disk)).rejects.toThrow(ExperienceError)
    }
  })
})
