/** Trials: several ways of going on that live the same rows from the same moment. */
import type { LearnerEvent } from '../journal/event.ts'
import type { TrialOutcome } from '../journal/trials/trial-outcome.ts'

/** What is to be tried. */
export interface TrialPlan {
  /** The ways of going on, by name; the first is how the learner goes on meanwhile. */
  readonly arms: readonly string[]
  /** Steps of each, ≥ 1. */
  readonly steps: number
  /** Whether arms are judged by the mean of their weights over the last half of their steps. */
  readonly isAveraged: boolean
  /** Whether it shall be measured what the first arm has gained in the trial. */
  readonly measuresProgress: boolean
}

/** When somebody is asked what is to be tried: after a step. */
export interface TrialMoment {
  readonly step: number
  /** Whether this step raised a drift alarm. */
  readonly drift: boolean
}

/** What was decided, and is so once `settle` has been called. */
export interface Verdict {
  readonly goesOn: string
  readonly event: LearnerEvent
  /** Makes it so in the part that has decided; the learner is the one that goes on by then. */
  settle(): void
}

/** A part of a learner that has ways of going on tried, and decides between them. */
export interface Trying {
  readonly name: string
  /** What is to be tried from the next step on; null where nothing is. Changes nothing. */
  proposed(moment: TrialMoment): TrialPlan | null
  /** Has the learner live in this way until the trial is judged or dropped. */
  take(arm: string): void
  /** Decides. The part is as the first arm has left it. */
  judge(outcome: TrialOutcome): Verdict
  /** Ends a trial without a decision. */
  drop(): void
}
