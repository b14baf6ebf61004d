/** Keeps the state of a choice in a learner, and the knobs of the arm that is lived. */
import { checkState } from '@burgeon/tensor'
import type { Choice } from '../choice/choice.ts'
import type { Knobs } from '../control/knobs.ts'
import type { Part } from '../part.ts'
import type { Trying, Verdict } from './trying.ts'

/** A choice that lives with a learner. */
export interface ChoiceRunner extends Trying, Part {
  /** Those of the arm that is lived now. */
  readonly knobs: Knobs
}

/** @throws What the choice throws. */
export function choiceRunner(choice: Choice): ChoiceRunner {
  const { name, arms, steps, isAveraged } = choice
  let state = choice.initial
  /** The arm that is tried, where it is another than the one of the state. */
  let tried: string | null = null
  return {
    name,
    get knobs() {
      return arms[tried ?? choice.incumbentOf(state)]
    },
    proposed(moment) {
      const rivals = choice.rivals(moment, state)
      if (rivals.length === 0) return null
      return { arms: [choice.incumbentOf(state), ...rivals], steps, isAveraged, measuresProgress: false }
    },
    take(arm) {
      tried = arm
    },
    judge(outcome): Verdict {
      const { goesOn, reason, state: after } = choice.decide(outcome, state)
      return {
        goesOn,
        event: {
          ...{ kind: 'choice', step: outcome.step, part: name, summary: reason },
          data: { goesOn, reason, outcome },
        },
        settle() {
          state = after
          tried = null
        },
      }
    },
    drop() {
      tried = null
    },
    toState: () => state,
    restore(saved) {
      state = checkState<{ state: unknown }>(
        `choice ${name}`,
        { state: saved },
        { state: choice.stateCheck },
      ).state
    },
  }
}
