/** The pieces of feedback that are kept, and which of them are learnt next. */
import { checks, checkState, optional, type StateChecks } from '@burgeon/tensor'
import { count, none } from '../../saved-state.ts'
import { type FeedbackRecord, recodedRecord, savedRecord, voteOf } from './feedback-record.ts'
import type { FeedbackStatus } from './feedback-summary.ts'
import { afterLook, notLooked } from './spaced-looks.ts'
import { type IsTrusted, reliabilities, strengths } from './votes.ts'
import { type Chosen, rowsOf, type Seen } from './weighted-rows.ts'

/** Plain data. */
export interface FeedbackStoreState {
  readonly records: readonly FeedbackRecord[]
  /**
   * For each of the latest places in steps the source of the piece that was learnt there; null for one that
   * is trusted, and where none was.
   */
  readonly recent: readonly (string | null)[]
  /** Steps in which any was looked at; 0 unless given. */
  readonly looks?: number
}

const stateChecks: StateChecks<FeedbackStoreState> = {
  records: checks.list('pieces of feedback', savedRecord),
  recent: checks.list('names of sources', checks.either(checks.text, none)),
  looks: optional(count),
}

/** A piece is worn out after so many steps. */
const mostUses = 32
/** It is satisfied where the weight of its preference has fallen to 3 %: 4·σ(5)·σ(−5). */
const satisfiedAt = 5
/** Of so many places in a row no source that is not trusted has more than this share. */
const [quota, quotaWindow] = [0.2, 50]

/** Keeps feedback, the oldest first. */
export class FeedbackStore {
  readonly #capacity: number
  readonly #beta: number
  readonly #isTrusted: IsTrusted
  #records: readonly FeedbackRecord[] = []
  #recent: readonly (string | null)[] = []
  #looks = 0
  /** How strongly each record is followed; null until it is asked for. */
  #strengths: readonly number[] | null = null

  constructor(capacity: number, beta: number, isTrusted: IsTrusted) {
    this.#capacity = capacity
    this.#beta = beta
    this.#isTrusted = isTrusted
  }

  get records(): readonly FeedbackRecord[] {
    return this.#records
  }

