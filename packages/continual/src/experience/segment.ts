/** Segments: the files of a journal, each named for what it begins with, and what is in them. */
import type { Disk } from '@burgeon/gpt'
import { checks } from '@burgeon/tensor'
import { ExperienceError } from '../errors.ts'
import {
  admit,
  type AdmittedExperience,
  aGap,
  anExperience,
  bytesOf,
  countOf,
  type Experience,
  type Gap,
} from './experience.ts'
import { frameOf, framesIn } from './frames.ts'

/** A place in the journal, between two experiences. */
export interface Place {
  /** Number of the experience after it. */
  readonly id: number
  /** UTF-8 bytes of all texts before it. */
  readonly at: number
}

/** A file of the journal. */
export interface Segment extends Place {
  readonly name: string
  /** Counts the files that begin at this place: of several the last one counts, the others failed. */
  readonly attempt: number
}

const format = 'burgeon experience'
const version = 1

/** The segment that begins at a place. */
export const segmentAt = ({ id, at }: Place, attempt: number): Segment => ({
  ...{ id, at, attempt },
  name: `experience-${padded(id)}-${padded(at)}-${attempt}.journal`,
})

const padded = (number: number): string => String(number).padStart(12, '0')
const segmentName = /^experience-(\d+)-(\d+)-(\d+)\.journal$/

/** The segments among the files of a folder, in order. */
export function segmentsIn(names: readonly string[]): Segment[] {
  const found = names.flatMap((name): Segment[] => {
    const [id, at, attempt] = (segmentName.exec(name)?.slice(1) ?? []).map(Number)
    return Number.isSafeInteger(id) && Number.isSafeInteger(at) ? [{ name, id, at, attempt }] : []
  })
  return found.toSorted((a, b) => a.id - b.id || a.attempt - b.attempt)
}

/** The bytes with which a segment begins. */
export const beginningOf = ({ id, at }: Place): Uint8Array => frameOf({ format, version, id, at })

/** Experiences that were written in one go, and gaps among them. */
export interface Entry extends Place {
  readonly experiences: readonly (Experience | Gap)[]
}

/** The frame of experiences that come one after another. */
export const entryOf = ({ id, at }: Place, experiences: Entry['experiences']): Uint8Array =>
  frameOf({ id, at, experiences })

/** What was found in a segment. */
export interface FoundSegment {
  readonly experiences: readonly AdmittedExperience[]
  /** The same as they were written, gaps among them. */
  readonly entries: readonly Entry[]
  /** The place after the last of them. */
  readonly end: Place
  /** Bytes of the file, if it is whole and nothing but these is in it; undefined otherwise. */
  readonly bytes: number | undefined
}

/**
 * Reads a segment.
 *
 * @param until Number of the first experience that does not count: what is behind it was never acknowledged.
 * @throws ExperienceError for damage, and unless everything up to `until` is there.
 */
export async function readSegment(
  disk: Disk,
  segment: Segment,
  until: number = Infinity,
): Promise<FoundSegment> {
  const file = `${disk.place}/${segment.name}`
  const bytes = await disk.read(segment.name)
  const experiences: AdmittedExperience[] = []
  const entries: Entry[] = []
  let [end, used, isBegun]: [Place, number, boolean] = [{ id: segment.id, at: segment.at }, 0, false]
  for (const { json, from, to } of end.id < until ? framesIn(bytes, file) : []) {
    if (isBegun) {
      const found = entryIn(json, end)
      if (found === undefined) throw misplaced(file, from, `experience ${end.id}`)
      experiences.push(...admit(found.experiences, end.id, end.at))
      entries.push(found)
      end = afterOf(end, found.experiences)
    } else if (!isBeginning(json, segment)) throw misplaced(file, from, `the beginning of version ${version}`)
    isBegun = true
    used = to
    if (end.id >= until) break
  }
  if (until !== Infinity && end.id < until) {
    throw new ExperienceError(
      `${file}: it ends with experience ${end.id - 1}; expected all up to ${until - 1}. The file was cut short: put back a copy.`,
    )
  }
  const isClean = isBegun && used === bytes.length
  return { experiences, entries, end, bytes: isClean ? used : undefined }
}

/** The place after experiences that come one after another. */
export const afterOf = ({ id, at }: Place, experiences: Entry['experiences']): Place => ({
  id: experiences.reduce((sum, one) => sum + countOf(one), id),
  at: experiences.reduce((sum, one) => sum + bytesOf(one), at),
})

function isBeginning(json: unknown, segment: Segment): boolean {
  const found = json as Partial<Record<'format' | 'version' | keyof Place, unknown>> | null
  return (
    found?.format === format &&
    found.version === version &&
    found.id === segment.id &&
    found.at === segment.at
  )
}

/** The entry that belongs at a place; undefined for any other. */
function entryIn(json: unknown, { id, at }: Place): Entry | undefined {
  const found = json as Partial<Entry> | null
  const isNext = found?.id === id && found.at === at
  return isNext && someExperiences.accepts(found.experiences) ? (found as Entry) : undefined
}

const someExperiences = checks.list('experiences', checks.either(anExperience, aGap))

function misplaced(file: string, from: number, expected: string): ExperienceError {
  return new ExperienceError(
    `${file}: got something else at byte ${from}; expected ${expected}. The file is of another journal or a later version.`,
  )
}
