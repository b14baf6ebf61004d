/** What a cluster has agreed on, in order: entries that stay, each at a position of its own. */
import { type Check, checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { aPayload } from './payload.ts'
import { aWord } from './subject.ts'

/** An entry of a log. */
export interface LogEntry {
  /** 1 for the first, and no number is left out. */
  readonly position: number
  /** What its writer called it; null where it had no name. */
  readonly id: string | null
  /** Who wrote it; null where nobody said so. A log over a broker holds its users to that. */
  readonly author: string | null
  readonly payload: Uint8Array
}

/** Options of an append. */
export interface AppendEntryOptions {
  /**
   * A name of 1 to 200 characters, by which the same entry is known if it is sent again. None unless given.
   */
  readonly id?: string
  /** Who writes it, one word. Nobody unless given. */
  readonly author?: string
  /** The last position of the log as its writer knows it, 0 for an empty one. Any unless given. */
  readonly after?: number
}

/** What became of an append. */
export interface Appended {
  readonly position: number
  /** False where an entry of this author and id was there before: `position` is its, and nothing was appended. */
  readonly isNew: boolean
}

/** Options of reading. */
export interface ReadLogOptions {
  /** Waits for entries to come, until it is aborted. Reading ends at the present end unless given. */
  readonly until?: AbortSignal
}

/**
 * Entries in one order, the same for everyone. A payload has at most `maxPayload` bytes. An entry that was appended never changes and never goes. How far
 * back an `id` is known is up to the log; one in memory knows all.
 */
export interface Log {
  /**
   * Appends an entry; resolves when it is in the log. One whose `id` is there already, by the same author, is
   * not appended, whatever `after` says: a writer that does not know whether it was heard just says it again.
   *
   * @throws OptionError for arguments that are none; LogError if the last position is another than `after`, the
   *   log is closed or cannot be written, or its writer may not write as this author. Nothing is appended then.
   */
  append(payload: Uint8Array, options?: AppendEntryOptions): Promise<Appended>
  /**
   * Reads entries in order, from a position on.
   *
   * @param from 1 for the first. Beyond the end nothing comes, or nothing yet.
   * @throws OptionError for arguments that are none, LogError if the log is closed or an entry cannot be read.
   */
  read(from: number, options?: ReadLogOptions): AsyncIterable<LogEntry>
  /** The last position, 0 for an empty log. Throws LogError if the log is closed. */
  last(): Promise<number>
  /** Ends whatever still waits for entries. To do so twice is to do so once. */
  close(): Promise<void>
}

/** Throws OptionError unless an entry can be appended so. */
export function checkAppend(who: string, payload: Uint8Array, options: AppendEntryOptions): void {
  checkArgument(who, 'payload', payload, aPayload)
  checkOptions(who, options, { id: anEntryId, author: aWord, after: checks.count })
}

/** Throws OptionError unless a log can be read so. */
export function checkRead(who: string, from: number, options: ReadLogOptions): void {
  checkArgument(who, 'from', from, checks.integer({ from: 1 }))
  checkOptions(who, options, { until: checks.instance('an AbortSignal', AbortSignal) })
}

/** Check of a log. */
export const aLog: Check<Log> = checks.role<Log>(
  'a log, such as memoryLog()',
  'append',
  'read',
  'last',
  'close',
)

/** Check of the id of an entry. */
const anEntryId: Check<string> = {
  expected: 'a text of 1 to 200 characters',
  accepts: (value): value is string => typeof value === 'string' && value.length > 0 && value.length <= 200,
}