  /** How far each source is believed, from 0 to 1. */
  get believed(): ReadonlyMap<string | null, number> {
    return reliabilities(this.#records, this.#isTrusted)
  }

  /** Takes a piece in the place of what its source said of the answer before. */
  add(record: FeedbackRecord): void {
    const vote = voteOf(record)
    const others = this.#records.filter((one) => voteOf(one) !== vote)
    this.#replace([...this.#without(others), record])
  }

  /** One piece fewer where there is no room for another: the oldest that is done with, or the oldest. */
  #without(records: readonly FeedbackRecord[]): readonly FeedbackRecord[] {
    if (records.length < this.#capacity) return records
    const done = Math.max(
      0,
      records.findIndex((record) => this.#isDone(record)),
    )
    return records.toSpliced(done, 1)
  }

  /** Pieces that ask for more, with how strongly they are followed. */
  waiting(): readonly Chosen[] {
    return this.#followed().filter(({ record }) => !this.#isDone(record))
  }

  /** Pieces that say something, whether or not they ask for more. */
  #followed(): readonly Chosen[] {
    this.#strengths ??= strengths(this.#records, this.believed)
    return this.#records.flatMap((record, i) => {
      const strength = this.#strengths?.[i] ?? 0
      const deviations = record.kind === 'reward' ? this.#deviationsOf(record) : 0
      const saysNothing = strength === 0 || (record.kind === 'reward' && deviations === 0)
      return saysNothing ? [] : [{ record, strength, deviations }]
    })
  }

  /** What became of the piece with a vote; null where there is none. */
  statusOf(vote: string): FeedbackStatus | null {
    const at = this.#records.findIndex((one) => voteOf(one) === vote)
    if (at < 0) return null
    const record = this.#records[at]
    const isWaiting = this.waiting().some((one) => one.record === record)
    const { uses, ratio } = record
    return { strength: this.#strengths?.[at] ?? 0, uses, logRatio: ratio, isWaiting }
  }

  /**
   * The pieces to learn next, within so many rows: what is new and corrections that were lost, the least
   * learnt first; then corrections that are due, the longest first; then what was learnt least. Of equals the
   * newest.
   */
  choose(places: number, rows: number): readonly Chosen[] {
    const chosen: Chosen[] = []
    let left = rows
    for (const one of this.#inOrder()) {
      const wanted = rowsOf(one.record)
      if (chosen.length === places) break
      if (wanted > left || this.#hasHadEnough(one.record.source)) continue
      chosen.push(one)
      left -= wanted
      this.#noteSource(one.record.source)
    }
    // Places that stay empty count, too: who has had enough waits for them.
    for (let i = chosen.length; i < places; i++) this.#noteSource(null)
    return chosen
  }

  /** Pieces that ask for more, and what is due, in the order of `choose`. */
  #inOrder(): readonly Chosen[] {
    const ranked = this.#followed().flatMap((one) => {
      const { kind, uses, looked = notLooked } = one.record
      const isDue = kind === 'correct' && uses > 0 && this.#looks >= looked.due
      if (this.#isDone(one.record)) return isDue ? [{ one, rank: 1, by: looked.due }] : []
      if (uses === 0 || (isDue && looked.rest === 0)) return [{ one, rank: 0, by: uses }]
      return [isDue ? { one, rank: 1, by: looked.due } : { one, rank: 2, by: uses }]
    })
    return ranked
      .toReversed()
      .toSorted((a, b) => a.rank - b.rank || a.by - b.by)
      .map(({ one }) => one)
  }

  /** Puts pieces as they are after a step in the place of what they were. */
  learnt(before: readonly Chosen[], after: readonly Seen[]): void {
    const places = new Map(before.map(({ record }, i) => [record, this.#looked(after[i])]))
    this.#looks++
    // What counts for strengths stays as it was.
    this.#records = this.#records.map((record) => places.get(record) ?? record)
  }

  #looked({ record, holds }: Seen): FeedbackRecord {
    if (holds === null) return record
    return { ...record, looked: afterLook(record.looked ?? notLooked, this.#looks, holds) }
  }

  /** Lets go of what some sources said, and returns how many pieces it was. */
  forget(isMeant: (source: string) => boolean): number {
    const left = this.#records.filter(({ source }) => source === null || !isMeant(source))
    const gone = this.#records.length - left.length
    this.#replace(left)
    this.#recent = this.#recent.map((source) => (source === null || isMeant(source) ? null : source))
    return gone
  }

  recode(encoded: (row: Int32Array) => Int32Array): void {
    this.#replace(this.#records.map((record) => recodedRecord(record, encoded)))
  }

  toState(): FeedbackStoreState {
    return { records: this.#records, recent: this.#recent, looks: this.#looks }
  }

  /** Throws StateError for a state that is none. */
  restore(state: unknown): void {
    const { records, recent, looks = 0 } = checkState<FeedbackStoreState>('feedback', state, stateChecks)
    this.#replace(structuredClone(records))
    this.#recent = [...recent]
    this.#looks = looks
  }

  #replace(records: readonly FeedbackRecord[]): void {
    this.#records = records
    this.#strengths = null
  }

  #isDone({ kind, ratio, uses, looked = notLooked }: FeedbackRecord): boolean {
    if (uses >= mostUses) return true
    if (ratio === null || kind === 'reward' || looked.misses > 0) return false
    return (kind === 'reject' ? -ratio : ratio) * this.#beta > satisfiedAt
  }

  #noteSource(source: string | null): void {
    this.#recent = [...this.#recent, this.#isTrusted(source) ? null : source].slice(-quotaWindow)
  }

  #hasHadEnough(source: string | null): boolean {
    if (this.#isTrusted(source)) return false
    return this.#recent.filter((one) => one === source).length >= quota * quotaWindow
  }

  /** How far a reward lies above the mean of its source, in standard deviations; 0 where all are one. */
  #deviationsOf({ source, value }: FeedbackRecord): number {
    const values = this.#records.flatMap((one) =>
      one.kind === 'reward' && one.source === source ? [one.value] : [],
    )
    const mean = values.reduce((sum, each) => sum + each, 0) / values.length
    const variance = values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / values.length
    return variance === 0 ? 0 : (value - mean) / Math.sqrt(variance)
  }
}
