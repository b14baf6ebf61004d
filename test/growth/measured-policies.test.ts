/** Policies that decide by measurement: on given signals, and on models whose weak place is known. */
import { adamw } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  type BlockSignals,
  budgeted,
  dryRun,
  type DryRunInput,
  growByCompute,
  growByGradient,
  growOnPlateau,
  growOnSaturation,
  type GrowthPolicy,
  Learner,
  type LearnerEvent,
  type Measurement,
  measureBlocks,
  measurementsIn,
} from '@burgeon/continual'
import { flopsPerToken, Gpt, type GptConfig, gptConfig, parameterSpecs } from '@burgeon/gpt'
import { type GrowthRequest, priceOf } from '@burgeon/gpt/growth'
import { OptionError, sizeOf } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawFrom, modelOf } from './tiny-model.ts'
import { narrowedStudent } from './narrowed-student.ts'

const device = openWasm()
const config = gptConfig({ vocabulary: 16, context: 8, embed: 8, heads: 2, layers: 3, mlpHidden: 10 })
const parameters = parameterSpecs(config).reduce((total, { shape }) => total + sizeOf(shape), 0)
const random = drawFrom(1)
const flat = (count: number): number[] => Array.from({ length: count }, () => 2 + 0.01 * random.normal())

/** Unremarkable blocks, but for what is given of each. */
const measurement = (...blocks: readonly Partial<BlockSignals>[]): Measurement => ({
  tokens: 100,
  gradientNorm: 1,
  blocks: config.blocks.map(({ id }, i) => ({
    ...{ block: id, gradientShare: 0.2, gradMax: 0.01, effectiveRank: 4, maxRank: 10 },
    ...{ dormant: 0, dormantUnits: [] },
    ...blocks[i],
  })),
})

/** Lives 40 flat steps, with the same measurement whenever one is asked for. */
const life = (measured: Measurement, more: Partial<DryRunInput> = {}): DryRunInput => {
  const losses = flat(40)
  const measurements = Object.fromEntries(losses.map((_, i) => [i + 1, measured]))
  return { config, parameters, losses, measurements, ...more }
}
const requests = <S>(policy: GrowthPolicy<S>, input: DryRunInput): unknown[] =>
  dryRun(policy, input).map(({ step, request }) => [step, request])

/** What a policy returns at step 20 of a life without growth. */
const reasonOf = <S>(policy: GrowthPolicy<S>, measured?: Measurement): string => {
  const signals = {
    step: 20,
    losses: flat(20),
    stepsSinceGrowth: 20,
    stepsSinceDrift: null,
    config,
    parameters,
  }
  return policy.decide(
    measured ? { ...signals, measured } : signals,
    { parameters: Infinity },
    policy.initial,
  ).reason
}

