/** Forgetting in a journal: a segment is written anew without what is meant, in the place of the old one. */
import type { Disk } from '@burgeon/gpt'
import { joinArrays } from '../stream/join-arrays.ts'
import type { Origin } from '../stream/origin.ts'
import { admit, bytesOf, type Experience, type Gap, isGap } from './experience.ts'
import { afterOf, beginningOf, type Entry, entryOf, readSegment, type Segment } from './segment.ts'

/** How many experiences a segment let go of, and its bytes since. */
export interface ForgottenInSegment {
  readonly experiences: number
  readonly bytes: number
}

const ending = '.forgetting'
/** Of segments that are written anew, beside the old ones. */
const unfinished = [ending, '.tidying']

/**
 * Puts gaps in the place of some experiences, and lets go of what was written and never acknowledged. A kill
 * at any moment leaves the segment as it was or as it is to be.
 *
 * @param until Number of the first experience that does not count.
 * @returns null if there is nothing to let go of; nothing is written then.
 * @throws ExperienceError for damage; what the disk throws, and nothing is forgotten then.
 */
export async function forgetInSegment(
  disk: Disk,
  segment: Segment,
  until: number,
  isMeant: (origin: Origin) => boolean,
): Promise<ForgottenInSegment | null> {
  const { entries, bytes: whole } = await readSegment(disk, segment, until)
  let experiences = 0
  const left = entries.map(({ id, at, experiences: all }): Entry => {
    const kept = all.map((one, i): Experience | Gap => {
      if (isGap(one)) return one
      const place = afterOf({ id, at }, all.slice(0, i))
      const [{ origin }] = admit([one], place.id, place.at)
      if (!isMeant(origin)) return one
      experiences++
      return { forgotten: bytesOf(one) }
    })
    return { id, at, experiences: kept }
  })
  if (experiences === 0 && whole !== undefined) return null
  const frames = left.map(({ experiences: all, ...place }) => entryOf(place, all))
  const bytes = joinArrays(Uint8Array, [beginningOf(segment), ...frames])
  const beside = `${segment.name}${ending}`
  await disk.write(beside, bytes)
  await disk.rename(beside, segment.name)
  await disk.sync()
  return { experiences, bytes: bytes.length }
}

/** Removes what forgetting, or tidying, that was interrupted has left beside the segments. */
export async function removeUnfinished(disk: Disk): Promise<void> {
  for (const name of await disk.list()) {
    if (unfinished.some((one) => name.endsWith(one))) await disk.remove(name)
  }
}
