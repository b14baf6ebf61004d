/** Every policy that comes with the library keeps the contract that users can hold theirs to, and the suite finds those that do not. */
import {
  budgeted,
  firstOf,
  growByCompute,
  growByGradient,
  growOnConflict,
  growOnDrift,
  growOnPlateau,
  growOnSaturation,
  growOnSchedule,
  type GrowthPolicy,
  neverGrow,
  onApproval,
  pruneDormant,
} from '@burgeon/continual'
import { checkGrowthPolicy, type PolicyExpectation } from '@burgeon/continual/testing'
import { describe, expect, test } from 'vitest'

const schedule = growOnSchedule([
  { step: 50, request: { kind: 'widenMlp', block: 'b0', to: 64 } },
  { step: 60, request: ({ blocks }) => ({ kind: 'addLayer', at: blocks.length }) },
])
const asksOnceFull: PolicyExpectation = { asksIn: ['plateau', 'drift'], silentIn: ['falling'] }
/** As with somebody who approves whatever waits. */
const approved = onApproval(growOnPlateau({ window: 100, patience: 200 }))
const approving: GrowthPolicy = {
  ...approved,
  decide(signals, budget, state) {
    const decision = approved.decide(signals, budget, state as typeof approved.initial)
    const after = decision.state as { readonly waiting: object | null }
    const waiting = after.waiting && { ...after.waiting, decision: 'approve' as const }
    return { ...decision, state: { ...after, waiting } }
  },
}
const all: readonly (readonly [GrowthPolicy, PolicyExpectation])[] = [
  [neverGrow, { silentIn: ['falling', 'plateau', 'drift'] }],
  [growOnPlateau({ window: 100, patience: 200 }), asksOnceFull],
  [growOnPlateau({ window: 100, patience: 200, where: 'gradient' }), asksOnceFull],
  [
    growOnPlateau({ window: 400, patience: 400, request: () => ({ kind: 'copyLayers', order: 'beside' }) }),
    asksOnceFull,
  ],
  [growByCompute({ window: 50 }), asksOnceFull],
  [growOnDrift({ patience: 100 }), { asksIn: ['drift'], silentIn: ['falling', 'plateau'] }],
  [growOnConflict(), { asksIn: ['conflict'], silentIn: ['falling', 'plateau', 'drift'] }],
  [growByGradient(), {}],
  [growOnSaturation(), { asksIn: ['falling', 'plateau', 'drift'] }],
  [pruneDormant(), { silentIn: ['falling', 'plateau', 'drift'] }],
  [schedule, { asksIn: ['falling', 'plateau', 'drift'], mayExceedBudget: true }],
  [budgeted(growOnPlateau({ window: 50, patience: 50 }), { growths: 3, steps: 40 }), asksOnceFull],
  [budgeted(schedule, { parameters: 6_000 }), {}],
  [onApproval(schedule) as GrowthPolicy, { silentIn: ['falling', 'plateau', 'drift'] }],
  [onApproval(growOnPlateau({ window: 100, patience: 200 }), { asks: false }) as GrowthPolicy, asksOnceFull],
  [approving, asksOnceFull],
  [
    firstOf(pruneDormant(), growOnDrift({ patience: 50 }), growOnPlateau({ window: 60, patience: 60 })),
    asksOnceFull,
  ],
]

describe.each(all.map(([policy, expectation]) => [policy.name, policy, expectation] as const))(
  '%s',
  (_, policy, expectation) => {
    test.each(checkGrowthPolicy(policy, expectation).map((result) => [result.statement, result] as const))(
      '%s',
      (__, { holds, detail }) => {
        expect(holds, detail).toBe(true)
      },
    )
  },
)

describe('the suite finds', () => {
  const asks = (decide: GrowthPolicy['decide'], initial: unknown = null): string[] =>
    checkGrowthPolicy({ name: 'it', initial, decide }, { asksIn: ['plateau'], silentIn: ['falling'] })
      .filter(({ holds }) => !holds)
      .map(({ statement }) => statement)
  const stay = { request: null, reason: 'no', state: null }
  const layer = { kind: 'addLayer', at: 0 } as const
  const isFlat = (losses: readonly number[]): boolean =>
    losses.length > 200 && losses[losses.length - 200] - losses[losses.length - 1] < 0.1

  test('nothing in a policy of five lines that keeps to the rules', () => {
    const found = asks(({ losses, stepsSinceGrowth, parameters }, budget) =>
      isFlat(losses) && stepsSinceGrowth > 200 && 2 * parameters < budget.parameters
        ? { request: layer, reason: 'flat', state: null }
        : stay,
    )
    expect(found).toEqual([])
  })
  test('a policy that asks before it knows anything, and never stops asking', () => {
    const found = asks(({ step }) =>
      step % 100 === 0 ? { request: layer, reason: 'always', state: null } : stay,
    )
    expect(found).toEqual([
      'it asks for nothing before it has seen a loss',
      'it asks for nothing beyond the budget',
      'it is silent where the loss is of course: falling',
    ])
  })
  test('one that keeps a memory of its own', () => {
    let calls = 0
    expect(asks(() => ({ ...stay, reason: `call ${calls++}` }))).toContain(
      'it returns the same for the same, and changes nothing that it is given',
    )
  })
  test('one that changes what it is given', () => {
    const found = asks((signals) => {
      ;(signals.losses as number[]).reverse()
      return stay
    })
    expect(found).toContain('it returns the same for the same, and changes nothing that it is given')
  })
  test('one whose state is lost in JSON', () => {
    const found = asks((_, __, state) => {
      const seen = new Set(state as Set<number>).add(1)
      return { request: null, reason: `${seen.size}`, state: seen }
    }, new Set())
    expect(found).toContain('it goes on the same after its state was saved as JSON, at any step')
  })
  test('one that asks for what cannot be, or gives no reason', () => {
    const impossible = 'it asks only for what can be, and says why'
    expect(
      asks(({ losses }) => (losses.length > 10 ? { ...stay, request: { ...layer, at: 99 } } : stay)),
    ).toContain(impossible)
    expect(
      asks(({ losses }) => (losses.length === 10 ? { ...stay, request: layer, reason: '' } : stay)),
    ).toContain(impossible)
  })
})
