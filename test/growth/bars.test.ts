/** What a budget bars though there is room for it: other kinds of growth, and growth that nobody has approved. */
import { sgd } from '@burgeon/autograd/optim'
import {
  dryRun,
  firstOf,
  growOnSchedule,
  growByTrial,
  growingVocabulary,
  everySteps,
  type GrowthBudget,
  type GrowthPolicy,
  heldBack,
  Learner,
  neverGrow,
  onApproval,
  type Strategy,
} from '@burgeon/continual'
import { Gpt, gptConfig } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { expect, test } from 'vitest'

const sizes = { context: 8, embed: 4, heads: 2, layers: 1, mlpHidden: 4 }
const born = Gpt.create(sizes, { seed: 2 }).parameters.size
const wider = { kind: 'widenMlp', block: 'b0', to: 6 } as const
const widest = { kind: 'widenMlp', block: 'b0', to: 12 } as const
const schedule = growOnSchedule([
  { step: 2, request: wider },
  { step: 4, request: widest },
])

function lives(growth: GrowthPolicy, budget: Partial<GrowthBudget>, more: Strategy = {}): Learner {
  return new Learner({
    model: Gpt.create(sizes, { seed: 2 }),
    ...{ optimizer: sgd({ learningRate: 0.1 }), strategy: { growth, ...more }, seed: 1 },
    budget: { parameters: 1e6, ...budget },
  })
}
const texts = ['one', 'two', 'six', 'ten', 'all', 'new', 'old', 'end']
async function steps(learner: Learner, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await learner.observe(texts[learner.step % texts.length])
}
const kindsOf = (learner: Learner): string[] => learner.journal.map(({ kind, step }) => `${step} ${kind}`)

test('a kind that is not among those allowed is refused, and the model stays as it is', async () => {
  const learner = lives(schedule, { kinds: ['addLayer'] })
  await steps(learner, 5)
  expect(kindsOf(learner)).toEqual(['2 growth refused', '4 growth refused'])
  expect(learner.journal[0].summary).toMatch(/kind widenMlp is not allowed; expected one of addLayer/)
  expect(learner.model.parameters.size).toBe(born)
  const free = lives(schedule, { kinds: ['widenMlp'] })
  await steps(free, 5)
  expect(kindsOf(free)).toEqual(['2 growth', '4 growth'])
})

test('growth beyond what may be without approval is refused where nobody can approve it, and waits where one can', async () => {
  const alone = lives(schedule, { withoutApproval: born + 60 })
  await steps(alone, 5)
  expect(kindsOf(alone)).toEqual(['2 growth', '4 growth refused'])
  expect(alone.journal[1].summary).toMatch(/nobody has approved it/)
  for (const around of [
    (own: GrowthPolicy) => own,
    (own: GrowthPolicy) => firstOf(neverGrow as GrowthPolicy, own),
  ]) {
    const growth = onApproval(schedule, { asks: false })
    const learner = lives(around(growth), { withoutApproval: born + 60 })
    await steps(learner, 6)
    expect(kindsOf(learner)).toEqual(['2 growth', '4 growth waits'])
    const { size } = learner.model.parameters
    growth.approvals.decide(1, 'approve')
    await steps(learner, 1)
    expect(kindsOf(learner).at(-1)).toBe('7 growth')
    expect(learner.model.parameters.size).toBeGreaterThan(size)
  }
})

test('what somebody has refused stays refused', async () => {
  const growth = onApproval(schedule, { asks: false })
  const learner = lives(growth, { withoutApproval: born })
  await steps(learner, 2)
  growth.approvals.decide(1, 'refuse')
  await steps(learner, 1)
  expect(kindsOf(learner)).toEqual(['2 growth waits', '3 growth refused'])
  expect(learner.model.parameters.size).toBe(born)
})

test('approval opens no way to a kind that is not allowed, nor beyond the budget', async () => {
  for (const budget of [{ kinds: ['addLayer'] }, { parameters: born + 10 }]) {
    const growth = onApproval(neverGrow as GrowthPolicy, { asks: false })
    const learner = lives(growth, { withoutApproval: born, ...budget })
    growth.approvals.request(wider, 'by hand')
    await steps(learner, 1)
    expect(kindsOf(learner)).toEqual(['1 growth refused'])
  }
})

test('new tokens come as far as may be without approval, and no farther', async () => {
  const vocabulary = () => growingVocabulary({ tokens: 400, tokensAtOnce: 50, growWhen: everySteps(1) })
  const [free, barred] = [{}, { withoutApproval: born + 270 }].map((budget) =>
    lives(neverGrow as GrowthPolicy, budget, { vocabulary: vocabulary() }),
  )
  const text = 'the rain in the plain falls in the rain again and again and falls '
  for (let i = 0; i < 12; i++)
    for (const learner of [free, barred]) await learner.observe(text.slice(i, i + 40))
  expect(free.model.parameters.size).toBeGreaterThan(born + 270)
  expect(barred.model.parameters.size).toBeLessThanOrEqual(born + 270)
})

test('what is barred is no candidate of a trial', async () => {
  const tried = async (budget: Partial<GrowthBudget>): Promise<string[]> => {
    const when = growOnSchedule([{ step: 4, request: widest }])
    const policy = growByTrial({ when, steps: 4 })
    const learner = lives(policy, budget, { probes: heldBack({ share: 0.3, seed: 1 }) })
    await steps(learner, 40)
    return learner.journal.map(({ summary }) => summary)
  }
  expect((await tried({})).join()).toMatch(/growth tried/)
  for (const budget of [{ withoutApproval: born }, { kinds: ['addLayer'] }]) {
    expect(await tried(budget)).toEqual(['growth refused. growth: no candidate is within the budget.'])
  }
})

test('a dry run says the same', () => {
  const config = gptConfig(sizes)
  const run = (budget: Partial<GrowthBudget>): boolean[] =>
    dryRun(schedule, {
      ...{ config, parameters: born, losses: [1, 1, 1, 1, 1], budget: { parameters: 1e6, ...budget } },
    }).map(({ refused }) => refused)
  expect(run({})).toEqual([false, false])
  expect(run({ kinds: ['addLayer'] })).toEqual([true, true])
  expect(run({ withoutApproval: born + 60 })).toEqual([false, true])
})

test('limits that are none are refused', () => {
  expect(() => lives(schedule, { kinds: 'addLayer' as never })).toThrow(OptionError)
  expect(() => lives(schedule, { withoutApproval: -1 })).toThrow(OptionError)
})