describe('by gradient', () => {
  const policy = growByGradient({ every: 20 })
  /** Makes the best new neuron promise so many times what a present parameter does. */
  const promising = (ratio: number): number => Math.sqrt((ratio * (2 * 8 + 1)) / parameters)

  test('the block whose new neurons promise most is widened, whichever it is', () => {
    for (const at of [0, 1, 2]) {
      const blocks = config.blocks.map((_, i) => ({ gradMax: promising(i === at ? 3 : 2) }))
      expect(requests(policy, life(measurement(...blocks), { losses: flat(30) }))).toEqual([
        [20, { kind: 'widenMlp', block: `b${at}`, to: 13 }],
      ])
    }
  })
  test('only above the threshold, in terms of loss for each parameter', () => {
    expect(requests(policy, life(measurement({ gradMax: promising(0.99) })))).toEqual([])
    expect(requests(policy, life(measurement({ gradMax: promising(1.01) })))).toHaveLength(2)
    const choosy = growByGradient({ every: 20, threshold: 4 })
    expect(requests(choosy, life(measurement({ gradMax: promising(3.99) })))).toEqual([])
    expect(requests(choosy, life(measurement({ gradMax: promising(4.01) })))).not.toEqual([])
    expect(reasonOf(choosy, measurement({ gradMax: promising(3) }))).toBe(
      'block b0: for each parameter a new neuron promises 3.0 times what the present ones do',
    )
  })
  test('and nothing where nothing was measured, there is no gradient, or the budget is spent', () => {
    expect(requests(policy, life(measurement(), { measurements: {} }))).toEqual([])
    expect(reasonOf(policy)).toBe('not measured at this step')
    expect(reasonOf(policy, { ...measurement({ gradMax: 1 }), gradientNorm: 0 })).toBe(
      'there is no gradient to compare with',
    )
    const budget = { parameters: parameters + 16 }
    expect(requests(policy, life(measurement({ gradMax: 1 }), { budget }))).toEqual([])
  })
  test('in models that lost units of one block, that block is chosen', async () => {
    let right = 0
    for (let seed = 1; seed <= 8; seed++) {
      for (const narrow of [0, 1]) {
        const { student, batch } = narrowedStudent(device, seed, narrow)
        const measured = await measureBlocks(student, batch)
        const { config: own, parameters: store } = student
        const signals = { step: 20, losses: [], stepsSinceGrowth: 20, stepsSinceDrift: null, config: own }
        const { request } = growByGradient({ every: 20, threshold: 1e-6 }).decide(
          { ...signals, parameters: store.size, measured },
          { parameters: Infinity },
          null,
        )
        if (request?.kind === 'widenMlp' && request.block === `b${narrow}`) right++
        student.dispose()
      }
    }
    expect(right).toBeGreaterThanOrEqual(14) // of 16
  })
  test.each([{ every: 0 }, { every: 1.5 }, { threshold: 0 }, { threshold: Number.NaN }, { widen: 0 }])(
    '%j is refused',
    (options) => {
      expect(() => growByGradient(options)).toThrow(OptionError)
    },
  )
})

describe('on saturation', () => {
  const policy = growOnSaturation({ every: 20 })
  test('the fullest block is widened, once it is full enough', () => {
    const full = measurement({ effectiveRank: 7 }, { effectiveRank: 9 }, { effectiveRank: 8 })
    expect(requests(policy, life(full, { losses: flat(30) }))).toEqual([
      [20, { kind: 'widenMlp', block: 'b1', to: 13 }],
    ])
    expect(reasonOf(policy, full)).toBe('block b1: its 10 units fill 9.0 directions, 0 % are dormant')
    expect(requests(policy, life(measurement({ effectiveRank: 5.9 })))).toEqual([])
    expect(requests(policy, life(measurement({ effectiveRank: 6 })))).not.toEqual([])
  })
  test('many dormant units anywhere want repair and no growth', () => {
    const idle = measurement({ effectiveRank: 9 }, { dormant: 0.3 })
    expect(requests(policy, life(idle))).toEqual([])
    expect(reasonOf(policy, idle)).toBe('repair first: 30 % of the units of block b1 are dormant')
    expect(requests(growOnSaturation({ every: 20, dormant: 0.3 }), life(idle))).not.toEqual([])
  })
  test('blocks with more units than tokens are not judged', () => {
    const blocks = config.blocks.map(() => ({ effectiveRank: 6.9, maxRank: 7 }))
    expect(requests(policy, life(measurement(...blocks)))).toEqual([])
    expect(reasonOf(policy, measurement(...blocks))).toBe('100 tokens are too few to judge so many units')
  })
  test('a live model whose units are dead does not grow, and one whose few units are all in use does', async () => {
    const outcome = async (isDead: boolean): Promise<LearnerEvent[]> => {
      const narrow = gptConfig({ vocabulary: 16, context: 8, embed: 8, heads: 2, layers: 1, mlpHidden: 4 })
      const { weights } = await modelOf(narrow, drawFrom(3), device).toState()
      const path = 'blocks.b0.mlp.up.bias'
      const { data, shape } = weights[path]
      const silent = { shape, data: Float32Array.from(data, (x, i) => (i < 2 ? -1e3 : x)) }
      const state = { config: narrow, weights: isDead ? { ...weights, [path]: silent } : weights }
      const model = Gpt.fromState(state, device)
      const learner = new Learner({
        model,
        optimizer: adamw({ learningRate: 1e-3 }),
        strategy: { growth: growOnSaturation({ every: 2, rank: 0.5 }) },
      })
      const batch = batchOfTokens(
        Int32Array.from({ length: 65 }, () => random.below(16)),
        8,
        'random',
      )
      for (let i = 0; i < 2; i++) await learner.observe(batch)
      return [...learner.journal]
    }
    const [dead] = await outcome(true)
    expect(dead.kind).toBe('growth considered')
    expect(dead).toMatchObject({
      step: 2,
      data: { reason: 'repair first: 50 % of the units of block b0 are dormant' },
    })
    const [alive] = await outcome(false)
    expect(alive.kind).toBe('growth')
    expect(alive).toMatchObject({ data: { record: { request: { kind: 'widenMlp', block: 'b0', to: 5 } } } })
  })
  test.each([{ every: 0 }, { rank: 0 }, { rank: 1.1 }, { dormant: 1 }, { dormant: -0.1 }, { widen: -1 }])(
    '%j is refused',
    (options) => {
      expect(() => growOnSaturation(options)).toThrow(OptionError)
    },
  )
})

