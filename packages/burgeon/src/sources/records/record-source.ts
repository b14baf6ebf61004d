/** A source of records: texts that come one after another, each whole, from somebody who may forget them. */
import { type Check, checks } from '@burgeon/tensor'

/** A text as a source gives it. */
export interface SourceRecord {
  /** What the source calls it: two of one source with the same id are the same. None unless given. */
  readonly id?: string
  readonly text: string
  /** The kind of text, by which losses are told apart; the name of the source unless given. */
  readonly domain?: string
  /** Called once the record is durable in the journal, or was there before: the source may forget it. */
  acknowledge?(): void | Promise<void>
}

/** How a source is opened. */
export interface OpenRecords {
  /** Raised when nobody reads any more; the records end then. */
  readonly signal: AbortSignal
  /** Called with a line about what is left out, and why. */
  note(line: string): void
  /** Id of the last record of this source that is in the journal, if it had one. */
  readonly lastId?: string
}

/** Gives records. */
export interface RecordSource {
  /** What its records say of where they came from, such as `sse:http://localhost:8080/notes`. */
  readonly name: string
  /**
   * Whether it can be opened again after it failed. Such a source is, after a while that doubles each time;
   * of any other a failure ends the learning.
   */
  readonly reopens: boolean
  /** Gives records until there are no more. No record is asked for before there is room for it. */
  open(options: OpenRecords): AsyncIterable<SourceRecord>
}

/** Any object of the role. */
export const aRecordSource: Check<RecordSource> = checks.role(
  'a source of records',
  ...(['name', 'reopens', 'open'] as const),
)

/** Any record. */
export const aRecord: Check<SourceRecord> = {
  expected: '{ text } that is a string, perhaps an id and a domain that are strings, and acknowledge()',
  accepts: (value): value is SourceRecord => {
    if (typeof value !== 'object' || value === null) return false
    const {
      id = '',
      text,
      domain = '',
      acknowledge = () => {},
    } = value as Record<keyof SourceRecord, unknown>
    return [id, text, domain].every((one) => typeof one === 'string') && typeof acknowledge === 'function'
  },
}
