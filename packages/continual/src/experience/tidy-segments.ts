/** Tidying of a journal: small segments become one, and gaps one after another take the room of one. */
import type { Disk } from '@burgeon/gpt'
import { joinArrays } from '../stream/join-arrays.ts'
import { bytesOf, countOf, isGap } from './experience.ts'
import type { TidiedJournal } from './experience-journal.ts'
import { beginningOf, type Entry, entryOf, readSegment, type Segment } from './segment.ts'

/** A segment that nothing is appended to any more. */
export interface ClosedSegment {
  readonly segment: Segment
  /** Number of the first experience behind it. */
  readonly until: number
}

const ending = '.tidying'
/** Where a file by itself would become no smaller than this share of it, it is left as it is. */
const worthwhile = 0.75

/** Segments that become one, and what it will hold. */
interface Group {
  readonly first: Segment
  readonly others: Segment[]
  readonly frames: Uint8Array[]
  bytes: number
  /** Of the files that there are; null where one holds more than counts. */
  before: number | null
}

/**
 * Joins segments that follow each other, up to a size. A kill at any moment leaves every experience in its
 * place: until the others are gone, the first of them holds theirs as well, which does not count.
 *
 * @param closed Those that may be joined, in order and without gaps between them, as they are now.
 * @param settled Names of those that need not be looked at; those that are found so are added.
 * @param onJoined Called with each segment that is gone.
 * @throws ExperienceError for damage; what the disk throws.
 */
export async function tidySegments(
  disk: Disk,
  closed: () => readonly ClosedSegment[],
  segmentBytes: number,
  settled: Set<string>,
  onJoined: (segment: Segment) => void,
): Promise<TidiedJournal> {
  let [joined, written] = [0, 0]
  for (;;) {
    const groups = await groupsOf(disk, closed(), segmentBytes, settled)
    const worthwhile = groups.filter(isWorthwhile)
    // Gaps of several files become one only once they are in the same.
    if (worthwhile.length === 0) return { joined, written }
    for (const { first, others, frames } of worthwhile) {
      const beside = `${first.name}${ending}`
      await disk.write(beside, joinArrays(Uint8Array, [beginningOf(first), ...frames]))
      await disk.rename(beside, first.name)
      // What takes their place is there for good before they go.
      await disk.sync()
      written++
      for (const other of others) {
        await disk.remove(other.name)
        // One at a time, so that of those that are left each ends where the next begins.
        await disk.sync()
        onJoined(other)
        joined++
      }
    }
  }
}

async function groupsOf(
  disk: Disk,
  closed: readonly ClosedSegment[],
  segmentBytes: number,
  settled: Set<string>,
): Promise<Group[]> {
  const groups: Group[] = []
  let isOpen = false
  for (const { segment, until } of closed) {
    if (settled.has(segment.name)) {
      isOpen = false
      continue
    }
    const { entries, bytes = null } = await readSegment(disk, segment, until)
    const frames = withJoinedGaps(entries).map(({ experiences, ...place }) => entryOf(place, experiences))
    const size = frames.reduce((sum, frame) => sum + frame.length, 0)
    const group = groups.at(-1)
    if (isOpen && group !== undefined && group.bytes + size <= segmentBytes) {
      group.others.push(segment)
      group.frames.push(...frames)
      group.bytes += size
      continue
    }
    const own = beginningOf(segment).length + size
    groups.push({ first: segment, others: [], frames, bytes: own, before: bytes })
    isOpen = true
  }
  for (const group of groups) {
    if (!isWorthwhile(group) && group.bytes > segmentBytes / 2) settled.add(group.first.name)
  }
  return groups
}

const isWorthwhile = ({ others, bytes, before }: Group): boolean =>
  others.length > 0 || before === null || bytes <= worthwhile * before

/** Gaps that follow each other as one, across entries that hold nothing else. */
function withJoinedGaps(entries: readonly Entry[]): Entry[] {
  const found: Entry[] = []
  for (const { experiences, ...place } of entries) {
    const own: Entry['experiences'][number][] = []
    for (const one of experiences) {
      const last = own.at(-1)
      if (last !== undefined && isGap(last) && isGap(one)) {
        own[own.length - 1] = { forgotten: bytesOf(last) + bytesOf(one), of: countOf(last) + countOf(one) }
      } else own.push(one)
    }
    const before = found.at(-1)
    const gaps = [before?.experiences ?? [], own].flat()
    if (before !== undefined && gaps.every(isGap)) {
      const forgotten = gaps.reduce((sum, gap) => sum + bytesOf(gap), 0)
      found[found.length - 1] = {
        ...before,
        experiences: [{ forgotten, of: gaps.reduce((sum, gap) => sum + countOf(gap), 0) }],
      }
    } else found.push({ ...place, experiences: own })
  }
  return found
}
