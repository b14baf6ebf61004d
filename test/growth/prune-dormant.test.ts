/** Policies that shrink, and several policies as one. */
import { adamw } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  firstOf,
  type GrowthPolicy,
  type GrowthSignals,
  growOnSaturation,
  growOnSchedule,
  Learner,
  type LearnerEvent,
  type Measurement,
  neverGrow,
  pruneDormant,
} from '@burgeon/continual'
import { Gpt, type GptConfig, gptConfig } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawFrom, modelOf } from './tiny-model.ts'

const device = openWasm()
const budget = { parameters: Infinity }
const config = gptConfig({ vocabulary: 16, context: 8, embed: 8, heads: 2, layers: 2, mlpHidden: 4 })

/** What is dormant in blocks b0 and b1. */
const measured = (...dormant: readonly (readonly number[])[]): Measurement => ({
  tokens: 100,
  gradientNorm: 1,
  blocks: config.blocks.map(({ id }, i) => ({
    ...{ block: id, gradientShare: 0.2, gradMax: 0.01, effectiveRank: 4, maxRank: 4 },
    ...{ dormant: dormant[i].length / 4, dormantUnits: dormant[i] },
  })),
})
const at = (stepsSinceGrowth: number, seen?: Measurement): GrowthSignals => ({
  ...{ step: 1000, losses: [], stepsSinceGrowth, stepsSinceDrift: null, config, parameters: 1000 },
  ...(seen && { measured: seen }),
})

/** What a policy requests at look after look, ten steps apart. */
function requests<S>(policy: GrowthPolicy<S>, looks: readonly Measurement[]): unknown[] {
  let state = policy.initial
  return looks.map((look, i) => {
    const signals = at(10 * (i + 1), look)
    expect(policy.measures?.(at(10 * (i + 1)), budget, state)).toBe(true)
    const decision = policy.decide(signals, budget, state)
    state = JSON.parse(JSON.stringify(decision.state)) as S
    return decision.request
  })
}