const widened = ({ blocks: [{ id, mlpHidden }] }: GptConfig, units: number): GrowthRequest => {
  return { kind: 'widenMlp', block: id, to: mlpHidden + units }
}

describe('by compute', () => {
  const small = gptConfig({ context: 8, embed: 8, heads: 2, layers: 1, mlpHidden: 8 })
  /** 2·C^−0.1 with noise, and from step `until` on hardly falling any more. */
  const losses = (until = Infinity): number[] =>
    Array.from({ length: 400 }, (_, i) => {
      const reached = 2 * Math.min(i + 1, until) ** -0.1
      return reached * (1 + 0.002 * random.normal())
    })
  const input = { config: small, parameters: 1000 }
  const policy = growByCompute({ window: 50 })

  test('as long as the loss is a power of the compute nothing grows', () => {
    expect(dryRun(policy, { ...input, losses: losses() })).toEqual([])
  })
  test('soon after it has left that course, the model grows, and says by what numbers', () => {
    const [first] = dryRun(policy, { ...input, losses: losses(200) })
    expect(first.step).toBeGreaterThan(200)
    expect(first.step).toBeLessThan(260)
    expect(first.request).toEqual({ kind: 'addLayer', at: 1, how: 'copy' })
    expect(first.reason).toMatch(
      /to the power of 0\.(09|10)\d at first and 0\.0\d\d lately; .* takes 1\.\d\d times the work$/,
    )
  })
  test('the dearer a growth is, the later', () => {
    const by = (units: number) => (own: GptConfig) => widened(own, units)
    /** Its exponent falls from 0.1 to 0 little by little. */
    const tiring = Array.from({ length: 400 }, (_, i) => 2 * Math.exp(-0.1 * Math.log(i + 1) + 4e-7 * i * i))
    const [cheap, dear] = [2, 80].map((units) =>
      dryRun(growByCompute({ window: 50, request: by(units) }), { ...input, losses: tiring }),
    )
    expect(cheap[0].step).toBeLessThan(dear[0].step)
  })
  test('what has grown is measured by what it reached itself', () => {
    const power = (alpha: number, from: number, steps: number): number[] =>
      Array.from({ length: steps }, (_, i) => (1 + i / from) ** -alpha * (1 + 0.001 * random.normal()))
    const course = losses(200).slice(0, 250)
    const last = 2 * 200 ** -0.1
    const grown = [...course, ...power(0.04, 400, 400).map((x) => last * x)]
    const growths = dryRun(policy, { ...input, losses: grown })
    expect(growths.map(({ step }) => step < 260)).toEqual([true])
    const stuck = [...course, ...power(0.1, 400, 150), ...power(0, 1, 150).map((x) => x * 1.375 ** -0.1)]
    expect(dryRun(policy, { ...input, losses: stuck.map((x, i) => (i < 250 ? x : x * last)) })).toHaveLength(
      2,
    )
  })
  test('after a drift all begins anew', () => {
    const twice = [...losses().slice(0, 200), ...losses().slice(0, 200)]
    expect(dryRun(policy, { ...input, losses: twice, drifts: [201] })).toEqual([])
    expect(dryRun(policy, { ...input, losses: twice })).not.toEqual([])
  })
  test.each([{ window: 7 }, { window: 8.5 }, { window: 50, significance: -1 }])(
    '%j is refused',
    (options) => {
      expect(() => growByCompute(options)).toThrow(OptionError)
    },
  )
})

