/** What guards decided: how often, and what is yet to be told in the journal. No word of any text. */
import { checks, fields, type StateChecks } from '@burgeon/tensor'
import type { LearnerEvent } from '../journal/event.ts'
import { type Verdict, verdicts } from './guard.ts'
import type { Judged } from './judged.ts'

/** Texts of one kind of decision. Plain data. */
export interface DecisionCount {
  /** Name of the guard. */
  readonly by: string
  readonly verdict: Verdict
  readonly reasons: readonly string[]
  readonly records: number
  /** UTF-8 bytes that the texts had as they came. */
  readonly bytes: number
}

/** The same of one source. */
interface Waiting extends DecisionCount {
  readonly source: string
}

/** Plain data. */
export interface DecisionsState {
  readonly counts: readonly DecisionCount[]
  readonly waiting: readonly Waiting[]
}

const ofCount = {
  by: checks.text,
  verdict: checks.oneOf<Verdict>(...verdicts),
  reasons: checks.list('reasons', checks.text),
  records: checks.count,
  bytes: checks.count,
}

/** Checks of a saved state. */
export const decisionsChecks: StateChecks<DecisionsState> = {
  counts: checks.list('counts of decisions', fields<DecisionCount>('a count', ofCount)),
  waiting: checks.list(
    'decisions to be told',
    fields<Waiting>('a count of a source', { ...ofCount, source: checks.text }),
  ),
}

/** Kinds of decision between two steps that are told apart by their source. */
const mostWaiting = 64
/** Kinds of decision of a life that are told apart. */
const mostKinds = 256
const others = 'others'

/** Counts decisions: alike ones are one line, so that a flood of texts makes no flood of lines. */
export class Decisions {
  #counts: readonly DecisionCount[] = []
  #waiting: readonly Waiting[] = []

  /** Of all kinds, most records first. */
  get counts(): readonly DecisionCount[] {
    return this.#counts.toSorted((a, b) => b.records - a.records)
  }

  /** @param text As it came; its length is all that is kept. */
  note({ by, verdict, reasons }: Judged, source: string, text: string): void {
    const one = { by: by ?? others, verdict, reasons, records: 1, bytes: utf8.encode(text).length }
    this.#counts = withOne(this.#counts, one, mostKinds, { ...one, by: others, reasons: [others] })
    this.#waiting = withOne(this.#waiting, { ...one, source }, mostWaiting, { ...one, source: others })
  }

  /** What has not been told yet, as events of a step; from then on it is. */
  events(step: number): readonly LearnerEvent[] {
    const told = this.#waiting
    this.#waiting = []
    return told.map(({ by, ...data }) => ({
      ...{ kind: 'guard', step, part: by, data },
      summary: `${sentenceOf(data)} from ${data.source}: ${data.reasons.join(', ')}`,
    }))
  }

  toState(): DecisionsState {
    return { counts: this.#counts, waiting: this.#waiting }
  }

  /** Takes a state that has been checked. */
  restore({ counts, waiting }: DecisionsState): void {
    this.#counts = counts
    this.#waiting = waiting
  }
}

const utf8 = new TextEncoder()

const done: Readonly<Record<Verdict, string>> = {
  learn: 'learnt',
  redact: 'redacted',
  quarantine: 'kept apart',
  refuse: 'refused',
}

const sentenceOf = ({ records, verdict }: DecisionCount | Omit<Waiting, 'by'>): string =>
  `${records} ${records === 1 ? 'text' : 'texts'} ${done[verdict]}`

/** The list with one more record in the entry of its kind; beyond `most` kinds in that of the others. */
function withOne<C extends DecisionCount & { readonly source?: string }>(
  list: readonly C[],
  one: C,
  most: number,
  rest: C,
): readonly C[] {
  const found = list.findIndex((other) => isAlike(other, one))
  if (found < 0 && list.length < most) return [...list, one]
  const at = found < 0 ? list.findIndex((other) => isAlike(other, rest)) : found
  if (at < 0) return [...list, rest]
  const { records, bytes } = list[at]
  return list.with(at, { ...list[at], records: records + 1, bytes: bytes + one.bytes })
}

const isAlike = (
  a: DecisionCount & { readonly source?: string },
  b: DecisionCount & { readonly source?: string },
): boolean =>
  a.by === b.by && a.verdict === b.verdict && a.source === b.source && a.reasons.join() === b.reasons.join()
