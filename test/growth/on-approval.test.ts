/** Growth that waits for somebody: nothing grows before it is approved, and what was refused is not asked for at once. */
import { sgd } from '@burgeon/autograd/optim'
import {
  type ApprovedGrowth,
  budgeted,
  firstOf,
  growOnPlateau,
  growOnSchedule,
  type GrowthPolicy,
  Learner,
  neverGrow,
  onApproval,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { OptionError, StateError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'

const sizes = { context: 4, embed: 4, heads: 2, layers: 1, mlpHidden: 4 }
const wider = { kind: 'widenMlp', block: 'b0', to: 6 } as const
const schedule = growOnSchedule([{ step: 2, request: wider }])
const frequent = { ...neverGrow, name: 'frequent', decide: asksEveryThree }

function asksEveryThree({ stepsSinceGrowth, config }: Parameters<GrowthPolicy<null>['decide']>[0]) {
  const request = stepsSinceGrowth < 3 ? null : ({ kind: 'addLayer', at: config.blocks.length } as const)
  return { request, reason: 'three steps have passed', state: null }
}

const partsOf = (growth: GrowthPolicy) => ({
  ...{ optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }), strategy: { growth }, seed: 1 },
  budget: { parameters: 1900 },
})
const lives = (growth: GrowthPolicy): Learner =>
  new Learner({ model: Gpt.create(sizes, { seed: 2 }), ...partsOf(growth) })
const texts = ['one', 'two', 'six', 'ten', 'all', 'new', 'old', 'end']
async function steps(learner: Learner, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await learner.observe(texts[learner.step % texts.length])
}
const kindsOf = (learner: Learner): string[] => learner.journal.map(({ kind, step }) => `${step} ${kind}`)
const bitsOf = ({ model }: Learner): unknown =>
  [...model.parameters].map(({ path, tensor }) => [path, [...tensor.readSync()]])

test('what a policy asks for waits, is in the journal, and the model stays as it is', async () => {
  const growth = onApproval(schedule)
  const learner = lives(growth)
  const { size } = learner.model.parameters
  await steps(learner, 6)
  expect(kindsOf(learner)).toEqual(['2 growth waits'])
  expect(learner.model.parameters.size).toBe(size)
  expect(growth.approvals.waiting).toEqual({
    ...{ id: 1, step: 2, request: wider, decision: null, reason: expect.any(String) as string },
  })
})

test('what was approved is the same growth as without approval, in the next step', async () => {
  const growth = onApproval(schedule)
  const learner = lives(growth)
  await steps(learner, 3)
  growth.approvals.decide(1, 'approve')
  await steps(learner, 1)
  expect(kindsOf(learner)).toEqual(['2 growth waits', '4 growth'])
  expect(growth.approvals.waiting).toBeNull()
  const alone = lives(growOnSchedule([{ step: 4, request: wider }]))
  await steps(alone, 4)
  expect(bitsOf(learner)).toEqual(bitsOf(alone))
  const [, grown] = learner.journal
  expect((grown.data as { reason: string }).reason).toMatch(/request 1, approved/)
})

test('what was refused is in the journal as refused, and to the policy it is like a growth', async () => {
  const growth = onApproval(frequent)
  const learner = lives(growth)
  await steps(learner, 4)
  growth.approvals.decide(1, 'refuse')
  await steps(learner, 1)
  expect(kindsOf(learner)).toEqual(['3 growth waits', '5 growth refused'])
  await steps(learner, 2)
  expect(growth.approvals.waiting).toBeNull()
  await steps(learner, 1)
  expect(growth.approvals.waiting).toMatchObject({ id: 2, step: 8 })
})

test('what is approved and is too much by then, or cannot be any more, is refused', async () => {
  for (const [first, second, message] of [
    [{ kind: 'widenMlp', block: 'b0', to: 5 }, { kind: 'widenMlp', block: 'b0', to: 90 }, /above 1900/],
    [{ kind: 'widenMlp', block: 'b0', to: 8 }, wider, /cannot be: .*to/],
  ] as const) {
    const growth = onApproval(neverGrow)
    const learner = lives(growth)
    growth.approvals.request(first, 'first')
    await steps(learner, 1)
    growth.approvals.request(second, 'second')
    await steps(learner, 1)
    expect(kindsOf(learner)).toEqual(['1 growth', '2 growth refused'])
    expect(learner.journal[1].summary).toMatch(message)
    expect(growth.approvals.waiting).toBeNull()
  }
})

test('growth by hand needs no policy that grows, and is the request of its moment', async () => {
  const growth = onApproval(neverGrow, { asks: false })
  const learner = lives(growth)
  const request = { kind: 'widenMlp', block: 'b0', to: 6 }
  expect(growth.approvals.request(request as typeof wider, 'by hand')).toBe(1)
  request.to = 4
  expect(growth.approvals.waiting).toMatchObject({ decision: 'approve', step: null, request: wider })
  expect(() => growth.approvals.request(wider, 'again')).toThrow(OptionError)
  await steps(learner, 1)
  expect(kindsOf(learner)).toEqual(['1 growth'])
  expect(learner.journal[0]).toMatchObject({ part: neverGrow.name, data: { record: { request: wider } } })
  expect(growth.approvals.request(wider, 'next')).toBe(2)
})