describe('pruning what is dormant', () => {
  const policy = pruneDormant({ every: 10, looks: 3 })

  test('waits for units that are dormant look after look, and takes the block with the most', () => {
    const looks = [measured([1], [0, 2, 3]), measured([1, 2], [2, 3]), measured([1], [1, 2, 3])]
    expect(requests(policy, looks)).toEqual([null, null, { kind: 'pruneUnits', block: 'b1', drop: [2, 3] }])
    const unsteady = [measured([1], []), measured([2], []), measured([1], []), measured([1], [])]
    expect(requests(policy, unsteady)).toEqual([null, null, null, null])
  })
  test('leaves one unit', () => {
    const look = measured([0, 1, 2, 3], [])
    expect(requests(pruneDormant({ every: 10, looks: 1 }), [look])).toEqual([
      { kind: 'pruneUnits', block: 'b0', drop: [0, 1, 2] },
    ])
  })
  test('looks anew after growth, and not in between', () => {
    const look = measured([1], [])
    const later = policy.decide(
      at(10, look),
      budget,
      [look, look].map(() => ({ b0: [1], b1: [] })),
    )
    expect(later).toMatchObject({ request: null, state: [{ b0: [1], b1: [] }] })
    for (const steps of [0, 5, 19]) expect(policy.measures?.(at(steps), budget, [])).toBe(false)
  })
  test.each([{ every: 0 }, { every: 1.5 }, { looks: 0 }])('%j is refused', (options) => {
    expect(() => pruneDormant(options)).toThrow(OptionError)
  })

  /** A model in which units 0 and 1 of block b0 never speak, and a step of its life. */
  async function withDeadUnits(activation: 'gelu' | 'swiglu', expertShares?: readonly number[]) {
    const { vocabulary, context, embed } = config
    const plain = gptConfig({ vocabulary, context, embed, heads: 2, layers: 2, mlpHidden: 4, activation })
    const blocks = plain.blocks.map((block) => ({ ...block, ...(expertShares && { expertShares }) }))
    const wanted: GptConfig = { ...plain, blocks }
    const { weights } = await modelOf(wanted, drawFrom(3), device).toState()
    const dead = Object.entries(weights).map(([path, { data, shape }]) => {
      const isIncoming = /^blocks\.b0\.mlp\.(.*\.)?(up|gate)\.(weight|bias)$/.test(path)
      const silence = path.endsWith('.bias') ? -1e3 : 0
      const silent = Float32Array.from(data, (x, i) => (isIncoming && i % 4 < 2 ? silence : x))
      return [path, { data: silent, shape }] as const
    })
    return Gpt.fromState({ config: wanted, weights: Object.fromEntries(dead) }, device)
  }
  const random = drawFrom(4)
  const batch = batchOfTokens(
    Int32Array.from({ length: 65 }, () => random.below(16)),
    8,
    'random',
  )

  test.each([
    ['gelu', undefined],
    ['swiglu', undefined],
    ['gelu', [1, 1]],
  ] as const)(
    'takes dead units of %s, experts %j, out of a live model, which says and learns what it would have',
    async (activation, experts) => {
      const live = async (
        growth: GrowthPolicy,
      ): Promise<{ model: Gpt; journal: LearnerEvent[]; losses: number[] }> => {
        const model = await withDeadUnits(activation, experts)
        const optimizer = adamw({ learningRate: 1e-3, weightDecay: 0 })
        // Below what there is: shrinking is allowed all the same.
        const learner = new Learner({ model, optimizer, strategy: { growth }, budget: { parameters: 10 } })
        const losses: number[] = []
        for (let i = 0; i < 6; i++) losses.push((await learner.observe(batch)).loss)
        return { model, journal: [...learner.journal], losses }
      }
      const pruned = await live(pruneDormant({ every: 1, looks: 2 }))
      const growths = pruned.journal.filter(({ kind }) => kind === 'growth')
      expect(growths).toMatchObject([
        { step: 2, data: { record: { request: { kind: 'pruneUnits', block: 'b0', drop: [0, 1] } } } },
      ])
      expect(pruned.model.config.blocks.map(({ mlpHidden }) => mlpHidden)).toEqual([2, 4])
      const whole = await live(neverGrow)
      expect(pruned.model.parameters.size).toBeLessThan(whole.model.parameters.size)
      // Dead units learn nothing, for nothing comes through them: both models go the same way.
      pruned.losses.forEach((loss, i) => expect(loss).toBeCloseTo(whole.losses[i], 3))
    },
  )
})

describe('the first of several policies', () => {
  const second = growOnSchedule([{ step: 1000, request: { kind: 'addLayer', at: 0 } }])

  test('that requests is heard; those behind it are not asked', () => {
    const both = firstOf(pruneDormant({ every: 10, looks: 1 }), second)
    const idle = both.decide(at(10, measured([], [])), budget, both.initial)
    expect(idle.request).toEqual({ kind: 'addLayer', at: 0 })
    const busy = both.decide(at(10, measured([1], [])), budget, both.initial)
    expect(busy).toMatchObject({
      request: { kind: 'pruneUnits', block: 'b0', drop: [1] },
      state: [[], second.initial],
    })
    const never = firstOf(neverGrow, neverGrow).decide(at(10), budget, [null, null])
    expect(never).toEqual({ request: null, reason: 'never; never', state: [null, null] })
  })
  test('sees what was measured only if it asked', () => {
    const both = firstOf(growOnSaturation({ every: 30 }), pruneDormant({ every: 10, looks: 1 }))
    expect([5, 10, 30].map((steps) => both.measures?.(at(steps), budget, both.initial))).toEqual([
      false,
      true,
      true,
    ])
    const full = measured([], [])
    const reasonAt = (steps: number): string => both.decide(at(steps, full), budget, both.initial).reason
    expect(reasonAt(10)).toBe('not measured at this step; 0 units dormant at 1 looks')
    expect(reasonAt(30)).toContain('fill 4.0 directions')
  })
  test('needs one', () => {
    expect(() => firstOf(...([] as unknown as [GrowthPolicy]))).toThrow(OptionError)
  })
})
