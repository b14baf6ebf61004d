/** Triggers: when something shall happen, apart from what happens. */

/** What a trigger may look at. */
export interface TriggerSignals {
  /** Updates made so far, from 1. */
  readonly step: number
  /** Whether this step raised a drift alarm. */
  readonly drift: boolean
  /** Updates since the last drift alarm, 0 in the step that raised it; null before the first. */
  readonly stepsSinceDrift: number | null
}

/** Whether to act after this step. */
export type Trigger = (signals: TriggerSignals) => boolean

/** After a step that raised a drift alarm. */
export const onDrift: Trigger = ({ drift }) => drift
/** So many steps after a drift alarm: when something of the new has been seen. */
export function afterDrift(patience: number): Trigger {
  return ({ stepsSinceDrift }) => stepsSinceDrift === patience
}

/** After no step. */
export const never: Trigger = () => false

/** After every n-th step. */
export function everySteps(n: number): Trigger {
  return ({ step }) => step % n === 0
}

/** When any of them says so. */
export function anyOf(...triggers: readonly Trigger[]): Trigger {
  return (signals) => triggers.some((trigger) => trigger(signals))
}
