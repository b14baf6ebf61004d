/** The contract of a controller: ours keeps it, and ones that are broken in one way each do not. */
import { type Controller, type ControlSignals, forgetAtMost } from '@burgeon/continual'
import { checkController } from '@burgeon/continual/testing'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const calm = {
  name: 'calm at first',
  initial: 0,
  decide: ({ step }: ControlSignals, state: number) => ({
    knobs: { rate: Math.min(1, step / 100) },
    reason: null,
    state: state + 1,
  }),
} satisfies Controller<number>

test.each([forgetAtMost(), forgetAtMost(0.5), calm])('$name keeps every statement', (controller) => {
  const results = checkController(controller as Controller)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(4)
})

let asked = 0
const broken: Readonly<Record<string, Controller<number>>> = {
  'with knobs that are 0 or more': {
    ...calm,

    decide: ({ step }, state) => ({ knobs: { rate: step === 900 ? Number.NaN : 1 }, reason: null, state }),
  },
  'returns the same for the same': {
    ...calm,

    decide: ({ step }, state) => ({ knobs: { rate: step > 3 ? asked++ : 1 }, reason: null, state }),
  },
  'changes nothing that it is given': {
    ...calm,

    decide: (signals, state) => {
      if (signals.probes) (signals as { step: number }).step = 0
      return { knobs: {}, reason: null, state }
    },
  },
  'goes on the same after its state was saved as JSON': {
    ...calm,

    decide: (_, state) => ({
      knobs: { rate: state === null ? 2 : 1 },
      reason: null,
      state: Number.NaN,
    }),
  },
  'takes every state that it was in': {
    ...calm,

    stateCheck: { expected: 'less', accepts: (state): state is number => (state as number) < 1000 },
    decide: (_, state) => ({ knobs: {}, reason: null, state: state + 1 }),
  },
}

test.each(Object.entries(broken))('one that breaks "%s" is told so', (statement, controller) => {
  const wrong = checkController(controller).filter(({ holds }) => !holds)
  expect(wrong.map((result) => result.statement)).toContainEqual(expect.stringContaining(statement))
})

test('what is no controller is refused', () => {
  for (const controller of [null, 3, {}, { name: 'a', decide: (_: ControlSignals) => null }])
    expect(() => checkController(controller as never)).toThrow(OptionError)
})
