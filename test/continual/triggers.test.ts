/** When triggers act, step by step. Reaches inside for the signals that the learner gives its trigger. */
import {
  afterDrift,
  anyOf,
  everySteps,
  Learner,
  neverTrigger,
  onDrift,
  onlineEwc,
  type Trigger,
  type StepContext,
  type TriggerSignals,
} from '@burgeon/continual'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { triggerSignals } from '../../packages/continual/src/trigger.ts'
import { plainSgd, row, rowsOf, tinyModel } from './tiny-learner.ts'

/** The signals of twelve steps; the fourth and the ninth raise an alarm. */
const steps: readonly TriggerSignals[] = Array.from({ length: 12 }, (_, i) => {
  const step = i + 1
  const last = [9, 4].find((alarm) => alarm <= step)
  return { step, drift: step === 4 || step === 9, stepsSinceDrift: last === undefined ? null : step - last }
})

const actsAfter = (trigger: (signals: TriggerSignals) => boolean): number[] =>
  steps.filter(trigger).map(({ step }) => step)

describe('a trigger acts', () => {
  test('after an alarm, or so many steps later, or every n-th step, or never', () => {
    expect(actsAfter(onDrift)).toEqual([4, 9])
    expect(actsAfter(afterDrift(0))).toEqual([4, 9])
    expect(actsAfter(afterDrift(3))).toEqual([7, 12])
    expect(actsAfter(everySteps(5))).toEqual([5, 10])
    expect(actsAfter(neverTrigger)).toEqual([])
  })
  test('when any of several would', () => {
    expect(actsAfter(anyOf(everySteps(5), onDrift))).toEqual([4, 5, 9, 10])
    expect(actsAfter(anyOf(neverTrigger, afterDrift(1)))).toEqual([5, 10])
    expect(actsAfter(anyOf(onDrift))).toEqual([4, 9])
  })
})

test('an alarm of the step is a signal, another event of it is none', () => {
  const signalsWith = (...kinds: readonly string[]): TriggerSignals =>
    triggerSignals({
      step: 7,
      stepsSinceDrift: null,
      events: kinds.map((kind) => ({ kind })),
    } as unknown as StepContext)
  expect(signalsWith('growth', 'freezing').drift).toBe(false)
  expect(signalsWith().drift).toBe(false)
  expect(signalsWith('growth', 'drift')).toEqual({ step: 7, drift: true, stepsSinceDrift: null })
})

test('without replay, what is important is judged by the rows that came before', async () => {
  const learner = new Learner({
    model: tinyModel(),
    optimizer: plainSgd(),
    strategy: { penalties: [onlineEwc({ strength: 1 })], consolidateWhen: everySteps(2) },
  })
  const steps = [
    await learner.observe(rowsOf(row(0), row(4))),
    await learner.observe(rowsOf(row(1), row(2), row(3))),
  ]
  expect(steps.map(({ events }) => events.map(({ kind, data }) => ({ kind, data })))).toEqual([
    [],
    [{ kind: 'consolidation', data: { rows: 2 } }],
  ])
})

describe('a trigger is refused', () => {
  test.each([Number.NaN, -1, 1.5, '3'])('where its number is %s', (n) => {
    expect(() => afterDrift(n as number)).toThrow(OptionError)
    expect(() => everySteps(n as number)).toThrow(OptionError)
  })
  test('where it is every 0 steps, or any of none, or of what is none', () => {
    expect(() => everySteps(0)).toThrow(OptionError)
    expect(() => anyOf()).toThrow('anyOf: got no trigger; expected at least one.')
    expect(() => anyOf(onDrift, 3 as never)).toThrow('triggers[1]')
  })
  test('where it waits for an alarm and nothing listens, and only there', () => {
    const learner = (consolidateWhen: Trigger): Learner =>
      new Learner({
        model: tinyModel(),
        optimizer: plainSgd(),
        strategy: { penalties: [onlineEwc({ strength: 1 })], consolidateWhen },
      })
    for (const trigger of [onDrift, afterDrift(2), anyOf(onDrift, afterDrift(2))]) {
      expect(() => learner(trigger)).toThrow(OptionError)
    }
    for (const trigger of [everySteps(2), anyOf(onDrift, everySteps(2)), neverTrigger]) {
      expect(() => learner(trigger)).not.toThrow()
    }
  })
})
