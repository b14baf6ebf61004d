/** Feedback as a rehearsal: rated answers are learnt with signed weights, beside ordinary rows. */
import {
  checkArgument,
  checkOptions,
  checks,
  checkState,
  optional,
  OptionError,
  type StateChecks,
} from '@burgeon/tensor'
import type { RehearseContext } from '../../journal/step-context.ts'
import { type Answer, anAnswer } from './answer.ts'
import type { Batch } from '../../stream/batch.ts'
import { composeRehearsals, type OwnRows } from '../compose-rehearsals.ts'
import { aRehearsal, type Rehearsal } from '../rehearsal.ts'
import {
  type Continuation,
  type FeedbackKind,
  feedbackKinds,
  type FeedbackRecord,
  voteOf,
} from './feedback-record.ts'
import { FeedbackStore } from './feedback-store.ts'
import { type FeedbackStatus, type FeedbackSummary, summaryOf } from './feedback-summary.ts'
import { weightedRows } from './weighted-rows.ts'

/** Something is learnt however often it did harm: otherwise no steps could stand again. */
const leastRestraint = 2 ** -10

/** How feedback is learnt. */
export interface FeedbackMemoryOptions {
  /** Pieces of feedback that are kept, ≥ 1; the oldest of those that are done with go first. */
  readonly capacity: number
  /** What is rehearsed beside it: feedback alone ruins a model. */
  readonly beside: Rehearsal
  /** Pieces of feedback learnt per new row, in (0, 1]; fractions add up. Default 0.15. */
  readonly share?: number
  /** β: how soon a preference is satisfied, > 0, per nat of log ratio. Default 0.1. */
  readonly beta?: number
  /** ν: weight of accepted and wanted answers as text like any other, ≥ 0. Default 0.3. */
  readonly likelihood?: number
  /** Sources that count in full. The owner, who is no source, always does. None unless given. */
  readonly trusted?: readonly string[]
}

/** Who says it, and how much it counts. */
export interface FeedbackFrom {
  /** A name; it is the owner who says it unless given. */
  readonly source?: string
  /** From 0 to 1; 1 unless given. */
  readonly weight?: number
}

/** A rehearsal that takes feedback. */
export interface FeedbackMemory extends Rehearsal {
  /** Says that an answer is good. What a source says of it later takes the place of this. */
  accept(answer: Answer, from?: FeedbackFrom): void
  /** Says that it is not. */
  reject(answer: Answer, from?: FeedbackFrom): void
  /** Says what was wanted in its place, after the same prompt. */
  correct(answer: Answer, wanted: Answer, from?: FeedbackFrom): void
  /**
   * Says what it was worth, in any unit: what counts is where it lies among the rewards of its source, so one
   * alone says nothing.
   */
  reward(answer: Answer, value: number, from?: Pick<FeedbackFrom, 'source'>): void
  /** What became of all feedback. */
  summary(): FeedbackSummary
  /**
   * What became of one piece of it; null where that source has not said it, or it has been let go of. A thumb
   * and a correction take each other's place.
   *
   * @param from Its source; the owner unless given.
   */
  statusOf(kind: FeedbackKind, answer: Answer, from?: Pick<FeedbackFrom, 'source'>): FeedbackStatus | null
}

interface State {
  readonly feedback: unknown
  readonly owed: number
  /** Part of the share that is learnt where nothing new comes; 1 unless given. */
  readonly restraint?: number
  /** Pieces owed there; none unless given. */
  readonly owedAlone?: number
}

const stateChecks: StateChecks<State> = {
  feedback: checks.object('feedback'),
  owed: checks.number({ from: 0 }),
  restraint: optional(checks.number({ above: 0, to: 1 })),
  owedAlone: optional(checks.number({ from: 0 })),
}

/**
 * Learns from feedback on answers, beside what another rehearsal recalls. An answer that was liked becomes
 * likelier, one that was not less likely, until the model has changed its mind about it (KTO about a
 * reference point of 0; Ethayarajh et al. 2024, D'Oosterlinck et al. 2024); a correction does so with the
 * tokens in which the two differ (DPO; Rafailov et al. 2023); a reward counts by its place among others. The
 * reference is what the model thought when it gave the answer, so there is no second model. A named source
 * is believed as far as it has agreed with the owner and those who are trusted, on answers that both rated;
 * what contradicts each other cancels out; and no such source has more than a fifth of the places.
 *
 * It learns with `observe`, and with `rehearse` where nothing new comes. Knobs for old rows leave it alone.
 *
 * @throws OptionError for options outside their ranges, or a rehearsal beside it with a loss of its own.
 * @example
 * ```ts
 * const memory = feedbackMemory({ capacity: 2000, beside: reservoirReplay({ capacity: 2000 }) })
 * const strategy = { rehearsal: memory }
 * const learner = new Learner({ model, optimizer: adamw({ learningRate: 3e-4 }), strategy })
 * await learner.observe('Dear Anna, thank you for your letter.')
 * const answer = await learner.answer('Dear ', { tokens: 8 })
 * memory.correct(answer, answerFromText('Dear ', 'Anna, tha'))
 * await learner.rehearse(20)
 * ```
 */
