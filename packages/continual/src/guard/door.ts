/** The one door for text from outside: it asks the guard, and keeps account of what it decided. */
import { checkArgument, checks, checkState, OptionError, type ParameterStore } from '@burgeon/tensor'
import { GuardError } from '../errors.ts'
import type { LearnerEvent } from '../journal/event.ts'
import type { Intake } from '../model/intake.ts'
import type { Part } from '../part.ts'
import type { Batch } from '../stream/batch.ts'
import { Decisions, type DecisionsState, type DecisionCount, decisionsChecks } from './decisions.ts'
import { type Guard, type GuardRecord, unknownSource } from './guard.ts'
import { type Judged, judged } from './judged.ts'

/** What may be done with a text. */
export type Admission = Judged

/** What a door has seen. Plain data. */
export interface DoorSummary {
  /** Texts that it was asked about. */
  readonly asked: number
  /** Those that were not learnt as they came, by guard, verdict and reasons, most first. */
  readonly decisions: readonly DecisionCount[]
}

/** Stands before a learner. Whoever has a text for it asks here first, and learns what comes back. */
export interface Door {
  /** Whether there is a guard; without one all is learnt as it comes. */
  readonly isGuarded: boolean
  readonly summary: DoorSummary
  /**
   * Judges a text, once: before it is written anywhere, or anything is made of it. One that is not learnt as
   * it came is an event of kind `guard` in the next step, of which no word is in it. A guard that fails keeps
   * the text apart.
   *
   * @throws OptionError for what is no record; the message shows none of the text.
   */
  admit(record: GuardRecord): Admission
  /** Takes note of what the model wrote, which then counts as its own wherever it comes back from. */
  noteOwn(text: string): void
}

/** What a learner does with its door. */
export interface OwnDoor extends Door, Part {
  /**
   * What of the data is to be learnt: batches are what the program made of texts that were judged, and pass.
   *
   * @throws GuardError for a text that is not to be learnt.
   */
  rowsOf(data: Batch | string, intake: Intake): Batch | string
  /** The decisions since the last call, as events of a step. */
  events(step: number): readonly LearnerEvent[]
  toState(): unknown
  restore(state: unknown, parameters: ParameterStore): void
}

interface State extends DecisionsState {
  readonly asked: number
  readonly step: number
  readonly guard: unknown
}

const fails = 'the guard failed'

const aRecord = {
  expected: '{ text, source, domain } that are strings, perhaps a key that is one, and a trust from 0 to 1',
  accepts: (value: unknown): value is GuardRecord => {
    if (typeof value !== 'object' || value === null) return false
    const { text, source, domain, key = '', trust = 1 } = value as Partial<Record<keyof GuardRecord, unknown>>
    return [text, source, domain, key].every((one) => checks.text.accepts(one)) && aTrust.accepts(trust)
  },
}
const aTrust = checks.number({ from: 0, to: 1 })

/** The door of a learner. */
export function doorOf(guard: Guard | undefined): OwnDoor {
  let [asked, made] = [0, 0]
  const decisions = new Decisions()
  const admit = (record: GuardRecord): Admission => {
    if (!aRecord.accepts(record)) {
      throw new OptionError(`Learner: door: admit: got no record; expected ${aRecord.expected}.`)
    }
    const { text, source, trust = 1 } = record
    if (guard === undefined) return { verdict: 'learn', text, trust, reasons: [], by: null }
    const admission = judgedSafely(guard, record, { step: made, at: asked })
    asked++
    if (admission.verdict !== 'learn') decisions.note(admission, source, text)
    return admission
  }
  return {
    name: 'door',
    isGuarded: guard !== undefined,
    get summary() {
      return { asked, decisions: decisions.counts }
    },
    admit,
    noteOwn(text) {
      checkArgument('Learner: door: noteOwn', 'text', text, checks.text)
      guard?.noteOwn?.(text)
    },
    rowsOf(data, intake) {
      if (typeof data !== 'string' || guard === undefined) return data
      const [id, domain] = [asked, 'text']
      const { verdict, text, trust, reasons } = admit({ text: data, source: unknownSource, domain })
      if (verdict === 'quarantine' || verdict === 'refuse') {
        throw new GuardError(
          `Learner: observe: got a text that is not to be learnt (${reasons.join(', ')}). Nothing was learnt of it.`,
        )
      }
      if (trust === 1) return text
      const batch = intake.batchOf(text)
      const origin = { id, source: unknownSource, domain, at: id, trust }
      return { ...batch, origins: batch.domains.map(() => origin) }
    },
    events(step) {
      // What is tried lives earlier steps again.
      made = Math.max(made, step)
      return decisions.events(step)
    },
    toState: (): State => ({ asked, step: made, guard: guard?.toState?.() ?? null, ...decisions.toState() }),
    restore(saved, parameters) {
      const state = checkState<State>('guard', saved, {
        asked: checks.count,
        step: checks.count,
        guard: checks.anything,
        ...decisionsChecks,
      })
      if (state.guard !== null) guard?.restore?.(state.guard, parameters)
      asked = state.asked
      made = state.step
      decisions.restore(state)
    },
  }
}

/** A guard that fails has not looked at the text, so somebody else has to. Its message may hold the text. */
function judgedSafely(guard: Guard, record: GuardRecord, context: Parameters<Guard['admit']>[1]): Judged {
  try {
    return judged(guard, record, context)
  } catch {
    const { text, trust = 1 } = record
    return { verdict: 'quarantine', text, trust, reasons: [fails], by: guard.name }
  }
}
