/** The contract of a trigger, as statements to be checked in any test runner. */
import { checkArgument, checkOptions, checks, shown } from '@burgeon/tensor'
import { type CheckResult, isSame, type Promised, statements } from '@burgeon/tensor/testing'
import type { Trigger, TriggerSignals } from '../../trigger.ts'

/**
 * Whether a trigger must act in the life of the suite, which has 2,000 steps and a drift alarm in step 900.
 */
export interface TriggerExpectation {
  /** Whether it must act at least once. Default true. */
  readonly acts?: boolean
}

const [steps, driftAt] = [2000, 900]

const signalsAt = (step: number): TriggerSignals => ({
  step,
  drift: step === driftAt,
  stepsSinceDrift: step < driftAt ? null : step - driftAt,
})

/**
 * Checks a trigger in a made-up life. A checkpoint keeps nothing of it, so it may remember nothing.
 *
 * @throws OptionError unless `trigger` is a function, and for an expectation that does not exist.
 * @example
 * ```ts
 * for (const { statement, holds, detail } of checkTrigger(anyOf(everySteps(500), afterDrift(20)))) {
 *   if (!holds) throw new Error(`${statement}: ${detail}`)
 * }
 * ```
 */
export function checkTrigger(trigger: Trigger, expectation: TriggerExpectation = {}): CheckResult[] {
  checkArgument('checkTrigger', 'trigger', trigger, checks.callback('a trigger, such as everySteps(500)'))
  checkOptions('checkTrigger', expectation, { acts: checks.boolean })
  const { acts = true } = expectation
  const life = Array.from({ length: steps }, (_, i) => signalsAt(i + 1))
  const promises: Promised[] = [
    ['says true or false after every step', () => strangeAnswer(trigger, life)],
    ['says the same for the same, whatever it was asked before', () => remembers(trigger, life)],
    ['changes nothing that it is given', () => changesSignals(trigger, life)],
  ]
  if (acts) {
    promises.push([
      `acts at least once in ${steps} steps with a drift alarm`,
      () => (life.some((signals) => trigger({ ...signals })) ? null : 'it never acted'),
    ])
  }
  return statements('the trigger', promises)
}

function strangeAnswer(trigger: Trigger, life: readonly TriggerSignals[]): string | null {
  const strange = life.find((signals) => typeof trigger({ ...signals }) !== 'boolean')
  return strange === undefined ? null : `in step ${strange.step} it said ${shown(trigger({ ...strange }))}`
}

function remembers(trigger: Trigger, life: readonly TriggerSignals[]): string | null {
  const forwards = life.map((signals) => trigger({ ...signals }))
  const backwards = life.toReversed().map((signals) => trigger({ ...signals }))
  const i = forwards.findIndex((said, at) => said !== backwards.at(-1 - at))
  return i < 0 ? null : `in step ${i + 1} it said ${forwards[i]}, and ${backwards.at(-1 - i)} later`
}

function changesSignals(trigger: Trigger, life: readonly TriggerSignals[]): string | null {
  const changed = life.find((signals) => {
    const given = { ...signals }
    trigger(given)
    return !isSame(given, signals)
  })
  return changed === undefined ? null : `in step ${changed.step}`
}