describe('on a plateau', () => {
  const options = { window: 10, patience: 10, widenPerLayer: 0 }
  test('the block is chosen by gradient where that is wanted and was measured', () => {
    const measured = measurement({}, {}, { gradMax: 1 })
    const [byGradient] = dryRun(growOnPlateau({ ...options, where: 'gradient' }), life(measured))
    expect(byGradient.request).toMatchObject({ block: 'b2' })
    expect(byGradient.reason).toMatch(/promises most in block b2 \(gradient norm 1\.0e\+0\)$/)
    expect(dryRun(growOnPlateau(options), life(measured))[0].request).toMatchObject({ block: 'b0' })
    const unmeasured = life(measured, { measurements: {} })
    expect(dryRun(growOnPlateau({ ...options, where: 'gradient' }), unmeasured)[0].request).toMatchObject({
      block: 'b0',
    })
  })
  test('nothing is measured before there is one, nor for a layer on top', () => {
    const signals = { step: 20, stepsSinceGrowth: 20, stepsSinceDrift: null, config, parameters }
    const asks = (losses: number[], widenings: number, more = {}): boolean | undefined =>
      growOnPlateau({ ...options, where: 'gradient', ...more }).measures?.(
        { ...signals, losses },
        { parameters: Infinity },
        { widenings },
      )
    const falling = Array.from({ length: 20 }, (_, i) => 3 - 0.1 * i)
    expect(asks(flat(20), 0)).toBe(true)
    expect(asks(falling, 0)).toBe(false)
    expect(asks(flat(20), 3, { widenPerLayer: 3 })).toBe(false)
    expect(asks(flat(20), 0, { where: 'narrowest' })).toBe(false)
    expect(() => growOnPlateau({ ...options, where: 'widest' as never })).toThrow(OptionError)
  })
})