export function feedbackMemory(options: FeedbackMemoryOptions): FeedbackMemory {
  checkOptions('feedbackMemory', options, {
    capacity: checks.required(checks.integer({ from: 1 })),
    beside: checks.required(aRehearsal),
    share: checks.number({ above: 0, to: 1 }),
    beta: checks.number({ above: 0 }),
    likelihood: checks.number({ from: 0 }),
    trusted: checks.list('a list of sources', checks.text),
  })
  const { capacity, beside, share = 0.15, beta = 0.1, likelihood = 0.3, trusted = [] } = options
  const store = new FeedbackStore(capacity, beta, (source) => source === null || trusted.includes(source))
  let owed = 0
  let [restraint, owedAlone] = [1, 0]

  /** Rows of so many pieces, within a number of rows; null where nothing is waiting. */
  async function feedbackRows(pieces: number, rows: number, context: RehearseContext): Promise<Batch | null> {
    const chosen = store.choose(pieces, rows)
    if (chosen.length === 0) return null
    const { batch, seen } = await weightedRows(chosen, context, { beta, likelihood })
    store.learnt(chosen, seen)
    return batch
  }
  const note = (
    kind: FeedbackKind,
    answer: Answer,
    wanted: Answer | null,
    value: number,
    source?: string,
  ): void =>
    store.add({
      ...{ kind, source: source ?? null, given: continuationOf(answer) },
      ...{ wanted: wanted && continuationOf(wanted), value, uses: 0, ratio: null },
    } satisfies FeedbackRecord)

  const own: OwnRows = {
    async recall(context) {
      const due = owed + context.fresh.rows * share
      // The allowance is for rounding: ten batches of a tenth make one.
      const pieces = Math.floor(due + 1e-9)
      const rows = pieces === 0 ? null : await feedbackRows(pieces, 2 * pieces, context)
      // Nothing is owed while nothing is waiting.
      owed = rows === null && pieces > 0 ? 0 : Math.max(0, due - pieces)
      return rows
    },
    recallAlone(rows, context) {
      const due = owedAlone + restraint * Math.max(1, Math.floor((rows * share) / (1 + share)))
      const pieces = Math.floor(due)
      owedAlone = due - pieces
      if (pieces === 0) return null
      // A correction takes two rows.
      return feedbackRows(pieces, Math.min(rows, 2 * pieces), context)
    },
    settled(stand) {
      restraint = stand ? Math.min(1, 2 * restraint) : Math.max(leastRestraint, restraint / 2)
    },
    // Whoever asks for remembered rows wants what was read.
    sample: () => null,
    mark() {
      const before = own.toState()
      return () => own.restore(before)
    },
    recode: (encoded) => store.recode(encoded),
    // Feedback has a source, and no number that an experience could have.
    forget: (isMeant) =>
      store.forget((source) => isMeant({ id: -1, source, domain: 'feedback', at: 0, trust: 1 })),
    toState: (): State => ({ feedback: store.toState(), owed, restraint, owedAlone }),
    restore(state) {
      const saved = checkState<State>('feedback memory', state, stateChecks)
      store.restore(saved.feedback)
      owed = saved.owed
      ;({ restraint = 1, owedAlone = 0 } = saved)
    },
  }
  const name = `feedback of ${capacity}, share ${share}, β ${beta}, ν ${likelihood}, beside ${beside.name}`
  return {
    ...composeRehearsals('feedback memory', name, own, beside),
    accept(answer, from = {}) {
      checkSaid('accept', answer, from)
      note('accept', answer, null, from.weight ?? 1, from.source)
    },
    reject(answer, from = {}) {
      checkSaid('reject', answer, from)
      note('reject', answer, null, from.weight ?? 1, from.source)
    },
    correct(answer, wanted, from = {}) {
      checkSaid('correct', answer, from)
      checkArgument('feedbackMemory: correct', 'wanted', wanted, anAnswer)
      if (String(answer.prompt) !== String(wanted.prompt)) {
        throw new OptionError(
          'feedbackMemory: correct: got another prompt of what is wanted; expected that of the answer.',
        )
      }
      // What was wanted is what was written.
      if (String(answer.tokens) === String(wanted.tokens))
        note('accept', answer, null, from.weight ?? 1, from.source)
      else note('correct', answer, wanted, from.weight ?? 1, from.source)
    },
    reward(answer, value, from = {}) {
      checkSaid('reward', answer, from)
      checkArgument('feedbackMemory: reward', 'value', value, checks.number())
      note('reward', answer, null, value, from.source)
    },
    statusOf(kind, answer, from = {}) {
      checkArgument('feedbackMemory: statusOf', 'kind', kind, checks.oneOf(...feedbackKinds))
      checkSaid('statusOf', answer, from)
      return store.statusOf(voteOf({ kind, source: from.source ?? null, given: continuationOf(answer) }))
    },
    summary() {
      const { records, believed } = store
      return summaryOf({ records, believed, waiting: store.waiting().length })
    },
  }
}

function checkSaid(what: string, answer: unknown, from: object): void {
  checkArgument(`feedbackMemory: ${what}`, 'answer', answer, anAnswer)
  checkOptions(`feedbackMemory: ${what}`, from, {
    source: checks.text,
    ...(what !== 'reward' && what !== 'statusOf' && { weight: checks.number({ from: 0, to: 1 }) }),
  })
}

const continuationOf = ({ prompt, tokens, logProbability }: Answer): Continuation => ({
  ...{ prompt: [...prompt], tokens: [...tokens], reference: logProbability },
  referenceTokens: logProbability === null ? 0 : tokens.length,
})
