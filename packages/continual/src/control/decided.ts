/** One decision of a controller, looked at before anything follows it. */
import { checkArgument, checks, OptionError, shown } from '@burgeon/tensor'
import type { Controller, ControlDecision, ControlSignals } from './controller.ts'
import { type Knobs, knobsOf } from './knobs.ts'

/** A decision with all that may be left out. */
export type Decided<S> = Required<ControlDecision<S>> & { readonly knobs: Knobs }

/** Asks a controller. Throws what it throws, and OptionError for what is no decision. */
export function decided<S>(controller: Controller<S>, signals: ControlSignals, state: S): Decided<S> {
  const decision: unknown = controller.decide(signals, state)
  checkArgument('controller', 'decision', decision, checks.object('an object with knobs, reason and state'))
  const { knobs, reason, isSaturated = false, state: after } = decision as ControlDecision<S>
  if (typeof reason !== 'string' && reason !== null) {
    throw new OptionError(`controller: got ${shown(reason)} as its reason; expected a text, or null.`)
  }
  checkArgument('controller', 'isSaturated', isSaturated, checks.boolean)
  return { knobs: knobsOf('controller: knobs', knobs), reason, isSaturated, state: after }
}
