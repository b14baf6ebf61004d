/** The contract of a choice: ours keeps it, and ones that are broken in one way each do not. */
import { type Choice, chooseAmong, type ChoiceSignals } from '@burgeon/continual'
import { checkChoice } from '@burgeon/continual/testing'
import { checks, OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const arms = { usual: {}, eager: { rate: 2 }, old: { rehearsalShare: 2 } }
const ours = chooseAmong({ arms, every: 100 })

/** Tries the arm after the one that is lived, and goes on in it where it was better. */
const inTurn: Choice<string> = {
  ...{ name: 'in turn', arms: ours.arms, steps: 10, isAveraged: false, initial: 'usual' },
  stateCheck: checks.oneOf('usual', 'eager', 'old'),
  incumbentOf: (state) => state,
  rivals({ step }: ChoiceSignals, state) {
    const names = Object.keys(arms)
    return step % 200 === 0 ? [names[(names.indexOf(state) + 1) % names.length]] : []
  },
  decide({ arms: [, { arm, gain }] }, state) {
    const goesOn = gain > 0 ? arm : state
    return { goesOn, reason: `${goesOn} goes on`, state: goesOn }
  },
}

test.each<[string, Choice]>([
  ['ours', ours],
  [
    'of many arms, a few at a time',
    chooseAmong({ arms: { ...arms, slow: { rate: 0.1 } }, every: 50, rivals: 1 }),
  ],
  ['one of a user', inTurn],
])('%s keeps every statement', (_, choice) => {
  const results = checkChoice(choice)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(6)
})

let asked = 0
const broken: Readonly<Record<string, Partial<Choice<string>>>> = {
  'tries other arms': { rivals: ({ step }, state) => (step % 500 === 0 ? [state] : []) },
  'each once': { rivals: ({ step }) => (step % 500 === 0 ? ['eager', 'eager'] : []) },
  'that were tried': { decide: (_, state) => ({ goesOn: 'nobody', reason: '', state }) },
  'lives that one then': { decide: ({ arms: [, { arm }] }, state) => ({ goesOn: arm, reason: '', state }) },
  'where no other is better': {
    decide: ({ arms: [, { arm }] }) => ({ goesOn: arm, reason: 'any', state: arm }),
  },
  'returns the same for the same': {
    decide: (_, state) => ({ goesOn: state, reason: `${asked++}`, state }),
  },
  'changes nothing that it is given': {
    decide(outcome, state) {
      ;(outcome as { rows: number }).rows = 0
      return { goesOn: state, reason: '', state }
    },
  },
  'saved as JSON': {
    initial: 'usual',
    incumbentOf: () => 'usual',
    decide: (_, state) => ({ goesOn: 'usual', reason: typeof state, state: undefined as never }),
    rivals: ({ step }, state) => (step % 500 === 0 ? [state === null ? 'old' : 'eager'] : []),
  },
  'takes every state': { stateCheck: checks.oneOf('usual') },
}

test.each(Object.entries(broken))('one that breaks "%s" is told so', (statement, change) => {
  const wrong = checkChoice({ ...inTurn, ...change }).filter(({ holds }) => !holds)
  expect(wrong.map((result) => result.statement)).toContainEqual(expect.stringContaining(statement))
})

test('one that tries nothing is told so', () => {
  const [first] = checkChoice({ ...inTurn, rivals: () => [] })
  expect([first.holds, first.detail]).toEqual([false, 'it tried none'])
})

test('what is no choice is refused', () => {
  for (const choice of [null, 3, {}, { name: 'half', arms }])
    expect(() => checkChoice(choice as never)).toThrow(OptionError)
})
