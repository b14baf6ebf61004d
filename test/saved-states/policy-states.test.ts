/** What a growth policy remembers is data of a file: a damaged state is refused where it is read, and not asked at every step for nothing. */
import { adamw } from '@burgeon/autograd/optim'
import {
  budgeted,
  firstOf,
  growByCompute,
  growByTrial,
  growOnDrift,
  growOnPlateau,
  growOnSchedule,
  heldBack,
  type GrowthPolicy,
  Learner,
  onApproval,
  type LearnerState,
  pageHinkley,
  pruneDormant,
  savedPart,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { StateError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'

const sizes = { context: 4, embed: 4, heads: 2, layers: 1, mlpHidden: 4 }
const schedule = growOnSchedule([{ step: 1, request: { kind: 'widenMlp', block: 'b0', to: 6 } }])

const partsOf = (growth: GrowthPolicy) => ({
  optimizer: adamw({ learningRate: 0.01 }),
  strategy: { growth, detector: pageHinkley(), probes: heldBack({ share: 0.01 }) },
})

async function lived(growth: GrowthPolicy) {
  const learner = new Learner({ model: Gpt.create(sizes), ...partsOf(growth) })
  for (const text of ['one', 'two', 'six']) await learner.observe(text)
  return { learner, state: await learner.toState() }
}

/** What the policy of a saved learner remembers. */
const policyOf = (state: LearnerState): unknown => (savedPart(state, 'growth') as { policy: unknown }).policy

/** The same learner, whose policy remembers something else. */
const withPolicy = (state: LearnerState, policy: unknown): LearnerState => ({
  ...state,
  parts: state.parts.map((part) =>
    part.role === 'growth' ? { ...part, state: { ...(part.state as object), policy } } : part,
  ),
})

const policies: Readonly<Record<string, GrowthPolicy>> = {
  budgeted: budgeted(schedule, { growths: 3 }),
  firstOf: firstOf(schedule, growOnDrift({ patience: 2 })),
  growByCompute: growByCompute({ window: 8 }),
  growByTrial: growByTrial({ when: growOnDrift({ patience: 2 }) }) as GrowthPolicy,
  growOnDrift: growOnDrift({ patience: 2 }),
  growOnPlateau: growOnPlateau({ window: 8, patience: 1 }),
  growOnSchedule: schedule,
  onApproval: onApproval(schedule) as GrowthPolicy,
  pruneDormant: pruneDormant({ every: 1 }),
}

describe.each(Object.entries(policies))('a saved state of %s', (_, policy) => {
  test('that is whole is taken, and the journal has no failure', async () => {
    const { state } = await lived(policy)
    const saved = JSON.parse(JSON.stringify(policyOf(state))) as unknown
    const learner = Learner.fromState(withPolicy(state, saved), partsOf(policy))
    expect(policyOf(await learner.toState())).toEqual(policyOf(state))
    await learner.observe('ten')
    expect(learner.journal.filter(({ kind }) => kind === 'growth refused')).toEqual([])
  })
  test.each([null, 7, 'text', {}, [null], { asked: 'x', judged: 'x', widenings: -1 }])(
    'that became %j is refused',
    async (damaged) => {
      const { state } = await lived(policy)
      const restore = () => Learner.fromState(withPolicy(state, damaged), partsOf(policy))
      expect(restore).toThrow(StateError)
      expect(restore).toThrow(`growth policy ${policy.name}: the saved state is`)
    },
  )
})

test('a part of a policy made of others is looked at, too', async () => {
  const growth = firstOf(budgeted(schedule, { growths: 3 }), growOnPlateau({ window: 8, patience: 1 }))
  const { state } = await lived(growth)
  for (const policy of [
    [{ inner: { asked: 1.5 }, growths: 1 }, { widenings: 0 }],
    [{ inner: { asked: 1 }, growths: 1 }],
    [{ inner: { asked: 1 }, growths: 1 }, null],
  ]) {
    expect(() => Learner.fromState(withPolicy(state, policy), partsOf(growth))).toThrow(StateError)
  }
})

test('a policy without a check of its own takes any plain data, and nothing else', async () => {
  const growth: GrowthPolicy = {
    name: 'own',
    initial: { seen: [1] },
    decide: (_, __, state) => ({ request: null, reason: 'never', state }),
  }
  const { state } = await lived(growth)
  const twice = { a: [1, 'two', true, null] }
  for (const policy of [null, undefined, 3, [twice, twice], Object.create(null), new Float32Array(2)]) {
    const learner = Learner.fromState(withPolicy(state, policy), partsOf(growth))
    expect(policyOf(await learner.toState())).toEqual(policy)
  }
  const circle: unknown[] = []
  circle.push({ circle })
  let deep: unknown = 1
  for (let i = 0; i < 100_000; i++) deep = [deep]
  for (const policy of [() => 1, { at: new Date(0) }, [new Map()], circle, deep, { n: 7n }, [Symbol('s')]]) {
    expect(() => Learner.fromState(withPolicy(state, policy), partsOf(growth))).toThrow(StateError)
  }
})
