/** Jobs of a sleep: what a learner does for itself between two steps. */
import type { LoraAdapter } from '@burgeon/gpt'
import { type Check, checks, type Mirror, type RandomKey } from '@burgeon/tensor'
import type { Assessment } from '../assess/assessment.ts'
import type { GrowthBudget } from '../growth/growth-policy.ts'
import type { LearnerEvent } from '../journal/event.ts'
import type { StepContext } from '../journal/step-context.ts'
import type { Model } from '../model/model.ts'
import type { Recall } from '../memory/recall.ts'
import type { Penalty } from '../penalty/penalty.ts'
import type { Projection } from '../projection/projection.ts'
import type { HealthFinding } from '../journal/sleep/health-finding.ts'
import type { PartState } from '../learner-state.ts'
import type { Probes } from '../probes/probes.ts'
import type { Rehearsal } from '../rehearsal/rehearsal.ts'
import type { Batch } from '../stream/batch.ts'

/** What of a learner a job may look after. */
export interface SleepParts {
  readonly model: Model
  /** Learns in the place of the model, where there is one. */
  readonly adapter?: LoraAdapter
  readonly rehearsal?: Rehearsal
  readonly probes?: Probes
  /** Where the learner is weak, by its own account. */
  readonly assessment?: Assessment
  readonly recall?: Recall
  readonly penalties: readonly Penalty[]
  readonly projections: readonly Projection[]
  /** State shaped like the parameters, of all parts. */
  readonly mirrors: readonly Mirror[]
  /** Limits of growth. */
  readonly budget: GrowthBudget
  /** Whether tokens come from a vocabulary, which alone may add to them. */
  readonly hasVocabulary: boolean
  /** Whether labels stand before rows. */
  readonly hasLabels: boolean
  /** Says whether it can do no more, where there is a controller. */
  readonly control?: { readonly isSaturated: boolean }
  /** Whether the controller may ever say so. */
  readonly maySaturate: boolean
  /** Of the sleep: seed of its random streams. */
  readonly key: RandomKey
  /** A clock in milliseconds, for the record. */
  readonly now?: () => number
}

/** A learner during one job. Whatever the job does with it is undone where it is not kept. */
export interface SleepContext extends SleepParts {
  /** Updates made by observing. */
  readonly step: number
  /** For what the job draws: another one after each step and for each job. */
  readonly key: RandomKey
  /** Operations that the job may still take. */
  readonly left: number
  /** What all parts keep, as it would be saved. Copies are not made: it must not be written to. */
  states(): Promise<readonly PartState[]>
  /** What parts see after a step, with these rows in the place of the new ones, and nothing learnt. */
  between(rows: Batch): StepContext
  /**
   * Takes some of the operations that are left, a number ≥ 0. Returns false, and takes none, where they are
   * too few.
   */
  pay(operations: number): boolean
  /** Some remembered rows, as the model can read them now; null where none are remembered. */
  sample(rows: number): Batch | null
  /**
   * One step on rows that the rehearsal chooses.
   *
   * @returns Their loss before it, in nats per prediction; null where none are remembered, or too few
   *   operations are left.
   * @throws NonFiniteError as `learner.rehearse`.
   */
  rehearse(rows: number): Promise<number | null>
  /**
   * One step on rows that are given, which are neither on record nor remembered. Returns and throws as
   * `rehearse`.
   *
   * @param rate Factor of the learning rate, ≥ 0; 1 unless given.
   */
  learn(rows: Batch, rate?: number): Promise<number | null>
  /**
   * Measures the rows that are held back as the model is now: as many of each domain as probes measure.
   *
   * @returns null where none are held back, or too few operations are left.
   */
  measure(): Promise<readonly HeldRow[] | null>
  /**
   * Does something from this moment, and makes the learner what it was, to the bit, unless what came of it is
   * to stay. Operations stay spent.
   *
   * @param isKept Whether it stays; it never does unless given.
   */
  attempt<T>(work: () => Promise<T>, isKept?: (result: T) => boolean): Promise<T>
}

/** A row that is held back. */
export interface HeldRow {
  readonly domain: string
  /** Loss in bits per byte (or example). */
  readonly bits: number
}

/** What a job has done. */
export interface JobDone {
  /** One line for people. */
  readonly summary: string
  /** For the journal, where the job is kept. None unless given. */
  readonly events?: readonly LearnerEvent[]
  /** What it has found, for the journal. Nothing unless given. */
  readonly findings?: readonly HealthFinding[]
  /** What it looks after, as a number. Ignored of a job that changes weights, which is measured. */
  readonly before?: number
  readonly after?: number
}

/**
 * A job of a sleep. One of your own is an object of this form; `checkSleepJob` of
 * `@burgeon/continual/testing` tries it.
 *
 * @example
 * ```ts
 * const smallSteps: SleepJob = {
 *   name: 'two small steps',
 *   changesWeights: true,
 *   async run({ rehearse }) {
 *     const losses = [await rehearse(2), await rehearse(2)]
 *     return losses.includes(null) ? null : { summary: 'two steps of two rows' }
 *   },
 * }
 * ```
 */
export interface SleepJob {
  /** Another one than that of any job beside it: it stands in the journal. */
  readonly name: string
  /**
   * Whether it may change weights. Then rows that are held back are measured before and after it, and it is
   * undone where a domain has become worse. What another job does stays unless it fails.
   */
  readonly changesWeights: boolean
  /**
   * Called once when a learner is made with it: a job belongs to one learner. Throws OptionError for one in
   * which it could never do anything.
   */
  begin?(parts: SleepParts): void
  /** Does it. Returns null where there was nothing to do: the learner is then what it was, to the bit. */
  run(context: SleepContext): JobDone | null | Promise<JobDone | null>
  /** What it keeps from one sleep to the next: plain data. Nothing unless given. */
  toState?(): unknown
  /** Takes a state that `toState` gave. Throws StateError for another, and is unchanged then. */
  restore?(state: unknown): void
}

/** Any object of the role. */
export const aSleepJob: Check<SleepJob> = checks.role('a job of a sleep', 'name', 'changesWeights', 'run')
