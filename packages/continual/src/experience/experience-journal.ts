/**
 * The experience journal: everything that was admitted to be learnt, durable and in order. A source may
 * forget what is in it, and a learner that was killed reads on from where its checkpoint stands.
 */
import type { AdmittedExperience, Experience } from './experience.ts'
import type { Origin } from '../stream/origin.ts'

/** How the journal is divided. */
export interface ExperienceJournalOptions {
  /** Bytes after which a new file is begun, ≥ 1. 4 MiB unless given. */
  readonly segmentBytes?: number
}

/** What stays of a journal that gives back room. */
export interface CompactOptions {
  /** Bytes of text at the end of the journal that stay whatever their numbers are, ≥ 0. 0 unless given. */
  readonly keepBytes?: number
}

/** What a journal was tidied to. */
export interface TidiedJournal {
  /** Files that are now part of the one before them. */
  readonly joined: number
  /** Files that were written anew. */
  readonly written: number
}

/** A journal that is open for writing. */
export interface ExperienceJournal {
  /** Where it is, for messages. */
  readonly place: string
  /** Number of the oldest experience that is kept; `next` where there is none. */
  readonly first: number
  /** Number that the next experience gets. */
  readonly next: number
  /**
   * Admits experiences, one after another. Resolves once they would survive a power cut; appends that wait
   * for each other are written together, in the order of the calls.
   *
   * @throws OptionError for what is no experience; ExperienceError if they could not be written, such as for
   *   a full disk. None of them counts then, and all that was admitted before is there; append them again.
   *   Found by a later `openExperience` they may be all the same, in the place where they would have been.
   */
  append(experiences: readonly Experience[]): Promise<readonly AdmittedExperience[]>
  /**
   * Reads what is there at the time of the call, in order.
   *
   * @param from Number of the first that is wanted, from `first` to `next`.
   * @throws ExperienceError for a number outside, or damage, naming file and byte.
   */
  read(from: number): AsyncGenerator<AdmittedExperience, void, void>
  /**
   * Gives back the room of experiences: removes files whose experiences all come before a number. The file
   * that is written to stays.
   *
   * @throws OptionError for what is no number; what the disk throws. What is there then has no gap.
   */
  compact(before: number, options?: CompactOptions): Promise<void>
  /**
   * Forgets experiences for good: no byte of them stays in the folder, and `read` leaves them out. Those
   * after them keep their numbers and positions. Appends wait meanwhile.
   *
   * @param isMeant Called with where each experience came from.
   * @returns How many were forgotten.
   * @throws ExperienceError for damage, or a disk that refuses. What was forgotten by then stays so; call it
   *   again for the rest.
   */
  forget(isMeant: (origin: Origin) => boolean): Promise<number>
  /**
   * Joins small files to larger ones, up to the size at which a new one is begun, and gaps one after another
   * to one: of files whose experiences all come before a number, which nobody may be reading. Numbers,
   * positions and texts stay. Appends wait meanwhile.
   *
   * @throws OptionError for what is no number; ExperienceError for damage, or a disk that refuses: every
   *   experience is there all the same.
   */
  tidy(before: number): Promise<TidiedJournal>
  /** Waits for what is being written, and lets the folder go. Nothing can be appended after it. */
  close(): Promise<void>
}