describe('a learner', () => {
  const modelFor = (seed: number): Gpt =>
    modelOf(
      gptConfig({ vocabulary: 16, context: 8, embed: 8, heads: 2, layers: 2, mlpHidden: 6 }),
      drawFrom(seed),
      device,
    )
  const batches = Array.from({ length: 24 }, () =>
    batchOfTokens(
      Int32Array.from({ length: 33 }, () => random.below(16)),
      8,
      'random',
    ),
  )
  const live = async (growth: GrowthPolicy, more: object = {}): Promise<Learner> => {
    const learner = new Learner({
      model: modelFor(2),
      optimizer: adamw({ learningRate: 3e-3 }),
      strategy: { growth },
      ...more,
    })
    for (const batch of batches) await learner.observe(batch)
    return learner
  }
  test('keeps in its journal what makes a dry run decide the same again', async () => {
    const start = modelFor(2)
    const before = { config: start.config, parameters: start.parameters.size }
    for (const policy of [
      growByGradient({ every: 5, threshold: 0.2 }),
      growOnSaturation({ every: 4, rank: 0.5 }),
    ]) {
      const { journal, ...state } = await (await live(policy)).toState()
      const { losses } = state
      const grown = journal.flatMap((event) =>
        event.kind === 'growth' ? [[event.step, event.data.record.request, event.data.reason]] : [],
      )
      expect(grown.length).toBeGreaterThan(1)
      const measurements = measurementsIn(JSON.parse(JSON.stringify(journal)) as LearnerEvent[])
      const again = dryRun(policy as GrowthPolicy, { ...before, losses, measurements })
      expect(again.map(({ step, request, reason }) => [step, request, reason])).toEqual(grown)
      expect(dryRun(policy as GrowthPolicy, { ...before, losses })).toEqual([])
    }
  })
  test('measures only when it is asked to, and learns the same whether or not', async () => {
    const idle: GrowthPolicy = {
      name: 'idle',
      initial: null,
      decide: () => ({ request: null, reason: '', state: null }),
    }
    const [plain, curious] = [
      await live(idle),
      await live({ ...idle, measures: ({ step }) => step % 8 === 0 }),
    ]
    expect(plain.journal).toEqual([])
    expect(curious.journal.map(({ kind, step }) => [kind, step])).toEqual(
      [8, 16, 24].map((step) => ['growth considered', step]),
    )
    expect((await plain.toState()).model).toEqual((await curious.toState()).model)
  })
  test('holds every limit of the budget, and writes down the price and the time', async () => {
    const { config: own } = modelFor(2)
    const request = { kind: 'addLayer', at: 0 } as const
    const once: GrowthPolicy = {
      name: 'once',
      initial: null,
      decide: ({ step }) => ({ request: step === 3 ? request : null, reason: 'third', state: null }),
    }
    const state = 2 * 4 * modelFor(2).parameters.size // of AdamW
    const { after } = priceOf(own, request, state)
    const limits = [
      { flopsPerToken: after.flopsPerToken.training - 1 },
      { bytes: after.weightBytes + after.stateBytes - 1 },
    ]
    for (const limit of limits) {
      const { journal } = await live(once, { budget: { parameters: Infinity, ...limit } })
      expect(journal.map(({ kind }) => kind)).toEqual(['growth refused'])
      const [allowed] = Object.values(limit)
      expect(journal[0]).toMatchObject({
        data: { reason: expect.stringContaining(`the budget allows ${allowed}.`) },
      })
      const [{ refused }] = dryRun(once, {
        config: own,
        parameters: 1,
        losses: flat(5),
        stateBytes: state,
        budget: { parameters: Infinity, ...limit },
      })
      expect(refused).toBe(true)
      expect((await live(budgeted(once, limit) as GrowthPolicy)).journal).toEqual([])
    }
    const budget = {
      parameters: Infinity,
      flopsPerToken: after.flopsPerToken.training,
      bytes: after.weightBytes + after.stateBytes,
    }
    let time = 0
    const { journal } = await live(once, { budget, now: () => (time += 5) })
    expect(journal).toMatchObject([
      { kind: 'growth', data: { record: { price: { after }, milliseconds: 5 } } },
    ])
    expect(after.flopsPerToken).toEqual(flopsPerToken({ ...own, blocks: [...own.blocks, own.blocks[0]] }))
  })
  test.each([{ parameters: -1 }, { parameters: 1, bytes: Number.NaN }, { parameters: 1, flopsPerToken: -1 }])(
    'with the budget %j is refused',
    (budget) => {
      expect(
        () => new Learner({ model: modelFor(1), optimizer: adamw({ learningRate: 1 }), budget }),
      ).toThrow(OptionError)
      expect(() => budgeted(growByGradient(), budget)).toThrow(OptionError)
    },
  )
})

test('within limits nothing is measured for a request that would be refused', () => {
  const signals = { step: 20, losses: [], stepsSinceGrowth: 20, stepsSinceDrift: null, config, parameters }
  const asks = (limits: Parameters<typeof budgeted>[1]): boolean | undefined => {
    const policy = budgeted(growByGradient({ every: 20 }), limits)
    return policy.measures?.(signals, { parameters: Infinity }, policy.initial)
  }
  expect(asks({})).toBe(true)
  expect(asks({ growths: 0 })).toBe(false)
  expect(asks({ steps: 21 })).toBe(false)
})
