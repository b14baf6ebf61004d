/** The contract of an upkeep part: ours keep it, and ones that are broken in one way each do not. */
import {
  continualBackpropagation,
  everySteps,
  recycleDormant,
  shrinkAndPerturb,
  type Upkeep,
} from '@burgeon/continual'
import { checkUpkeep, type UpkeepExpectation } from '@burgeon/continual/testing'
import type { Gpt } from '@burgeon/gpt'
import { add, OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const quick = (): Upkeep<Gpt> => continualBackpropagation({ replacementRate: 0.1, maturity: 2 })

test.each<[string, () => Upkeep<Gpt>, UpkeepExpectation]>([
  ['continual backpropagation', quick, {}],
  [
    'one that looks now and then',
    () => continualBackpropagation({ replacementRate: 0.2, maturity: 0, every: 3 }),
    {},
  ],
  ['one that waits for maturity', () => continualBackpropagation(), { acts: false }],
  ['ReDo', () => recycleDormant({ every: 2, threshold: 0.9 }), {}],
  ['ReDo without dormant units', () => recycleDormant({ every: 2, threshold: 0 }), { acts: false }],
  ['shrink and perturb', () => shrinkAndPerturb({ when: everySteps(4) }), {}],
  ['one that waits for drift', () => shrinkAndPerturb(), { acts: false }],
  ['continual backpropagation of a dense network', quick, { model: 'dense network' }],
  [
    'ReDo of a dense network',
    () => recycleDormant({ every: 4, over: 3, threshold: 0.9 }),
    { model: 'dense network' },
  ],
  [
    'shrink and perturb of a dense network',
    () => shrinkAndPerturb({ when: everySteps(4) }),
    { model: 'dense network' },
  ],
])('%s keeps every statement', async (_, make, expectation) => {
  const results = await checkUpkeep(make, expectation)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results).toHaveLength(6)
})

const broken: Readonly<Record<string, (own: Upkeep<Gpt>) => Partial<Upkeep<Gpt>>>> = {
  'changes weights, and says so': () => ({ afterStep: () => [] }),
  'says of its events': (own) => ({
    afterStep: async (context) =>
      (await own.afterStep(context)).map((event) => ({ ...event, step: event.step + 1 })),
  }),
  'leaves every number finite': (own) => ({
    afterStep(context) {
      const { parameters } = context.model
      if (context.step === 12) {
        const { path, tensor } = [...parameters][0]
        parameters.replace(path, add(tensor, Number.NaN))
      }
      return own.afterStep(context)
    },
  }),
  'goes on to the bit': () => ({ toState: () => quick().toState?.() }),
  'survives growth in the middle': () => ({ mirrors: [] }),
  'refuses a state that is not its own': (own) => ({
    restore(state, parameters) {
      try {
        own.restore?.(state, parameters)
      } catch {
        // As if nothing had happened.
      }
    },
  }),
}

test.each(Object.entries(broken))('one that breaks "%s" is told so', async (statement, change) => {
  const make = (): Upkeep<Gpt> => {
    const own = quick()
    return { ...own, ...change(own) }
  }
  const wrong = (await checkUpkeep(make)).filter(({ holds }) => !holds)
  expect(wrong.map((result) => result.statement).join('\n')).toContain(statement)
})

test('every statement has a part that breaks it', async () => {
  const results = await checkUpkeep(quick)
  expect(
    results.filter(({ statement }) => !Object.keys(broken).some((text) => statement.includes(text))),
  ).toEqual([])
})

test('what makes no part, and an expectation that is none, are refused', async () => {
  for (const make of [null, 3, () => null, () => ({ name: 'half' })]) {
    await expect(checkUpkeep(make as never)).rejects.toThrow(OptionError)
  }
  await expect(checkUpkeep(quick, { steps: 2 })).rejects.toThrow(OptionError)
})
