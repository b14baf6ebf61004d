/**
 * The way of records into a journal: each is admitted once, durable before its source may forget it, and then
 * handed on to be learnt.
 */
import type { AdmittedExperience, Experience, ExperienceJournal, GuardRecord } from '@burgeon/continual'
import { OptionError, shown } from '@burgeon/tensor'
import { orStopped } from '../or-stopped.ts'
import { arrivals } from './arrivals.ts'
import { aRecord, type RecordSource, type SourceRecord } from './record-source.ts'
import { newSalt } from './salted-digest.ts'
import type { Remembered, SeenRecords } from './duplicates/seen-records.ts'

/** What a guard has let in of a text. */
export interface LetIn {
  readonly text: string
  /** From 0 to 1. */
  readonly trust: number
}

/** A record that is not in the journal yet. */
type FreshRecord = Remembered & Partial<LetIn> & { readonly domain: string }

/** What it takes. */
export interface AdmitRecordsOptions {
  readonly journal: ExperienceJournal
  readonly seen: SeenRecords
  /**
   * Judges a text before anything keeps it: what of it may be learnt, and how far it is trusted; null where it
   * is not. All are let in unless given.
   */
  readonly judge?: (record: GuardRecord) => Promise<LetIn | null>
  /** Number of the first experience that was not learnt. */
  readonly from: number
  /** Ends it; what was admitted by then is in the journal. */
  readonly stop: AbortSignal
  readonly note: (line: string) => void
  /** Milliseconds before the source is opened again, or the disk is tried again, for the nth time in a row, from 1. */
  readonly pause?: (attempt: number) => number
}

/** Admitted experiences that wait to be learnt, above which nothing more is asked of the source. */
const maxAhead = 256
/** Records that are written together. */
const maxTogether = 256

/** A second, then twice as long each time, up to a minute. */
const usualPause = (attempt: number): number => Math.min(1000 * 2 ** (attempt - 1), 60_000)

/**
 * The experiences from a number on: those of the journal, and then what the source gives, until it has no
 * more or `stop` is raised. It reads ahead of whoever learns, but not far.
 *
 * @throws What the source throws, if it cannot be opened again.
 */
export async function* admitRecords(
  source: RecordSource,
  { journal, seen, judge, from, stop, note, pause = usualPause }: AdmitRecordsOptions,
): AsyncGenerator<AdmittedExperience, void, void> {
  const ahead = arrivals<AdmittedExperience>(maxAhead)
  const ended = new AbortController()
  const signal = AbortSignal.any([stop, ended.signal])
  const waits = (attempt: number): Promise<unknown> => orStopped(delay(pause(attempt)), [signal])
  /** Writes records; tries again for as long as the disk refuses. */
  const write = async (experiences: readonly Experience[]): Promise<readonly AdmittedExperience[] | null> => {
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        return await journal.append(experiences)
      } catch (error) {
        if (attempt === 1) note(`${(error as Error).message} Nothing more is read until then.`)
        await waits(attempt)
      }
    }
    return null
  }
  let [left, kept] = [0, 0]
  const admit = async (records: readonly SourceRecord[]): Promise<void> => {
    const fresh: FreshRecord[] = []
    for (const { id, text, domain = source.name } of records) {
      const record: FreshRecord = { source: source.name, id, text, domain }
      const isKnown = (one: FreshRecord): boolean => one.text === '' || seen.duplicateOf(one, fresh) !== null
      if (isKnown(record)) {
        left++
        continue
      }
      // Before the journal, and before it is remembered as one that came: a refused text leaves no trace.
      const own = judge === undefined ? {} : await judge({ ...record, ...(id !== undefined && { key: id }) })
      if (own === null) kept++
      else if (isKnown({ ...record, ...own })) left++
      else fresh.push({ ...record, ...own })
    }
    const admitted = await write(fresh.map(experienceOf))
    if (admitted === null) return
    for (const experience of admitted) seen.remember(experience)
    for (const record of records) await record.acknowledge?.()
    for (const experience of admitted) await ahead.push(experience, signal)
  }
  const readOnce = async (onRecord: () => void): Promise<void> => {
    const lastId = seen.lastIdOf(source.name)
    const records = source.open({ signal, note, ...(lastId !== undefined && { lastId }) })
    for await (const group of together(records, signal)) {
      onRecord()
      await admit(group)
    }
  }
  const readAll = async (): Promise<void> => {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await readOnce(() => {
          failures = 0
        })
        return
      } catch (error) {
        if (signal.aborted) return
        if (!source.reopens) throw error
        failures++
        if (failures === 1) note(`${(error as Error).message} It is asked again, and again if need be.`)
        await waits(failures)
      }
    }
  }
  // What the journal holds beyond what was learnt comes first, and the source is not asked before.
  for await (const experience of journal.read(from)) {
    if (stop.aborted) return
    yield experience
  }
  const reading = readAll().then(
    () => ahead.end(),
    (error: unknown) => ahead.fail(error),
  )
  try {
    for await (const experience of ahead) {
      if (stop.aborted) return
      yield experience
    }
  } finally {
    ended.abort()
    await reading
    if (kept > 0) note(`${kept} ${kept === 1 ? 'record was' : 'records were'} not let in by the guard`)
    if (left > 0)
      note(`${left} ${left === 1 ? 'record was' : 'records were'} left out: empty, or known before`)
  }
}

const delay = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref()
  })

const experienceOf = ({ source, id, text, domain, trust }: FreshRecord): Experience => ({
  ...{ source, domain, salt: newSalt(), text },
  ...(id !== undefined && { key: id }),
  ...(trust !== undefined && { trust }),
})

/** Records in groups: all that are there at once, for they share one write. */
async function* together(
  records: AsyncIterable<SourceRecord>,
  signal: AbortSignal,
): AsyncGenerator<SourceRecord[], void, void> {
  const iterator = records[Symbol.asyncIterator]()
  try {
    for (let next = iterator.next(); ; ) {
      const group: SourceRecord[] = []
      let result = await orStopped(next, [signal])
      let isEnd = result === null || result.done === true
      while (result !== null && !result.done) {
        if (!aRecord.accepts(result.value)) {
          throw new OptionError(
            `learn: got ${shown(result.value)} of a source; expected ${aRecord.expected}.`,
          )
        }
        group.push(result.value)
        next = iterator.next()
        if (group.length === maxTogether) {
          // A source that never waits would let nobody else act, and nothing stop it.
          await soon()
          break
        }
        // What came before a failure is admitted; the failure is met when its turn comes.
        result = await Promise.race([next.catch(() => null), soon()])
        isEnd = result?.done === true
      }
      if (group.length > 0) yield group
      if (isEnd) return
    }
  } finally {
    // A source that waits for its next record ends by the signal, and nobody waits for it here.
    void iterator.return?.()?.catch(() => {})
  }
}

const soon = (): Promise<null> =>
  new Promise((resolve) => {
    setImmediate(resolve, null)
  })
