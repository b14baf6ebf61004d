/** One decision of a controller, looked at before anything follows it. */
import { checkArgument, checks, OptionError, shown } from '@burgeon/tensor'
import type { Controller, ControlDecision, ControlSignals } from './controller.ts'
import { type Knobs, knobsOf } from './knobs.ts'

/** A decision with all of its knobs. */
export type Decided<S> = ControlDecision<S> & { readonly knobs: Knobs }

/** Asks a controller. Throws what it throws, and OptionError for what is no decision. */
export function decided<S>(controller: Controller<S>, signals: ControlSignals, state: S): Decided<S> {
  const decision: unknown = controller.decide(signals, state)
  checkArgument('controller', 'decision', decision, checks.object('an object with knobs, reason and state'))
  const { knobs, reason, state: after } = decision as ControlDecision<S>
  if (typeof reason !== 'string' && reason !== null) {
    throw new OptionError(`controller: got ${shown(reason)} as its reason; expected a text, or null.`)
  }
  return { knobs: knobsOf('controller: knobs', knobs), reason, state: after }
}
