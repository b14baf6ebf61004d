/** Reaches inside gpt for disks that fail: a log only grows, whatever the disk does, and a place that a checkpoint holds stays in it. */
import {
  auditHeadAt,
  type AuditNote,
  AuditError,
  auditBeginning,
  type AuditPlace,
  openAuditLog,
  readAudit,
  verifyAudit,
} from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { type MemoryDisk, memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { someOf } from '../how-long.ts'

const note = (text: string): AuditNote => ({ kind: 'learnt', step: 1, data: { text } })
const textsIn = async (disk: MemoryDisk): Promise<unknown[]> =>
  (await readAudit(disk)).entries.map(({ kind, data }) => data['text'] ?? kind)
const copyOf = (disk: MemoryDisk): MemoryDisk => memoryDisk(undefined, new Map(disk.files))

/** A checkpoint: the place that it holds, written in one go. */
const placeFile = 'place.json'
const placeOn = async (disk: MemoryDisk): Promise<AuditPlace> =>
  (await disk.list()).includes(placeFile)
    ? (JSON.parse(new TextDecoder().decode(await disk.read(placeFile))) as AuditPlace)
    : auditBeginning

/** What a life does when it is saved: the log first, and then the checkpoint that holds its place. */
async function save(disk: MemoryDisk, from: AuditPlace, notes: readonly string[]): Promise<AuditPlace> {
  const log = await openAuditLog(disk, from)
  const place = await log.append(notes.map(note), 5)
  await disk.write('place.new', new TextEncoder().encode(JSON.stringify(place)))
  await disk.sync()
  await disk.rename('place.new', placeFile)
  await disk.sync()
  return place
}

async function live(disk: MemoryDisk): Promise<{ readonly saved: string[]; readonly failed: number }> {
  const saved: string[] = []
  let [place, failed]: [AuditPlace, number] = [await placeOn(disk), 0]
  for (let i = 0; i < 5; i++) {
    const notes = [`${i}`, `${i} again`]
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        place = await save(disk, place, notes)
        saved.push(...notes)
        break
      } catch {
        failed++
      }
    }
  }
  return { saved, failed }
}

test('entries follow each other, over several opened logs', async () => {
  const disk = memoryDisk()
  expect(await live(disk)).toEqual({ saved: await textsIn(disk), failed: 0 })
  const { entries, head } = await readAudit(disk)
  expect(entries.map(({ i, at, step }) => [i, at, step])).toEqual(entries.map((_, i) => [i, 5, 1]))
  expect(head).toEqual(auditHeadAt(await placeOn(disk)))
  expect((await verifyAudit(disk, { place: await placeOn(disk) })).ok).toBe(true)
})

test('a file that is full is followed by another', async () => {
  const disk = memoryDisk()
  const log = await openAuditLog(disk)
  const long = 'x'.repeat(100_000)
  for (let i = 0; i < 7; i++) await log.append([note(`${i}${long}`)], i)
  expect(disk.files.size).toBe(3)
  expect((await readAudit(disk)).head).toEqual(auditHeadAt(log.place))
  const again = await openAuditLog(disk, log.place)
  await again.append([note('last')], 9)
  expect((await textsIn(disk)).length).toBe(8)
})

test('what is no note is refused, and a disk that refuses is an error that loses nothing', async () => {
  const log = await openAuditLog(memoryDisk())
  await expect(log.append([{ kind: 'learnt' } as never], 0)).rejects.toThrow(OptionError)
  await expect(log.append([note('a')], -1)).rejects.toThrow(OptionError)
  expect(log.place).toEqual(auditBeginning)
  const failing = memoryDisk({ at: 1, how: 'before', power: 'stays' })
  const other = await openAuditLog(failing)
  await expect(other.append([note('a')], 0)).rejects.toThrow(AuditError)
  await other.append([note('a')], 0)
  expect(await textsIn(failing)).toEqual(['a'])
})

const plain = memoryDisk()
await live(plain)

describe.each(['before', 'torn', 'after'] as const)('a fault %s the work of one call', (how) => {
  const calls = Array.from({ length: plain.calls }, (_, at) => at)
  test.each(calls)(
    'number %i: the log leads to the checkpoint, and has all of it once and in order',
    async (at) => {
      const disk = memoryDisk({ at, how, power: 'stays' })
      const { saved, failed } = await live(disk).catch(() => ({ saved: [], failed: 1 }))
      expect(failed).toBe(1)
      const found = await textsIn(disk)
      expect(found.filter((text, i) => found.indexOf(text) === i)).toEqual(saved)
      expect((await verifyAudit(disk, { place: await placeOn(disk) })).ok).toBe(true)
      await save(disk, await placeOn(disk), ['later'])
      expect((await textsIn(disk)).at(-1)).toBe('later')
    },
  )
  test.each(calls)('number %i, and then a power cut', async (at) => {
    const disk = memoryDisk({ at, how, power: 'cut' })
    const { saved } = await live(disk).catch(() => ({ saved: [] as string[] }))
    for (const survives of [() => true, () => false, (change: number) => change % 2 === 0]) {
      const found = disk.afterPowerCut(survives)
      const place = await placeOn(found)
      expect(place.size).toBeGreaterThanOrEqual(saved.length)
      expect((await verifyAudit(found, { place })).ok).toBe(true)
      const before = await textsIn(found)
      expect(before.slice(0, saved.length)).toEqual(saved)
      await save(found, place, ['later'])
      // What the checkpoint does not hold stays: a log never becomes shorter.
      expect(await textsIn(found)).toEqual([...before, 'later'])
    }
  })
})

describe('a log that does not lead to its checkpoint any more', () => {
  const [name] = [...plain.files.keys()].filter((file) => file.startsWith('audit'))
  const whole = plain.files.get(name) as Uint8Array
  /** How it was changed, and what the next log begins with. */
  const goesOn = async (disk: MemoryDisk): Promise<unknown[]> => {
    await save(disk, await placeOn(disk), ['later'])
    return textsIn(disk)
  }
  test.each(
    someOf(
      Array.from(whole, (_, at) => at),
      40,
    ),
  )('cut after byte %i', async (at) => {
    const disk = copyOf(plain)
    disk.damage(name, whole.subarray(0, at))
    expect(await goesOn(disk)).toEqual(['begun anew', 'later'])
    const { entries, series } = await readAudit(disk)
    expect(series).toBe(1)
    expect(entries[0].data['missed']).toEqual({ series: 0, ...auditHeadAt(await placeOn(plain)) })
    // It stays in sight: the files of before are there, and nobody is told that all is well.
    expect(disk.files.get(name)).toEqual(whole.subarray(0, at))
    const verdict = await verifyAudit(disk, { place: await placeOn(disk) })
    expect([verdict.ok, verdict.wrong?.from, verdict.series]).toEqual([false, 0, 1])
    // And the new log goes on as any does.
    expect(await goesOn(disk)).toEqual(['begun anew', 'later', 'later'])
  })
  test('its last entry was changed', async () => {
    const disk = copyOf(plain)
    disk.damage(
      name,
      whole.map((byte, i) => (i === whole.length - 5 ? byte ^ 1 : byte)),
    )
    expect(await goesOn(disk)).toEqual(['begun anew', 'later'])
  })
  test('it is not there', async () => {
    const disk = copyOf(plain)
    await disk.remove(name)
    expect(await goesOn(disk)).toEqual(['begun anew', 'later'])
  })
})
