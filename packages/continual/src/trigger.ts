/** Triggers: when something shall happen, apart from what happens. */

import { checkArgument, checks, OptionError } from '@burgeon/tensor'
import type { StepContext } from './journal/step-context.ts'

/** Signals of a trigger. */
export interface TriggerSignals {
  /** Updates made so far, from 1. */
  readonly step: number
  /** Whether this step raised a drift alarm. */
  readonly drift: boolean
  /** Updates since the last drift alarm, 0 in the step that raised it; null before the first. */
  readonly stepsSinceDrift: number | null
}

/** The signals of a trigger in a step. */
export const triggerSignals = ({ step, stepsSinceDrift, events }: StepContext): TriggerSignals => ({
  step,
  drift: events.some(({ kind }) => kind === 'drift'),
  stepsSinceDrift,
})

/** Returns whether to act after a step. */
export type Trigger = (signals: TriggerSignals) => boolean

/** Triggers that nothing but a drift alarm can set off. */
const driftTriggers = new WeakSet<Trigger>()

const onlyOnDrift = (trigger: Trigger): Trigger => {
  driftTriggers.add(trigger)
  return trigger
}

/** Returns whether nothing but a drift alarm can set a trigger off: without a detector it never acts. */
export const waitsForDrift = (trigger: Trigger): boolean => driftTriggers.has(trigger)

/** After a step that raised a drift alarm. */
export const onDrift: Trigger = onlyOnDrift(({ drift }) => drift)

/**
 * Acts a number of steps after a drift alarm: when something of the new has been seen.
 *
 * @param patience An integer ≥ 0.
 */
export function afterDrift(patience: number): Trigger {
  checkArgument('afterDrift', 'patience', patience, checks.integer({ from: 0 }))
  return onlyOnDrift(({ stepsSinceDrift }) => stepsSinceDrift === patience)
}

/** After no step. */
export const neverTrigger: Trigger = () => false

/**
 * After every n-th step.
 *
 * @param n A positive integer.
 */
export function everySteps(n: number): Trigger {
  checkArgument('everySteps', 'n', n, checks.integer({ from: 1 }))
  return ({ step }) => step % n === 0
}

/** Fires when any of several triggers does. Throws OptionError without a trigger. */
export function anyOf(...triggers: readonly Trigger[]): Trigger {
  if (triggers.length === 0) throw new OptionError('anyOf: got no trigger; expected at least one.')
  triggers.forEach((trigger, i) => checkArgument('anyOf', `triggers[${i}]`, trigger, checks.callback()))
  const any: Trigger = (signals) => triggers.some((trigger) => trigger(signals))
  return triggers.every(waitsForDrift) ? onlyOnDrift(any) : any
}
