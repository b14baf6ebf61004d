/** Opens a journal of experience: what is in its folder is found, written, forgotten and tidied. */
import type { Disk } from '@burgeon/gpt'
import { checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'
import { ExperienceError } from '../errors.ts'
import { oneAtATime } from '../one-at-a-time.ts'
import { joinArrays } from '../stream/join-arrays.ts'
import type { Origin } from '../stream/origin.ts'
import { admit, type AdmittedExperience, anExperience, type Experience } from './experience.ts'
import { forgetInSegment, removeUnfinished } from './forget-in-segment.ts'
import {
  afterOf,
  beginningOf,
  entryOf,
  type Place,
  readSegment,
  type Segment,
  segmentAt,
  segmentsIn,
} from './segment.ts'
import { tidySegments } from './tidy-segments.ts'
import type { ExperienceJournal, ExperienceJournalOptions, TidiedJournal } from './experience-journal.ts'

interface Waiting {
  readonly experiences: readonly Experience[]
  resolve(admitted: readonly AdmittedExperience[]): void
  reject(error: unknown): void
}

const aDisk = checks.role<Disk>(
  'a disk, such as that of nodeDisk',
  ...(['place', 'read', 'write', 'create', 'append', 'rename', 'remove', 'list', 'sync', 'lock'] as const),
)

/**
 * Opens the journal of a folder of its own, which is empty at first. What a power cut or a kill left half
 * written at its end is left out.
 *
 * @throws ExperienceError if the last file is damaged; LockedError if another process has it open.
 * @example
 * ```ts
 * import { nodeDisk } from '@burgeon/gpt/node'
 * const journal = await openExperience(nodeDisk('life/experience'))
 * const [{ origin }] = await journal.append([{ source: 'diary', domain: 'notes', text: 'It rained.' }])
 * for await (const { text } of journal.read(origin.id)) console.log(text) // → It rained.
 * ```
 */
export async function openExperience(
  disk: Disk,
  options: ExperienceJournalOptions = {},
): Promise<ExperienceJournal> {
  const who = 'openExperience'
  checkArgument(who, 'disk', disk, aDisk)
  checkOptions(who, options, { segmentBytes: checks.integer({ from: 1 }) })
  const { segmentBytes = 4 * 2 ** 20 } = options
  const lock = await disk.lock('session')
  try {
    return await opened(disk, segmentBytes, () => lock.release())
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function opened(
  disk: Disk,
  segmentBytes: number,
  release: () => Promise<void>,
): Promise<ExperienceJournal> {
  const segments = segmentsIn(await disk.list())
  const last = segments.at(-1)
  const found = last && (await readSegment(disk, last))
  let end: Place = found?.end ?? { id: 0, at: 0 }
  /** The file that is written to; none where the last one has something behind its end. */
  let open = last && found?.bytes !== undefined ? { segment: last, bytes: found.bytes } : undefined

  /** Files that could not be made at the present end. */
  let failures = 0
  const begin = async (entry: Uint8Array): Promise<void> => {
    const before = segments.filter(({ id }) => id === end.id).map(({ attempt }) => attempt)
    const segment = segmentAt(end, Math.max(-1, ...before) + 1 + failures)
    const bytes = joinArrays(Uint8Array, [beginningOf(segment), entry])
    try {
      await disk.create(segment.name, bytes)
      await disk.sync()
    } catch (error) {
      failures++
      // It holds nothing that counts; where it stays, the next attempt takes its place.
      await disk.remove(segment.name).catch(() => {})
      throw error
    }
    failures = 0
    segments.push(segment)
    open = { segment, bytes: bytes.length }
  }
  const write = async (experiences: readonly Experience[]): Promise<readonly AdmittedExperience[]> => {
    const entry = entryOf(end, experiences)
    const target = open !== undefined && open.bytes < segmentBytes ? open : undefined
    // What a write leaves behind that fails, nobody knows: the next one goes into a file of its own.
    open = undefined
    if (target === undefined) await begin(entry)
    else {
      await disk.append(target.segment.name, entry)
      open = { ...target, bytes: target.bytes + entry.length }
    }
    const admitted = admit(experiences, end.id, end.at)
    end = afterOf(end, experiences)
    return admitted
  }

  let waiting: Waiting[] = []
  let writing: Promise<void> | undefined
  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      try {
        const admitted = [...(await write(group.flatMap(({ experiences }) => experiences)))]
        for (const { experiences, resolve } of group) resolve(admitted.splice(0, experiences.length))
      } catch (error) {
        const failed = new ExperienceError(
          `${disk.place}: cannot write experiences (${error instanceof Error ? error.message : String(error)}). ` +
            'What was admitted before is there. Append them again once the disk takes them.',
          { cause: error },
        )
        for (const { reject } of group) reject(failed)
      }
    }
    writing = undefined
  }
  /** Runs work while nothing is written; what is appended meanwhile waits. */
  const betweenWrites = async <T>(work: () => Promise<T>): Promise<T> => {
    if (writing !== undefined) {
      await writing
      // Another may have begun by now.
      return betweenWrites(work)
    }
    const result = work()
    const goOn = (): void => {
      writing = waiting.length > 0 ? writeAll() : undefined
    }
    writing = result.then(goOn, goOn)
    return result
  }
  /** Files that need not be looked at to be tidied. */
  const settled = new Set<string>()
  const forget = async (isMeant: (origin: Origin) => boolean): Promise<number> => {
    const all = [...segments]
    let total = 0
    settled.clear()
    try {
      await removeUnfinished(disk)
      for (const [i, segment] of all.entries()) {
        const until = all.at(i + 1)?.id ?? end.id
        if (until === segment.id && i + 1 < all.length) {
          // A file that failed: nothing in it counts, but what is meant may be there.
          await disk.remove(segment.name)
          segments.splice(segments.indexOf(segment), 1)
          continue
        }
        const forgotten = await forgetInSegment(disk, segment, until, isMeant)
        total += forgotten?.experiences ?? 0
        if (forgotten && open?.segment === segment) open = { segment, bytes: forgotten.bytes }
      }
    } catch (error) {
      throw new ExperienceError(
        `${disk.place}: cannot forget experiences (${error instanceof Error ? error.message : String(error)}). ` +
          `${total} of them are forgotten; all others are there. Forget them again once the disk takes it.`,
        { cause: error },
      )
    }
    return total
  }
  const tidy = async (before: number): Promise<TidiedJournal> => {
    const closed = () =>
      segments
        .map((segment, i) => ({ segment, until: segments.at(i + 1)?.id ?? Infinity }))
        .filter(({ until }) => until <= before)
    try {
      await removeUnfinished(disk)
      return await tidySegments(disk, closed, segmentBytes, settled, (gone) => {
        segments.splice(segments.indexOf(gone), 1)
      })
    } catch (error) {
      if (error instanceof ExperienceError) throw error
      throw new ExperienceError(
        `${disk.place}: cannot join files (${error instanceof Error ? error.message : String(error)}). ` +
          'All experiences are there. Tidy again once the disk takes it.',
        { cause: error },
      )
    }
  }
  const alone = oneAtATime()
  let isClosed = false
  return {
    place: disk.place,
    get first() {
      return segments.at(0)?.id ?? end.id
    },
    get next() {
      return end.id
    },
    async append(experiences) {
      checkArgument('append', 'experiences', experiences, checks.list('a list of experiences', anExperience))
      if (isClosed) throw new OptionError(`${disk.place}: the journal is closed; open it again to append.`)
      if (experiences.length === 0) return []
      return new Promise((resolve, reject) => {
        waiting.push({ experiences, resolve, reject })
        writing ??= writeAll()
      })
    },
    read: (from) => readFrom(disk, [...segments], from, end.id),
    async compact(before, options = {}) {
      checkArgument('compact', 'before', before, checks.count)
      checkOptions('compact', options, { keepBytes: checks.count })
      const { keepBytes = 0 } = options
      const isFree = ({ id, at }: Segment): boolean => id <= before && end.at - at >= keepBytes
      await alone(async () => {
        // What takes the place of a file is there for good before the file goes.
        if (segments.length > 1 && isFree(segments[1])) await disk.sync()
        while (segments.length > 1 && isFree(segments[1])) {
          await disk.remove(segments[0].name)
          // One at a time, so that what is left after a power cut has no gap.
          await disk.sync()
          segments.shift()
        }
      })
    },
    async forget(isMeant) {
      checkArgument('forget', 'isMeant', isMeant, checks.callback('a function of an origin'))
      if (isClosed) throw new OptionError(`${disk.place}: the journal is closed; open it again to forget.`)
      return alone(() => betweenWrites(() => forget(isMeant)))
    },
    async tidy(before) {
      checkArgument('tidy', 'before', before, checks.count)
      if (isClosed) throw new OptionError(`${disk.place}: the journal is closed; open it again to tidy.`)
      return alone(() => betweenWrites(() => tidy(before)))
    },
    async close() {
      isClosed = true
      await betweenWrites(release)
    },
  }
}

async function* readFrom(
  disk: Disk,
  segments: readonly Segment[],
  from: number,
  end: number,
): AsyncGenerator<AdmittedExperience, void, void> {
  const first = segments.at(0)?.id ?? end
  if (!Number.isSafeInteger(from) || from < first || from > end) {
    throw new ExperienceError(
      `${disk.place}: got ${from} as the first experience to read; expected a number from ${first} to ${end}. ` +
        'What comes before was let go of; what comes after was never admitted here.',
    )
  }
  for (const [i, segment] of segments.entries()) {
    const until = Math.min(segments.at(i + 1)?.id ?? end, end)
    if (until <= from || until <= segment.id) continue
    const { experiences } = await readSegment(disk, segment, until)
    for (const experience of experiences) {
      if (experience.origin.id >= from && experience.origin.id < until) yield experience
    }
  }
}
