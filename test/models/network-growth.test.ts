/** Growth policies beside a dense network: what they see, ask for, and what becomes of it. */
import { adamw, sgd } from '@burgeon/autograd/optim'
import {
  budgeted,
  classifier,
  type DenseNetwork,
  type DenseSizes,
  type DenseState,
  denseFromState,
  dryRun,
  everySteps,
  type ExampleBatch,
  firstOf,
  type GrowthBudget,
  type GrowthPolicy,
  type GrowthSignals,
  growOnConflict,
  growOnDrift,
  growOnPlateau,
  growOnSchedule,
  type HiddenRequest,
  Learner,
  onlineEwc,
  pageHinkley,
  reservoirReplay,
  widenHidden,
  widerHidden,
} from '@burgeon/continual'
import { add, foldIn, keyFromSeed, OptionError, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { examples, linearModel } from './linear-model.ts'

const device = openReference()
const tiny = (): DenseNetwork => classifier({ inputs: 3, hidden: [4, 5], classes: 2, seed: 1, device })
const parametersOf = (a: number, b: number): number => 3 * a + a + a * b + b + b * 2 + 2
const weightsOf = (model: DenseNetwork): [string, number[]][] =>
  [...model.parameters].map(({ path, tensor }) => [path, [...tensor.readSync()]])
const batchAt = (i: number) => examples(4 * i, 4 * i + 4)
const wider: HiddenRequest = { kind: 'widenHidden', layer: 0, to: 7 }

/** The examples, each with which of the two classes can be meant: the right one. */
function told(batch: ExampleBatch): ExampleBatch {
  const { inputs, targets } = batch
  const rows = [...targets].map((target, i) => [...inputs.slice(3 * i, 3 * i + 3), 1 - target, target])
  return { ...batch, inputs: Float32Array.from(rows.flat()) }
}

/** A policy that asks in one step. */
const once = (step: number, request: HiddenRequest): GrowthPolicy<unknown, DenseSizes> =>
  growOnSchedule<DenseSizes>([{ step, request }])

describe('a policy beside a dense network', () => {
  test('sees its sizes, its losses and its state', async () => {
    const seen: GrowthSignals<DenseSizes>[] = []
    const growth: GrowthPolicy<number, DenseSizes> = {
      name: 'one that looks',
      initial: 0,
      decide(signals, _, state) {
        seen.push(signals)
        const request = state === 1 ? wider : null
        return { request, reason: 'it is time', state: state + 1 }
      },
    }
    const learner = new Learner({
      model: tiny(),
      optimizer: adamw({ learningRate: 0.01 }),
      strategy: { growth },
    })
    const losses: number[] = []
    for (let i = 0; i < 3; i++) losses.push((await learner.observe(batchAt(i))).loss)
    expect(seen.map(({ step, stepsSinceGrowth }) => [step, stepsSinceGrowth])).toEqual([
      [1, 1],
      [2, 2],
      [3, 1],
    ])
    expect(seen[2].losses).toEqual(losses)
    expect(seen.map(({ config }) => config)).toEqual([
      { inputs: 3, hidden: [4, 5], outputs: 2 },
      { inputs: 3, hidden: [4, 5], outputs: 2 },
      { inputs: 3, hidden: [7, 5], outputs: 2 },
    ])
    expect(seen.map(({ parameters }) => parameters)).toEqual([53, 53, parametersOf(7, 5)])
    // Two moments of four bytes for each.
    expect(seen[2].stateBytes).toBe(8 * parametersOf(7, 5))
  })
  test('has its request carried out as widenHidden would, and the learner goes on', async () => {
    const learner = new Learner({
      model: tiny(),
      optimizer: sgd(0.1),
      strategy: { growth: once(2, { ...wider, how: 'split' }) },
      seed: 6,
      now: () => 5,
    })
    for (let i = 0; i < 2; i++) await learner.observe(batchAt(i))
    const other = new Learner({ model: tiny(), optimizer: sgd(0.1) })
    for (let i = 0; i < 2; i++) await other.observe(batchAt(i))
    const key = foldIn(keyFromSeed(6), 2)
    await widenHidden(other.model, { layer: 0, to: 7, how: 'split' }, { mirrors: [], key })
    expect(weightsOf(learner.model)).toEqual(weightsOf(other.model))
    const [event] = learner.journal
    expect(event).toMatchObject({
      kind: 'growth',
      step: 2,
      part: 'on a schedule of 1',
      data: {
        reason: 'scheduled for step 2',
        record: {
          summary: 'hidden layer 0: 4 → 7 units (split)',
          request: { ...wider, how: 'split' },
          parametersBefore: parametersOf(4, 5),
          parametersAfter: parametersOf(7, 5),
          milliseconds: 0,
          configBefore: { inputs: 3, hidden: [4, 5], outputs: 2 },
        },
      },
    })
    expect(event.summary).toContain('hidden layer 0: 4 → 7 units (split), +27 parameters')
    if (event.kind !== 'growth') throw new Error('no growth')
    expect(event.data.record.logitsMoved).toBeLessThan(1e-6)
    expect(event.data.record.price.after).toEqual({
      parameters: parametersOf(7, 5),
      flopsPerToken: { forward: 2 * (21 + 35 + 10), training: 6 * (21 + 35 + 10) },
      weightBytes: 4 * parametersOf(7, 5),
      stateBytes: 0,
    })
    expect((await learner.observe(batchAt(2))).parameters).toBe(parametersOf(7, 5))
  })
  test('may ask for what is too much or cannot be: the journal says so, and nothing grows', async () => {
    const asked = [
      wider,
      { ...wider, to: 4 },
      { ...wider, layer: 2 },
      { kind: 'addLayer', at: 0 } as unknown as HiddenRequest,
    ]
    const growth = growOnSchedule<DenseSizes>(asked.map((request, i) => ({ step: i, request })))
    const learner = new Learner({
      model: tiny(),
      optimizer: sgd(0.1),
      strategy: { growth },
      budget: { parameters: parametersOf(7, 5) - 1 },
    })
    for (let i = 0; i < 4; i++) await learner.observe(batchAt(i))
    expect(learner.journal.map(({ kind }) => kind)).toEqual(new Array(4).fill('growth refused'))
    const reasons = learner.journal.map(({ summary }) => summary)
    expect(reasons[0]).toContain(`it leads to ${parametersOf(7, 5)} parameters; the budget allows`)
    expect(reasons[1]).toContain('expected an integer above 4')
    expect(reasons[2]).toContain('layer')
    expect(reasons[3]).toContain('got a request of kind addLayer for a dense network; expected widenHidden')
    expect(learner.model.sizes.hidden).toEqual([4, 5])
  })
  test('may not have blocks measured, for there are none: the journal says so', async () => {
    const growth = growOnPlateau<DenseSizes>({ window: 8, patience: 8, where: 'gradient', significance: 50 })
    const learner = new Learner({ model: tiny(), optimizer: sgd(0.1), strategy: { growth } })
    for (let i = 0; i < 9; i++) await learner.observe(batchAt(i))
    expect(learner.journal.map(({ kind, step }) => [kind, step])).toEqual([
      ['growth refused', 8],
      ['growth refused', 9],
    ])
    expect(learner.journal[0].summary).toContain('wants the blocks measured')
    expect(learner.model.sizes.hidden).toEqual([4, 5])
  })
  test.each([
    ['', false],
    [', also where it is told which classes can be meant', true],
  ])('may not move the outputs%s: what would is taken back', async (_, masked) => {
    const make = () => classifier({ inputs: 3, hidden: [4], classes: 2, masked, device })
    const batch = masked ? told(batchAt(0)) : batchAt(0)
    const model = make()
    // One whose outputs depend on how wide it is.
    const strange = Object.create(model, {
      forward: {
        value: (x: Tensor, weights?: TensorsByPath) => add(model.forward(x, weights), model.sizes.hidden[0]),
      },
    }) as DenseNetwork
    const strategy = { growth: once(1, wider) }
    const learner = new Learner({ model: strange, optimizer: sgd(0.1), strategy })
    const [plain, growing] = [make(), make()]
    await learner.observe(batch)
    await new Learner({ model: plain, optimizer: sgd(0.1) }).observe(batch)
    await new Learner({ model: growing, optimizer: sgd(0.1), strategy }).observe(batch)
    expect(learner.journal.map(({ kind }) => kind)).toEqual(['growth refused'])
    expect(learner.journal[0].summary).toMatch(
      /the outputs moved by .*; expected at most 1.0e-5. It has been undone/,
    )
    expect(model.sizes.hidden).toEqual([4])
    expect(growing.sizes.hidden).toEqual([7])
    const [moved, right] = [weightsOf(model), weightsOf(plain)].map((all) => all.flatMap(([, w]) => w))
    moved.forEach((w, i) => expect(w).toBeCloseTo(right[i], 5))
  })
  test('is asked for the same again after a save, to the bit', async () => {
    const parts = () => ({
      optimizer: adamw({ learningRate: 0.02 }),
      strategy: {
        rehearsal: reservoirReplay({ capacity: 8 }),
        penalties: [onlineEwc({ strength: 1 })],
        consolidateWhen: everySteps(3),
        growth: growOnSchedule<DenseSizes>([
          { step: 2, request: widerHidden() },
          { step: 5, request: widerHidden({ share: 1, how: 'split' }) },
        ]),
      },
    })
    const whole = new Learner({ model: tiny(), ...parts() })
    for (let i = 0; i < 4; i++) await whole.observe(batchAt(i))
    const saved = structuredClone(await whole.toState())
    const modelFromState = (state: DenseState): DenseNetwork => denseFromState(state, device)
    const resumed = Learner.fromState(saved, { ...parts(), modelFromState })
    for (let i = 4; i < 9; i++)
      expect(await resumed.observe(batchAt(i))).toEqual(await whole.observe(batchAt(i)))
    expect(weightsOf(resumed.model)).toEqual(weightsOf(whole.model))
    expect(resumed.journal).toEqual(whole.journal)
    // 4 and 5; half of 4 more; then the narrowest has 5, and as many come again.
    expect(resumed.model.sizes.hidden).toEqual([6, 10])
  })
})

describe('policies that have no request of their own', () => {
  const flat = Array.from({ length: 300 }, (_, i) => 1 + 0.01 * Math.sin(i * i))
  const config: DenseSizes = { inputs: 3, hidden: [8, 6, 6], outputs: 2 }
  const parameters = 3 * 8 + 8 + 48 + 6 + 36 + 6 + 12 + 2
  const wanted: HiddenRequest = { kind: 'widenHidden', layer: 1, to: 9 }
  test('widen the narrowest hidden layer on a plateau, and never add one', () => {
    const growths = dryRun(growOnPlateau<DenseSizes>({ window: 20, patience: 50, widenPerLayer: 1 }), {
      ...{ config, parameters, losses: flat },
      budget: { parameters: 400 },
    })
    expect(growths[0].request).toEqual(wanted)
    expect(growths.map(({ request: { layer, to } }) => [layer, to]).slice(0, 3)).toEqual([
      [1, 9],
      [2, 9],
      [0, 12],
    ])
    expect(growths[0].parameters).toBe(parameters + 3 * (8 + 1 + 6))
    expect(growths.every(({ refused }) => !refused)).toBe(true)
    expect(Math.max(...growths.map((growth) => growth.parameters))).toBeLessThanOrEqual(400)
    const share = dryRun(growOnPlateau<DenseSizes>({ window: 20, patience: 50, widen: 1 }), {
      ...{ config, parameters, losses: flat },
    })
    expect(share[0].request).toEqual({ ...wanted, to: 12 })
  })
  test('and on drift, within limits, whichever of several asks first', () => {
    const losses = flat.map((loss, i) => (i < 100 ? loss : 3 * loss))
    const policy = firstOf<DenseSizes>(
      growOnSchedule<DenseSizes>([]),
      budgeted(growOnDrift<DenseSizes>({ patience: 10 }), { growths: 1 }),
    )
    const growths = dryRun(policy, { config, parameters, losses, drifts: [101, 200] })
    expect(growths.map(({ step, request }) => [step, request])).toEqual([[111, wanted]])
  })
  test('and on conflict', () => {
    const saturations = { 10: true, 20: false }
    const growths = dryRun(growOnConflict<DenseSizes>({ patience: 5 }), {
      ...{ config, parameters, losses: flat, saturations },
    })
    expect(growths.map(({ step }) => step)).toEqual([11, 16])
    expect(growths[0].request).toEqual(wanted)
  })
  test('in a learner that notices drift', async () => {
    const learner = new Learner({
      model: tiny(),
      optimizer: sgd(0.5),
      strategy: {
        detector: pageHinkley({ threshold: 0.5, delta: 0.001, minSamples: 2, mode: 'up' }),
        growth: growOnDrift({ patience: 1, tolerance: 0.5 }),
      },
    })
    for (let i = 0; i < 40; i++) await learner.observe(batchAt(i % 3))
    const { targets } = batchAt(0)
    await learner.observe({ ...batchAt(0), targets: targets.map((one) => 1 - one) })
    await learner.observe(batchAt(1))
    expect(learner.journal.map(({ kind }) => kind)).toEqual(['drift', 'growth'])
    expect(learner.model.sizes.hidden).toEqual([6, 5])
  })
})

describe('the price of a request', () => {
  const config: DenseSizes = { inputs: 3, hidden: [4, 5], outputs: 2 }
  test('is held against every limit', () => {
    const isRefused = (budget: Partial<GrowthBudget>): boolean =>
      dryRun(once(1, wider), {
        ...{ config, parameters: 53, stateBytes: 106, losses: [1] },
        budget: { parameters: 1e9, ...budget },
      })[0].refused
    const most = parametersOf(7, 5)
    const flops = 6 * (21 + 35 + 10)
    // Weights, and a state of half as many bytes.
    const bytes = 4 * most + 2 * most
    expect(isRefused({ parameters: most })).toBe(false)
    expect(isRefused({ parameters: most - 1 })).toBe(true)
    expect(isRefused({ flopsPerToken: flops })).toBe(false)
    expect(isRefused({ flopsPerToken: flops - 1 })).toBe(true)
    expect(isRefused({ bytes })).toBe(false)
    expect(isRefused({ bytes: bytes - 1 })).toBe(true)
  })
})

test('growth of a model that cannot grow is refused when the learner is built', () => {
  const growth = once(1, wider) as never
  const make = () => new Learner({ model: linearModel(), optimizer: sgd(0.1), strategy: { growth } })
  expect(make).toThrow(OptionError)
  expect(make).toThrow('got growth beside a model')
})

test('requests for a wider layer are checked', () => {
  const sizes: DenseSizes = { inputs: 1, hidden: [3], outputs: 1 }
  expect(widerHidden()(sizes)).toEqual({ kind: 'widenHidden', layer: 0, to: 5 })
  expect(widerHidden({ share: 0.1 })(sizes)).toEqual({ kind: 'widenHidden', layer: 0, to: 4 })
  for (const options of [
    { share: 0 },
    { share: 1.5, how: 'split' as const },
    { how: 'stretched' as never },
  ]) {
    expect(() => widerHidden(options)).toThrow(OptionError)
  }
})
