/** The audit log of a life, open for writing. */
import type { Disk } from '@burgeon/gpt'
import { checkArgument, checks } from '@burgeon/tensor'
import { AuditError } from '../errors.ts'
import { joinArrays } from '../stream/join-arrays.ts'
import {
  anAuditNote,
  anAuditPlace,
  auditBeginning,
  type AuditNote,
  type AuditPlace,
  auditHeadAt,
  AuditWalk,
} from './audit-entry.ts'
import { type AuditFile, auditFile, auditFilesIn, auditLines } from './audit-files.ts'

/** An audit log that is open for writing. Nobody else may write to it meanwhile. */
export interface AuditLog {
  /** The place behind its last entry. */
  readonly place: AuditPlace
  /**
   * Puts down notes, one after another. Resolves once they would survive a power cut.
   *
   * @param at Milliseconds since 1970 (UTC).
   * @returns The place behind the last of them.
   * @throws OptionError for what is no note; AuditError if they could not be written: put them down again.
   *   All, some or none of them may be found there later; those before are.
   */
  append(notes: readonly AuditNote[], at: number): Promise<AuditPlace>
}

/** Bytes after which a new file is begun. */
const fileBytes = 2 ** 18
const utf8 = new TextEncoder()

/**
 * Opens the audit log of a folder, where `from` is the place that a checkpoint of it holds. Whatever is found
 * behind that place stays: a log never becomes shorter, and what of it is no part of the checkpoint, another
 * entry has to say.
 *
 * Where the log does not come as far as that place any more, or was changed before it, its files stay as they
 * are, and the next log of the folder begins: with an entry `begun anew` that names the head that is missed.
 *
 * @param from The beginning unless given.
 * @throws OptionError for what is no disk or no place; what the disk throws.
 * @example
 * ```ts
 * import { nodeDisk } from '@burgeon/gpt/node'
 * const log = await openAuditLog(nodeDisk('life'))
 * const { size } = await log.append([{ kind: 'approval', step: 12, data: { by: 'anna' } }], 0)
 * console.log(size) // → 1
 * ```
 */
export async function openAuditLog(disk: Disk, from: AuditPlace = auditBeginning): Promise<AuditLog> {
  const who = 'openAuditLog'
  checkArgument(who, 'disk', disk, checks.role<Disk>('a disk', 'list', 'read', 'create', 'append', 'sync'))
  checkArgument(who, 'from', from, anAuditPlace)
  const all = auditFilesIn(await disk.list())
  const newest = all.at(-1)?.series ?? 0
  for (let series = newest; series >= from.series; series--) {
    const files = all.filter((file) => file.series === series)
    const walk = await walkTo(disk, files, series === from.series ? from : auditBeginning)
    if (walk !== null) return opened(disk, series, files, walk)
  }
  const series = newest + 1
  const log = opened(disk, series, [], new AuditWalk())
  return {
    get place() {
      return log.place
    },
    // The entry that says so is written with the first notes: to open a log changes nothing.
    append: (notes, at) => log.append(log.place.size > 0 ? notes : [begunAnew(from, notes), ...notes], at),
  }
}

const begunAnew = (from: AuditPlace, notes: readonly AuditNote[]): AuditNote => ({
  kind: 'begun anew',
  step: notes.at(0)?.step ?? 0,
  data: { missed: { series: from.series, ...auditHeadAt(from) } },
})

/** Goes to a place, and on to the last whole entry; null if the log does not lead to that place. */
async function walkTo(disk: Disk, files: readonly AuditFile[], from: AuditPlace): Promise<AuditWalk | null> {
  if (files.length === 0) return from.size === 0 ? new AuditWalk() : null
  // The entry before the place is looked at, so that a log that was exchanged is noticed.
  const target = Math.max(0, from.size - 1)
  const begin = files.findLastIndex(({ first }) => first <= target)
  if (begin < 0) return null
  const walk = new AuditWalk(from)
  let number = files[begin].first
  for await (const line of auditLines(disk, files.slice(begin))) {
    if (number >= from.size) {
      if (!walk.isNext(line.bytes)) break
      walk.take(line.bytes)
    } else if (number === target) {
      const before = new AuditWalk()
      before.take(line.bytes)
      if (before.previous !== from.last.at(-1)) return null
    }
    number++
  }
  if (number < from.size) return null
  // Behind a file that another follows nothing may be missing.
  return walk.size >= (files.at(-1)?.first ?? 0) ? walk : null
}

function opened(disk: Disk, series: number, files: readonly AuditFile[], found: AuditWalk): AuditLog {
  let walk = found
  /** The file that is written to, and its bytes; none where it may have something behind its end. */
  let open: { readonly name: string; readonly bytes: number } | undefined
  let attempts = Math.max(
    -1,
    ...files.filter(({ first }) => first === found.size).map(({ attempt }) => attempt),
  )
  let last: string | null = files.at(-1)?.name ?? null
  const write = async (bytes: Uint8Array, first: number): Promise<void> => {
    if (last !== null && open === undefined) open = await wholeFile(disk, last, found)
    last = null
    const target = open !== undefined && open.bytes < fileBytes ? open : undefined
    // What a write leaves behind that fails, nobody knows: the next one goes into a file of its own.
    open = undefined
    if (target !== undefined) {
      await disk.append(target.name, bytes)
      open = { name: target.name, bytes: target.bytes + bytes.length }
      return
    }
    const { name } = auditFile(series, first, ++attempts)
    await disk.create(name, bytes)
    await disk.sync()
    open = { name, bytes: bytes.length }
    attempts = -1
  }
  return {
    get place() {
      return walk.placeIn(series)
    },
    async append(notes, at) {
      checkArgument('append', 'notes', notes, checks.list('a list of notes', anAuditNote))
      checkArgument('append', 'at', at, checks.number({ from: 0 }))
      const next = new AuditWalk(walk.placeIn(series))
      const lines = next.add(notes, at).flatMap((line) => [line, utf8.encode('\n')])
      if (lines.length === 0) return walk.placeIn(series)
      try {
        await write(joinArrays(Uint8Array, lines), walk.size)
      } catch (error) {
        throw new AuditError(
          `${disk.place}: cannot write the audit log (${error instanceof Error ? error.message : String(error)}). ` +
            'What was in it is there. Save again once the disk takes it.',
          { cause: error },
        )
      }
      walk = next
      return walk.placeIn(series)
    },
  }
}

/** A file whose last line is the last entry; undefined where something is behind that, or it is empty. */
async function wholeFile(
  disk: Disk,
  name: string,
  { previous }: AuditWalk,
): Promise<{ readonly name: string; readonly bytes: number } | undefined> {
  const bytes = await disk.read(name)
  if (bytes.at(-1) !== 10) return undefined
  const walk = new AuditWalk()
  walk.take(bytes.subarray(bytes.lastIndexOf(10, bytes.length - 2) + 1, -1))
  return walk.previous === previous ? { name, bytes: bytes.length } : undefined
}
