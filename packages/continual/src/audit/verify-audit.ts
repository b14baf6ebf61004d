/** Verification of an audit log: every link of its chain, and every head that somebody holds. */
import type { Disk } from '@burgeon/gpt'
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import {
  anAuditHead,
  anAuditPlace,
  auditBeginning,
  type AuditHead,
  type AuditPlace,
  auditHeadAt,
  AuditWalk,
  entryIn,
} from './audit-entry.ts'
import { auditFilesIn, type AuditLine, auditLines } from './audit-files.ts'
import { grownPeaks, leafHash, type Peaks, peakSizes, rootOfPeaks } from './merkle-tree.ts'
import { hexOf } from './sha256.ts'

/** Where a log is not what it was. */
export interface WrongEntry {
  /** Number of the first entry that is not what was written, or is missing; the first that may be. */
  readonly from: number
  /** The last one that may be the first wrong one; the same where it is known. */
  readonly to: number
  /** File and byte of `from`; null where there is no such line. */
  readonly place: { readonly file: string; readonly byte: number } | null
  /** For people. */
  readonly reason: string
}

/** What a verification came to. Plain data. */
export interface AuditVerdict {
  /** Whether everything that was looked at holds. */
  readonly ok: boolean
  /** Which of the logs of the folder it is: 0 unless one was begun anew. */
  readonly series: number
  /** Size and root of what holds: up to the first wrong entry where there is one. */
  readonly head: AuditHead
  /** The first wrong entry; null where there is none. */
  readonly wrong: WrongEntry | null
  /** The heads that were given, and whether the log still leads to each. */
  readonly heads: readonly (AuditHead & { readonly holds: boolean })[]
}

/** What a log is held against. */
export interface VerifyAuditOptions {
  /** The place that the checkpoint holds; nothing unless given. */
  readonly place?: AuditPlace
  /** Heads that witnesses hold, of the same log. */
  readonly heads?: readonly AuditHead[]
}

/**
 * Verifies the newest audit log of a folder. It is changed nowhere before the first wrong entry, as far as
 * the chain and the heads can tell. Two things they cannot: that entries behind the newest of the given heads
 * were cut off, and that these entries were all written anew. Only a witness with a newer head can.
 *
 * @throws OptionError for what is no place or no head; what the disk throws.
 */
export async function verifyAudit(disk: Disk, options: VerifyAuditOptions = {}): Promise<AuditVerdict> {
  const who = 'verifyAudit'
  checkArgument(who, 'disk', disk, checks.role<Disk>('a disk', 'list', 'read'))
  checkOptions(who, options, { place: anAuditPlace, heads: checks.list('a list of heads', anAuditHead) })
  const all = auditFilesIn(await disk.list())
  const series = all.at(-1)?.series ?? 0
  const lines: AuditLine[] = []
  const files = all.filter((file) => file.series === series)
  for await (const line of auditLines(disk, files)) lines.push(line)
  const { place, ...rest } = options
  // The place in a log before this one says nothing of this one.
  const own = place?.series === series ? { place } : {}
  const verdict = { series, ...verifyLines(lines, { ...own, ...rest }) }
  if (series === 0 || verdict.wrong !== null) return verdict
  const reason = `the log before it, of series ${series - 1}, was not whole, and this one was begun anew`
  return { ...verdict, ok: false, wrong: { from: 0, to: 0, place: placeOf(lines, 0), reason } }
}

