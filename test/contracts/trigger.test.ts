/** The contract of a trigger: ours keep it, and ones that are broken in one way each do not. */
import { afterDrift, anyOf, everySteps, neverTrigger, onDrift, type Trigger } from '@burgeon/continual'
import { checkTrigger, type TriggerExpectation } from '@burgeon/continual/testing'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

test.each<[string, Trigger, TriggerExpectation]>([
  ['onDrift', onDrift, {}],
  ['afterDrift', afterDrift(20), {}],
  ['everySteps', everySteps(500), {}],
  ['anyOf', anyOf(everySteps(700), afterDrift(3)), {}],
  ['never', neverTrigger, { acts: false }],
])('%s keeps every statement', (_, trigger, expectation) => {
  const results = checkTrigger(trigger, expectation)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(expectation.acts === false ? 3 : 4)
})

let asked = 0
const broken: Readonly<Record<string, Trigger>> = {
  'says true or false': (({ step }: { step: number }) => step) as unknown as Trigger,
  'says the same for the same': () => asked++ % 1001 === 0,
  'changes nothing': (signals) => {
    const isDue = signals.step % 500 === 0
    ;(signals as { step: number }).step = 0
    return isDue
  },
  'acts at least once': () => false,
}

test.each(Object.entries(broken))(
  'one that breaks "%s" is told so, and nothing else',
  (statement, trigger) => {
    const wrong = checkTrigger(trigger).filter(({ holds }) => !holds)
    expect(wrong.map((result) => result.statement)).toEqual([expect.stringContaining(statement)])
  },
)

test('what is no trigger is refused', () => {
  for (const trigger of [null, 3, {}]) expect(() => checkTrigger(trigger as never)).toThrow(OptionError)
})
