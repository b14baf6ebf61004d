/**
 * Choices: which of several ways to learn goes on, by trials. Pure functions that never see a tensor.
 */
import { type Check, checks } from '@burgeon/tensor'
import type { Knobs } from '../control/knobs.ts'
import type { TrialOutcome } from '../journal/trials/trial-outcome.ts'

/** Decision after a trial. */
export interface ChoiceDecision<S> {
  /** The arm that goes on from the weights that it has reached in the trial. */
  readonly goesOn: string
  /** A reason for people: it stands in the journal. */
  readonly reason: string
  readonly state: S
}

/**
 * A choice among arms. Both functions must be pure, and its state is plain JSON and lives in the checkpoint;
 * so every decision can be replayed from the journal (`dryRunChoice`).
 */
export interface Choice<S = unknown> {
  readonly name: string
  /** Knobs by the name of the arm, one or more. */
  readonly arms: Readonly<Record<string, Knobs>>
  /** Steps of a trial, ≥ 1. */
  readonly steps: number
  /** Whether arms are judged by the mean of their weights over the last half of a trial. */
  readonly isAveraged: boolean
  readonly initial: S
  /** Judges a saved state, which a file may have damaged. */
  readonly stateCheck: Check<S>
  /** The arm that is lived. */
  incumbentOf(state: S): string
  /** The arms to be tried beside it from the next step on; none where no trial is due. */
  rivals(signals: ChoiceSignals, state: S): readonly string[]
  decide(outcome: TrialOutcome, state: S): ChoiceDecision<S>
}

/** What says whether a trial is due. */
export interface ChoiceSignals {
  /** Updates made, this one included. */
  readonly step: number
  /** Whether this step raised a drift alarm. */
  readonly drift: boolean
}

/** Any object of the role. */
export const aChoice: Check<Choice> = checks.role(
  'a choice, such as chooseAmong(…)',
  ...(['name', 'arms', 'steps', 'initial', 'incumbentOf', 'rivals', 'decide'] as const),
)
