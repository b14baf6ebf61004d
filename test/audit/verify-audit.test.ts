/** Reaches inside gpt for a disk: whatever is changed of a log is found, with its place; what nobody can find is said to be so. */
import {
  type AuditHead,
  auditHeadAt,
  type AuditPlace,
  checkConsistency,
  checkInclusion,
  openAuditLog,
  readAudit,
  verifyAudit,
} from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type MemoryDisk, memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { times } from '../how-long.ts'

const size = 13

/** A log of some entries, perhaps of others from one on. */
async function logged(
  entries: number,
  otherFrom: number = Infinity,
): Promise<{ disk: MemoryDisk; place: AuditPlace }> {
  const disk = memoryDisk()
  const log = await openAuditLog(disk)
  for (let i = 0; i < entries; i++) {
    const data = { id: i, bytes: i >= otherFrom ? 8 : 7 }
    await log.append([{ kind: 'learnt', step: i, data }], 1000 + i)
  }
  return { disk, place: log.place }
}

const { disk: whole, place } = await logged(size)
const [name] = [...whole.files.keys()]
const lines = new TextDecoder().decode(whole.files.get(name)).split('\n').slice(0, -1)

const withLines = (changed: readonly string[]): MemoryDisk =>
  memoryDisk(
    undefined,
    new Map([[name, new TextEncoder().encode(changed.map((line) => `${line}\n`).join(''))]]),
  )

/** Where the first wrong entry is said to be. */
async function foundAt(changed: readonly string[]): Promise<number | string> {
  const { wrong, head } = await verifyAudit(withLines(changed), { place })
  if (wrong === null) return 'nowhere'
  expect(head.size).toBe(wrong.from)
  return wrong.from === wrong.to ? wrong.from : `${wrong.from} to ${wrong.to}`
}

const eachEntry = Array.from({ length: size }, (_, i) => i)

test('a log as it was written holds, with and without a checkpoint', async () => {
  const verdict = await verifyAudit(withLines(lines), { place })
  expect(verdict).toEqual({ ok: true, series: 0, head: auditHeadAt(place), wrong: null, heads: [] })
  expect((await verifyAudit(withLines(lines))).ok).toBe(true)
})

describe('changes that are found with their place', () => {
  test('any byte of any entry', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(size - 1), fc.nat(999), fc.integer({ min: 1, max: 127 }), async (i, at, by) => {
        const bytes = [...new TextEncoder().encode(lines[i])]
        bytes[at % bytes.length] ^= by
        // A byte that ends the line makes two of one.
        const changed = new TextDecoder().decode(Uint8Array.from(bytes))
        expect(await foundAt(lines.with(i, changed))).toBe(i)
      }),
      { numRuns: times(400, 10_000) },
    )
  })
  test.each(eachEntry)('entry %i left out, or its number put right after it', async (i) => {
    expect(await foundAt(lines.toSpliced(i, 1))).toBe(i)
    const renumbered = lines
      .toSpliced(i, 1)
      .map((line, j) => (j >= i ? line.replace(/"i":\d+/, `"i":${j}`) : line))
    expect(await foundAt(renumbered)).toBe(i)
  })
  test.each(eachEntry.slice(1))('entry %i put before the one before it', async (i) => {
    expect(await foundAt(lines.with(i - 1, lines[i]).with(i, lines[i - 1]))).toBe(i - 1)
  })
  test.each(eachEntry)('another put in before entry %i, though it names what it should', async (i) => {
    const own = lines[i].replace('"bytes":7', '"bytes":9')
    expect(await foundAt(lines.toSpliced(i, 0, own))).toBe(i)
    expect(await foundAt(lines.toSpliced(i, 0, 'nothing'))).toBe(i)
    const renumbered = lines
      .toSpliced(i, 0, own)
      .map((line, j) => (j > i ? line.replace(/"i":\d+/, `"i":${j}`) : line))
    expect(await foundAt(renumbered)).toBe(i)
  })
  test.each(eachEntry)('cut after %i entries', async (i) => {
    expect(await foundAt(lines.slice(0, i))).toBe(i)
  })
})

test('a log that is written anew from an entry on is found by its root, and its place up to a subtree', async () => {
  for (const i of eachEntry) {
    const { disk } = await logged(size, i)
    const { ok, wrong } = await verifyAudit(disk, { place })
    expect(ok).toBe(false)
    expect(wrong?.from).toBeLessThanOrEqual(i)
    expect(wrong?.to).toBeGreaterThanOrEqual(i)
    // 13 entries are subtrees of 8, 4 and 1.
    expect((wrong?.to ?? 0) - (wrong?.from ?? 0)).toBeLessThan(8)
  }
})

describe('witnesses', () => {
  const headAt = async (entries: number): Promise<AuditHead> => auditHeadAt((await logged(entries)).place)
  test('tell between which of their heads a log was written anew', async () => {
    const heads = await Promise.all([2, 5, 9].map(headAt))
    const { disk, place: own } = await logged(size, 6)
    const verdict = await verifyAudit(disk, { place: own, heads })
    expect(verdict.wrong).toMatchObject({ from: 5, to: 8 })
    expect(verdict.heads.map(({ holds }) => holds)).toEqual([true, true, false])
  })
  test('notice that a log and its checkpoint were cut, which nobody can without them', async () => {
    const { disk, place: own } = await logged(9)
    expect((await verifyAudit(disk, { place: own })).ok).toBe(true)
    const heads = [await headAt(size)]
    const verdict = await verifyAudit(disk, { place: own, heads })
    expect(verdict).toMatchObject({ ok: false, wrong: { from: 9, to: 9, place: null } })
    expect(verdict.heads[0].holds).toBe(false)
  })
  test('whose head is none are refused', async () => {
    await expect(verifyAudit(whole, { heads: [{ size: 1, root: 'abc' }] })).rejects.toThrow(OptionError)
  })
})

describe('proofs', () => {
  test('each entry is shown to be there with at most ⌈log₂ n⌉ hashes', async () => {
    const audit = await readAudit(whole)
    for (const i of eachEntry) {
      const proof = audit.proveInclusion(i)
      expect(proof.path.length).toBeLessThanOrEqual(4)
      expect(JSON.parse(proof.entry)).toEqual(audit.entries[i])
      expect(checkInclusion(proof)).toBe(true)
      expect(checkInclusion({ ...proof, index: (i + 1) % size })).toBe(false)
      expect(checkInclusion({ ...proof, entry: proof.entry.replace('"bytes":7', '"bytes":8') })).toBe(false)
      expect(checkInclusion({ ...proof, head: { ...proof.head, size: size + 20 } })).toBe(false)
    }
    expect(() => audit.proveInclusion(size)).toThrow(OptionError)
    expect(() => checkInclusion({} as never)).toThrow(OptionError)
  })
  test('a log is shown to go on from any of its heads, and no other log does', async () => {
    const audit = await readAudit(whole)
    const other = await readAudit((await logged(size, 4)).disk)
    for (const i of eachEntry) {
      const proof = audit.proveConsistency(i)
      expect(checkConsistency(proof)).toBe(true)
      const begun = other.proveConsistency(i).first
      expect(checkConsistency({ ...proof, first: begun })).toBe(i <= 4)
    }
    expect(() => audit.proveConsistency(size + 1)).toThrow(OptionError)
    expect(() => checkConsistency({} as never)).toThrow(OptionError)
  })
})