/** As `verifyAudit`, of the lines of one log. */
function verifyLines(
  lines: readonly AuditLine[],
  { place = auditBeginning, heads = [] }: VerifyAuditOptions = {},
): Omit<AuditVerdict, 'series'> {
  const asked = [...heads, auditHeadAt(place)].toSorted((a, b) => a.size - b.size)
  const walk = new AuditWalk()
  const leaves: Uint8Array[] = []
  let wrong: WrongEntry | null = null
  /** Size up to which a head has shown that nothing was changed. */
  let sure = 0
  /** Heads of this size are as they were given; null where the log does not come as far. */
  const rootAt = new Map<number, string>()
  for (;;) {
    const { size } = walk
    const own = asked.filter((head) => head.size === size)
    if (own.length > 0) {
      const { root } = auditHeadAt(walk.placeIn(0))
      rootAt.set(size, root)
      if (own.every((head) => head.root === root)) sure = size
      else if (wrong === null) wrong = otherRoot(lines, walk, sure, place)
    }
    if (wrong !== null || size === lines.length) break
    const { bytes } = lines[size]
    wrong = walk.isNext(bytes) ? null : brokenLink(lines, walk, place)
    if (wrong === null) leaves.push(walk.take(bytes))
  }
  const missing = asked.find((head) => head.size > walk.size)
  if (wrong === null && missing !== undefined) {
    const reason = `the log ends here, and a head of ${missing.size} entries is known`
    wrong = { from: walk.size, to: walk.size, place: null, reason }
  }
  return {
    ok: wrong === null,
    head: wrong === null ? auditHeadAt(walk.placeIn(0)) : headBefore(leaves, wrong.from),
    wrong,
    heads: heads.map((head) => ({ ...head, holds: rootAt.get(head.size) === head.root })),
  }
}

function headBefore(leaves: readonly Uint8Array[], size: number): AuditHead {
  const peaks = leaves.slice(0, size).reduce<Peaks>((all, leaf, i) => grownPeaks(all, i, leaf), [])
  return { size, root: hexOf(rootOfPeaks(peaks)) }
}

const placeOf = (lines: readonly AuditLine[], i: number): WrongEntry['place'] =>
  i < lines.length ? { file: lines[i].file, byte: lines[i].at } : null

const at = (lines: readonly AuditLine[], i: number, reason: string, to = i): WrongEntry => ({
  ...{ from: i, to, place: placeOf(lines, i), reason },
})

/** Which entry is wrong where a line is not the next one: it, or the one before. */
function brokenLink(lines: readonly AuditLine[], walk: AuditWalk, { size, last }: AuditPlace): WrongEntry {
  const i = walk.size
  const { bytes } = lines[i]
  const entry = entryIn(bytes)
  if (entry === null) return at(lines, i, 'it is no entry')
  // An entry that the one behind it names is as it was written; of the last one the checkpoint knows.
  const own = hexOf(leafHash(bytes))
  const behind = i + 1 < lines.length ? entryIn(lines[i + 1].bytes)?.prev : undefined
  const before = i > 0 ? entryIn(lines[i - 1].bytes) : null
  const isNamed = behind === own || (size === i + 1 && last.at(-1) === own)
  // Two that name the same one before them: one was put in, and nobody names it.
  const isOneTooMany = before?.prev === entry.prev && behind !== walk.previous
  if (isOneTooMany) return at(lines, i - 1, 'it was put in: the next one names the same entry before it')
  if (entry.i !== i) return at(lines, i, `it has the number ${entry.i}`)
  if (i > 0 && isNamed) return at(lines, i - 1, 'the entry after it names another hash')
  return at(lines, i, 'it does not name the hash of the entry before it')
}

/** Where a log may have been changed whose links hold, but which has another root than somebody knows. */
function otherRoot(
  lines: readonly AuditLine[],
  walk: AuditWalk,
  sure: number,
  place: AuditPlace,
): WrongEntry {
  const { size } = walk
  const reason = `its links hold, but a head of ${size} entries has another root`
  if (place.size !== size) return at(lines, sure, reason, size - 1)
  const found = walk.placeIn(0)
  // All but the last one are the same where the hash before the last is.
  if (size > 1 && found.last[0] === place.last[0]) return at(lines, size - 1, reason)
  let from = 0
  for (const [i, leaves] of peakSizes(size).entries()) {
    if (found.peaks[i] !== place.peaks[i]) return at(lines, Math.max(from, sure), reason, from + leaves - 1)
    from += leaves
  }
  return at(lines, sure, reason, size - 1)
}
