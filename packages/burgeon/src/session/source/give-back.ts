/** Gives back the room of experiences that were learnt. */
import type { ExperienceJournal, TidiedJournal } from '@burgeon/continual'

/** Bytes of learnt text that a journal keeps unless somebody says otherwise. */
export const usualKeepBytes: number = 256_000_000

/** As a user says it, in MB. */
export const bytesKept = (megabytes: number | undefined): number | undefined =>
  megabytes === undefined ? undefined : megabytes * 1_000_000

/** Size of the files of a journal that keeps so many bytes: it keeps little more, and has few files. */
export const segmentBytesFor = (keepBytes: number): number =>
  Math.min(4 * 2 ** 20, Math.max(4096, Math.ceil(keepBytes / 4)))

/**
 * Makes what is to be called after each save, with the number of the first experience that the checkpoint
 * lacks. A disk that refuses is tried again with the next save: learning does not end for it.
 *
 * @param note Called with a line about a disk that refuses, once in a row.
 */
export function givingBack(
  journal: ExperienceJournal,
  keepBytes: number,
  note: (line: string) => void,
): (learnt: number) => Promise<void> {
  let isRefused = false
  return async (learnt) => {
    try {
      await journal.compact(learnt, { keepBytes })
      isRefused = false
    } catch (error) {
      const why = (error as Error).message
      if (!isRefused)
        note(`${journal.place}: what was learnt takes its room still (${why}); tried again later`)
      isRefused = true
    }
  }
}

/**
 * Makes what joins small files of a journal, as far as they were learnt. What it cannot do it says, and it
 * stands as it was.
 */
export function tidying(
  journal: ExperienceJournal,
  learnt: () => number,
  note: (line: string) => void,
): () => Promise<TidiedJournal> {
  return async () => {
    try {
      return await journal.tidy(learnt())
    } catch (error) {
      note((error as Error).message)
      return { joined: 0, written: 0 }
    }
  }
}
