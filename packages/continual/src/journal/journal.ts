/** The journal of a learner: what happened, and the numbers that its parts judge by. */
import type { Mirror } from '@burgeon/tensor'
import type { Model } from '../model/model.ts'
import type { Learnt, LearntBatch } from './learnt.ts'
import { bitsPerByte } from '../metrics/prequential.ts'
import { lossWindow } from '../growth/growth-policy.ts'
import type { Batch } from '../stream/batch.ts'
import type { StepContext } from './step-context.ts'
import { eventFromState, type LearnerEvent } from './event.ts'
import { extendJournal } from './extend-journal.ts'
import type { StepReport } from './step-report.ts'

/** Plain data. */
export interface JournalState {
  readonly step: number
  readonly losses: readonly number[]
  readonly lastDrift: number | null
  readonly journal: readonly LearnerEvent[]
  /** Updates made without fresh rows; none unless given. */
  readonly rehearsed?: number
}

/** What the context of a step is of. */
type ContextBatch = Omit<LearntBatch, 'learnt' | 'observed'> & { readonly learnt: Pick<Learnt, 'rowLosses'> }

/** Keeps every growth, and of everything else the latest 4096 events. */
export class Journal {
  readonly #model: Model
  readonly #mirrors: readonly Mirror[]
  #events: LearnerEvent[] = []
  #ofStep: LearnerEvent[] = []
  #losses: readonly number[] = []
  #step = 0
  #rehearsed = 0
  #lastDrift: number | null = null
  #overflows = 0

  /** @param mirrors State shaped like the parameters, of all parts. */
  constructor(model: Model, mirrors: readonly Mirror[]) {
    this.#model = model
    this.#mirrors = mirrors
  }

  get events(): readonly LearnerEvent[] {
    return this.#events
  }

  /** Updates made so far, but for those without fresh rows. */
  get step(): number {
    return this.#step
  }

  /** Updates made without fresh rows. */
  get rehearsed(): number {
    return this.#rehearsed
  }

  /** Updates since the last drift alarm, 0 in the step that raised it; null before the first. */
  get stepsSinceDrift(): number | null {
    return this.#lastDrift === null ? null : this.#step - this.#lastDrift
  }

  /** Steps in a row, up to the last one, in which a loss scale skipped the update. */
  get overflows(): number {
    return this.#overflows
  }

  /** Puts a step that has been learnt on record, before any part reacts to it. */
  begin(batch: LearntBatch): StepContext {
    this.#step++
    this.#ofStep = []
    const { bytes } = batch
    const { learnt } = batch.observed ?? batch
    const lossPerByte = bytes.length === 0 ? learnt.loss : learnt.loss * (learnt.tokens / bytes.length)
    this.#losses = [...this.#losses, lossPerByte].slice(-lossWindow)
    if (this.#countOverflow(learnt)) {
      const summary = 'gradients overflowed, the loss scale was halved'
      this.add([{ kind: 'overflow', step: this.#step, part: 'loss scale', summary, data: {} }])
    }
    return this.#contextOf(batch, lossPerByte)
  }

  /** Counts an update without fresh rows, of which nothing else is on record. */
  noteRehearsal(learnt: Learnt): void {
    this.#rehearsed++
    this.#countOverflow(learnt)
  }

  #countOverflow({ gradientNorm }: Learnt): boolean {
    const isOverflow = !Number.isFinite(gradientNorm)
    this.#overflows = isOverflow ? this.#overflows + 1 : 0
    return isOverflow
  }

  /** Adds what a part did; it stays whatever fails later in the step. */
  add(events: readonly LearnerEvent[] = []): void {
    this.#ofStep.push(...events)
    this.#events = extendJournal(this.#events, events, ({ kind }) => kind)
    if (events.some(({ kind }) => kind === 'drift')) this.#lastDrift = this.#step
  }

  /**
   * The report of a step that has come to its end.
   *
   * @param recalled Nats that a recall has saved; none where nothing recalls.
   */
  end(
    { learnt, fresh, old, bytes, observed }: LearntBatch,
    context: StepContext,
    recalled?: number,
  ): StepReport {
    const saved = recalled !== undefined && bitsPerByte(recalled / Math.max(bytes.length, 1))
    return {
      ...(observed?.learnt ?? learnt),
      ...(observed && { heldBackRows: observed.heldBack }),
      step: this.#step,
      bytes: bytes.length,
      bitsPerByte: context.bitsPerByte,
      ...(saved !== false && { mixedBitsPerByte: context.bitsPerByte - saved }),
      domains: (observed ?? fresh).domains,
      rehearsedRows: old?.rows ?? 0,
      parameters: this.#model.parameters.size,
      events: [...this.#ofStep],
    }
  }

  /** What parts see between two steps: as after the last one, with other rows, of which nothing is known. */
  between(rows: Batch): StepContext {
    this.#ofStep = []
    const learnt = { rowLosses: [] }
    const batch = { learnt, fresh: rows, old: null, oldLosses: null, tokenLosses: [], bytes: [] }
    return this.#contextOf(batch, this.#losses.at(-1) ?? 0)
  }

  toState(): JournalState {
    const journal = [...this.#events]
    return {
      ...{ step: this.#step, losses: this.#losses, lastDrift: this.#lastDrift, journal },
      ...(this.#rehearsed > 0 && { rehearsed: this.#rehearsed }),
    }
  }

  /** Returns what makes it as it is now, which may be done several times. */
  mark(): () => void {
    const [state, overflows] = [this.toState(), this.#overflows]
    return () => {
      this.putBack(state)
      this.#overflows = overflows
    }
  }

  /** Takes the state of an earlier moment; what guards have decided since then stays. */
  putBack(state: JournalState): void {
    const keyOf = ({ step, part, summary }: LearnerEvent): string => JSON.stringify([step, part, summary])
    const isGuards = ({ kind }: LearnerEvent): boolean => kind === 'guard'
    const known = new Set(state.journal.filter(isGuards).map(keyOf))
    const since = this.#events.filter((event) => isGuards(event) && !known.has(keyOf(event)))
    this.restore(state)
    this.#events = extendJournal(this.#events, since, ({ kind }) => kind)
  }

  /** Takes a state that has been checked, also one whose events are of an earlier version. */
  restore({ step, losses, lastDrift, journal, rehearsed = 0 }: JournalState): void {
    this.#step = step
    this.#rehearsed = rehearsed
    this.#losses = losses
    this.#lastDrift = lastDrift
    this.#events = extendJournal(journal.map(eventFromState), [], ({ kind }) => kind)
  }

  #contextOf(
    { learnt, fresh, old, oldLosses, tokenLosses, bytes, logits }: ContextBatch,
    lossPerByte: number,
  ): StepContext {
    const { rowLosses } = learnt
    const sinceDrift = (): number | null => this.stepsSinceDrift
    return {
      step: this.#step,
      model: this.#model,
      fresh,
      old,
      rowLosses,
      tokenLosses,
      oldLosses,
      ...(logits && { logits }),
      bitsPerByte: bitsPerByte(lossPerByte),
      bytes,
      losses: this.#losses,
      // Parts see what those before them did.
      get stepsSinceDrift() {
        return sinceDrift()
      },
      mirrors: this.#mirrors,
      events: this.#ofStep,
    }
  }
}