test('asking is switched on and off, and without it all goes on as with the policy alone', async () => {
  const growth = onApproval(frequent, { asks: false })
  const learner = lives(growth)
  const alone = lives(frequent)
  await steps(learner, 4)
  await steps(alone, 4)
  expect(growth.approvals.asks).toBe(false)
  expect(JSON.stringify(await learner.toState())).toBe(JSON.stringify(await alone.toState()))
  growth.approvals.ask(true)
  expect(growth.approvals.asks).toBe(true)
  await steps(learner, 3)
  expect(kindsOf(learner)).toEqual(['3 growth', '6 growth waits'])
  growth.approvals.ask(false)
  growth.approvals.decide(1, 'approve')
  await steps(learner, 4)
  expect(kindsOf(learner).slice(2)).toEqual(['8 growth', '11 growth'])
})

describe('a learner that is saved', () => {
  const resumed = async (learner: Learner): Promise<{ growth: ApprovedGrowth<unknown>; again: Learner }> => {
    const growth = onApproval<unknown>(frequent)
    const state = structuredClone(await learner.toState())
    return { growth, again: Learner.fromState(state, partsOf(growth)) }
  }
  test.each(['approve', 'refuse'] as const)(
    'while a request waits, or is decided: %s, goes on to the same bits',
    async (decision) => {
      const growth = onApproval(frequent)
      const learner = lives(growth)
      await steps(learner, 4)
      const waiting = await resumed(learner)
      expect(waiting.growth.approvals.waiting).toEqual(growth.approvals.waiting)
      growth.approvals.decide(1, decision)
      const decided = await resumed(learner)
      expect(decided.growth.approvals.waiting?.decision).toBe(decision)
      waiting.growth.approvals.decide(1, decision)
      for (const one of [learner, waiting.again, decided.again]) await steps(one, 6)
      for (const { again } of [waiting, decided]) {
        expect(bitsOf(again)).toEqual(bitsOf(learner))
        expect(kindsOf(again)).toEqual(kindsOf(learner))
      }
      expect(kindsOf(learner)).toContain(decision === 'approve' ? '5 growth' : '5 growth refused')
    },
  )
  test('with the policy alone is restored with it on approval', async () => {
    const alone = lives(frequent)
    await steps(alone, 4)
    const { growth, again } = await resumed(alone)
    await steps(again, 2)
    expect(growth.approvals.waiting).toMatchObject({ id: 1, step: 6 })
  })
  test.each([
    { inner: null, asks: 'yes', waiting: null, asked: 0, refusedAt: null },
    { inner: null, asks: true, waiting: { id: 1 }, asked: 0, refusedAt: null },
    { inner: null, asks: true, waiting: null, asked: -1, refusedAt: null },
    { inner: { window: 'x' }, asks: true, waiting: null, asked: 1, refusedAt: null },
  ])('with a damaged state is refused: %j', async (policy) => {
    const learner = lives(onApproval(growOnPlateau({ window: 8, patience: 8 })))
    const state = await learner.toState()
    const parts = state.parts.map((part) =>
      part.role === 'growth' ? { ...part, state: { policy, lastGrowth: 0 } } : part,
    )
    const own = partsOf(onApproval(growOnPlateau({ window: 8, patience: 8 })))
    expect(() => Learner.fromState({ ...state, parts }, own)).toThrow(StateError)
  })
})

test('it is reached through policies around it', async () => {
  for (const around of [
    (inner: GrowthPolicy) => budgeted(inner, { growths: 2 }),
    (inner: GrowthPolicy) => firstOf(neverGrow as GrowthPolicy, inner),
  ]) {
    const growth = onApproval(frequent)
    const learner = lives(around(growth))
    await steps(learner, 4)
    expect(growth.approvals.waiting?.id).toBe(1)
    growth.approvals.decide(1, 'approve')
    await steps(learner, 1)
    expect(kindsOf(learner)).toEqual(['3 growth waits', '5 growth'])
  }
})

test('mistakes are typed: no learner, another number, decided already, what is no decision', async () => {
  const growth = onApproval(frequent)
  const { approvals } = growth
  expect(() => approvals.waiting).toThrow(OptionError)
  expect(() => approvals.asks).toThrow(/before a learner/)
  const learner = lives(growth)
  expect(() => approvals.decide(1, 'approve')).toThrow(/none waits/)
  await steps(learner, 3)
  expect(() => approvals.decide(2, 'approve')).toThrow(/1 is waiting/)
  expect(() => approvals.decide(1, 'perhaps' as 'approve')).toThrow(OptionError)
  approvals.decide(1, 'refuse')
  expect(() => approvals.decide(1, 'approve')).toThrow(/1 is refuse/)
  expect(() => approvals.ask(1 as unknown as boolean)).toThrow(OptionError)
  expect(() => approvals.request(null as never, 'x')).toThrow(OptionError)
  expect(() => onApproval(growth as GrowthPolicy)).toThrow(/on approval already/)
})
