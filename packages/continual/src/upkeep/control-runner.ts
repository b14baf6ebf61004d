/** Asks the controller after every step, and keeps its knobs for the next one. */
import { checks, checkState, optional, shown, type StateChecks } from '@burgeon/tensor'
import type { Controller, ControlSignals } from '../control/controller.ts'
import { decided } from '../control/decided.ts'
import { type Knobs, knobsText, savedKnobs, usualKnobs } from '../control/knobs.ts'
import type { LearnerEvent } from '../journal/event.ts'
import type { StepContext } from '../journal/step-context.ts'
import { plainData } from '../saved-state.ts'
import type { Upkeep } from './upkeep.ts'

/** Upkeep that has knobs. */
export interface ControlRunner extends Upkeep {
  /** Those of the next step. */
  readonly knobs: Knobs
  /** Whether it can do no more. */
  readonly isSaturated: boolean
}

interface State {
  readonly controller: unknown
  readonly knobs: Knobs
  /** Left out where it is not. */
  readonly isSaturated?: boolean
}

const stateChecks: StateChecks<State> = {
  controller: plainData,
  knobs: savedKnobs,
  isSaturated: optional(checks.boolean),
}

/**
 * Keeps the state of a controller. One that throws, or returns something else than a decision, is an event:
 * the batch has been learnt by then, and knobs and state stay as they were.
 */
export function controlRunner(controller: Controller): ControlRunner {
  const { name } = controller
  let state: State = { controller: controller.initial, knobs: usualKnobs }
  return {
    name,
    get knobs() {
      return state.knobs
    },
    get isSaturated() {
      return state.isSaturated === true
    },
    afterStep(context) {
      const { step } = context
      try {
        const decision = decided(controller, controlSignalsOf(context), state.controller)
        const { knobs, isSaturated, state: after } = decision
        // A change is told in any case, so that the journal has all of them.
        const changed = isSaturated === (state.isSaturated === true) ? null : toldOf(isSaturated)
        const reason = decision.reason ?? changed
        state = { controller: after, knobs, ...(isSaturated && { isSaturated }) }
        if (reason === null) return []
        return [
          {
            kind: 'control',
            step,
            part: name,
            summary: `${reason} (${knobsText(knobs)})`,
            data: { knobs, reason, isSaturated },
          },
        ]
      } catch (error) {
        const reason = `the controller failed with ${described(error)}`
        return [{ kind: 'control refused', step, part: name, summary: reason, data: { reason } }]
      }
    },
    toState: (): State => state,
    restore(saved) {
      const who = `controller ${name}`
      const own = checkState<State>(who, saved, stateChecks)
      if (controller.stateCheck) {
        checkState(who, { state: own.controller }, { state: controller.stateCheck })
      }
      const { knobs, isSaturated } = own
      state = { controller: own.controller, knobs, ...(isSaturated && { isSaturated }) }
    },
  }
}

/** What a controller sees of a step. */
function controlSignalsOf({
  step,
  bitsPerByte,
  stepsSinceDrift,
  events,
}: Pick<StepContext, 'step' | 'bitsPerByte' | 'stepsSinceDrift' | 'events'>): ControlSignals {
  const probed = events.find(({ kind }) => kind === 'probed') as
    | Extract<LearnerEvent, { kind: 'probed' }>
    | undefined
  return { step, bitsPerByte, stepsSinceDrift, probes: probed?.data.domains ?? null }
}

const toldOf = (isSaturated: boolean): string =>
  isSaturated ? 'the controller can do no more' : 'the controller can do something again'

const described = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : shown(error)
