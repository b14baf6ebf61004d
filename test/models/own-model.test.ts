/** A learner of a model of one's own: the same step as a GPT's, on examples. */
import { dynamicLossScale, sgd } from '@burgeon/autograd/optim'
import {
  type Batch,
  batchOfTokens,
  compose,
  type ExampleBatch,
  everySteps,
  joinBatches,
  Learner,
  type Model,
  onlineEwc,
  type Pass,
  type Penalty,
  type Rehearsal,
  reservoirReplay,
  type StepContext,
  type WeightChange,
} from '@burgeon/continual'
import { mean, multiply, OptionError, slice, square, sum } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { examples, linearFromState, linearModel, type LinearModel, softmaxStep } from './linear-model.ts'

const rate = 0.5
const weightOf = (model: Model): number[] => [...model.parameters.get('weight').tensor.readSync()]

const expectNear = (found: ArrayLike<number>, wanted: ArrayLike<number>): void => {
  expect(found.length).toBe(wanted.length)
  Array.from(wanted).forEach((number, i) => expect(found[i]).toBeCloseTo(number, 6))
}

/** A penalty that shows what it sees, and adds nothing unless told. */
const watcher = (own: Partial<Penalty> = {}): Penalty => ({
  name: 'watcher',
  mirrors: [],
  loss: () => null,
  consolidate: () => {},
  toState: () => Promise.resolve(null),
  restore: () => {},
  ...own,
})

/** A rehearsal that always recalls the same rows. */
const fixed = (rows: Batch, own: Partial<Rehearsal> = {}): Rehearsal => ({
  name: 'fixed',
  recall: () => rows,
  mark: () => () => {},
  remember: () => {},
  sample: () => rows,
  toState: () => null,
  restore: () => {},
  ...own,
})

describe('a step on examples', () => {
  test('is a step down the gradient of their mean loss, predicted before it was learnt', async () => {
    const model = linearModel()
    const before = weightOf(model)
    const learner = new Learner({ model, optimizer: sgd(rate) })
    const batch = examples(0, 5)
    const report = await learner.observe(batch)
    const { losses, gradient } = softmaxStep(before, batch)
    expectNear(report.rowLosses, losses)
    expectNear(
      weightOf(model),
      before.map((w, i) => w - rate * gradient[i]),
    )
    expect(report).toMatchObject({ step: 1, tokens: 5, bytes: 0, parameters: 6, rehearsedRows: 0 })
    expect(report.bitsPerByte).toBeCloseTo(report.loss / Math.LN2, 10)
  })
  test('is learnt together with recalled ones, as one mean', async () => {
    const model = linearModel()
    const before = weightOf(model)
    const [fresh, old] = [examples(0, 4), examples(4, 6)]
    const learner = new Learner({ model, optimizer: sgd(rate), strategy: { rehearsal: fixed(old) } })
    const report = await learner.observe(fresh)
    const { gradient } = softmaxStep(before, joinBatches([fresh, old]))
    expectNear(
      weightOf(model),
      before.map((w, i) => w - rate * gradient[i]),
    )
    expectNear([report.loss], [softmaxStep(before, fresh).losses.reduce((a, b) => a + b, 0) / 4])
    expect(report.rehearsedRows).toBe(2)
  })
  test('of a model that predicts numbers takes the mean of the squared errors', async () => {
    const model = linearModel([1, 0, 0, 1, 0, 0], { predicts: 'numbers' })
    const learner = new Learner({ model, optimizer: sgd(rate) })
    const batch = {
      rows: 1,
      inputs: Float32Array.of(2, 3, 1),
      targets: Float32Array.of(1, 1),
      domains: ['a'],
    }
    const { loss } = await learner.observe(batch)
    expect(loss).toBeCloseTo((1 + 4) / 2, 6)
    // d/dw of ½·Σ(wx − y)² by outputs: x·(error)
    expectNear(weightOf(model), [1 - rate * 2, 0 - rate * 4, -rate * 3, 1 - rate * 6, -rate, -rate * 2])
  })
  test("takes a model's own loss, from the outputs or straight from the inputs", async () => {
    const lossesOf: NonNullable<Model['lossesOf']> = (found) => mean(square(found), { axes: [1] })
    const asked: string[] = []
    const model = linearModel(undefined, { lossesOf })
    const straight = linearModel(undefined, {
      lossesOf,
      losses(inputs, _targets, weights) {
        asked.push('losses')
        return lossesOf(this.forward?.(inputs, weights) as never, inputs)
      },
    })
    const batch = examples(0, 3)
    for (const one of [model, straight]) {
      const { loss } = await new Learner({ model: one, optimizer: sgd(rate) }).observe(batch)
      expect(loss).toBeGreaterThan(0)
    }
    expect(weightOf(straight)).toEqual(weightOf(model))
    // Outputs that a part uses make the losses as well.
    const strategy = { penalties: [watcher({ usesLogits: true })] }
    await new Learner({ model: straight, optimizer: sgd(rate), strategy }).observe(batch)
    expect(asked).toEqual(['losses'])
  })
})

describe('what parts see', () => {
  test('a penalty sees the pass: rows, losses, and outputs if it says so', async () => {
    const [fresh, old] = [examples(0, 4), examples(4, 6)]
    let seen: Pass | undefined
    let numbers: number[] = []
    const penalty = watcher({
      usesLogits: true,
      loss(_, pass) {
        seen = pass
        numbers = [...pass.logits().shape, ...pass.losses.shape]
        return mean(square(pass.logits()))
      },
    })
    const model = linearModel()
    const strategy = { penalties: [penalty], rehearsal: fixed(old) }
    const report = await new Learner({ model, optimizer: sgd(rate), strategy }).observe(fresh)
    expect(numbers).toEqual([6, 2, 6])
    expect(seen).toMatchObject({ freshRows: 4, model, batch: { rows: 6 } })
    expect(report.penalties['watcher']).toBeGreaterThan(0)
    const silent = watcher({ loss: (_, pass) => sum(pass.logits()) })
    const learner = new Learner({ model, optimizer: sgd(rate), strategy: { penalties: [silent] } })
    await expect(learner.observe(fresh)).rejects.toThrow('expected usesLogits: true of that part')
    expect(learner.step).toBe(0)
  })
  test.each([false, true])('a penalty follows the weights, with a loss scale: %s', async (isScaled) => {
    const model = linearModel()
    const before = weightOf(model)
    const changes: { gradients: number[]; updates: number[]; step: number }[] = []
    const penalty = watcher({
      afterUpdate: ({ gradients, updates, step, model: taught }: WeightChange) => {
        expect(weightOf(taught)).not.toEqual(before)
        const [g, u] = [gradients, updates].map((by) => [...by['weight'].readSync()])
        changes.push({ gradients: g, updates: u, step })
      },
    })
    const learner = new Learner({
      model,
      optimizer: sgd(rate),
      strategy: { penalties: [penalty] },
      ...(isScaled && { lossScale: dynamicLossScale() }),
    })
    const batch = examples(0, 5)
    await learner.observe(batch)
    const { gradient } = softmaxStep(before, batch)
    expect(changes).toHaveLength(1)
    expectNear(changes[0].gradients, gradient)
    expectNear(
      changes[0].updates,
      gradient.map((g) => -rate * g),
    )
    expect(changes[0].step).toBe(1)
  })
  test('a rehearsal with a loss decides what its rows cost', async () => {
    const [fresh, old] = [examples(0, 4), examples(4, 6)]
    const rehearsal = fixed(old, {
      loss: (_, { losses, freshRows }) => multiply(sum(slice(losses, [freshRows], [6])), 0.25),
    })
    const model = linearModel()
    const before = weightOf(model)
    const report = await new Learner({ model, optimizer: sgd(rate), strategy: { rehearsal } }).observe(fresh)
    const [ofFresh, ofOld] = [fresh, old].map((batch) => softmaxStep(before, batch))
    expectNear(
      weightOf(model),
      before.map((w, i) => w - rate * (ofFresh.gradient[i] + 0.5 * ofOld.gradient[i])),
    )
    expectNear([report.penalties['fixed']], [0.25 * (ofOld.losses[0] + ofOld.losses[1])])
  })
  test('a rehearsal remembers outputs of before the update, if it says so', async () => {
    const remembered: (ArrayLike<number> | undefined)[] = []
    const remember = ({ logits }: StepContext): void => void remembered.push(logits)
    const model = linearModel()
    const fresh = examples(0, 4)
    const wanted = [
      ...model.forward(model.device.tensor(fresh.inputs, { shape: [4, 3], dtype: 'f32' })).readSync(),
    ]
    for (const usesLogits of [true, false]) {
      const rehearsal = fixed(examples(4, 6), { usesLogits, remember })
      await new Learner({ model, optimizer: sgd(rate), strategy: { rehearsal } }).observe(fresh)
    }
    expectNear(remembered[0] as ArrayLike<number>, wanted)
    expect(remembered[1]).toBe(undefined)
  })
})

describe('a life on examples', () => {
  const parts = () => ({
    optimizer: sgd({ learningRate: rate, momentum: 0.9 }),
    strategy: compose(
      { rehearsal: reservoirReplay({ capacity: 6, share: 0.75, seed: 2 }) },
      { penalties: [onlineEwc({ strength: 2 })], consolidateWhen: everySteps(3) },
    ),
    seed: 1,
  })
  test('goes on to the same bits after a save, rehearsal and importance included', async () => {
    const whole = new Learner({ model: linearModel(), ...parts() })
    const live = async (learner: Learner<LinearModel>, from: number, to: number): Promise<unknown[]> => {
      const seen = []
      for (let i = from; i < to; i++) seen.push(await learner.observe(examples(4 * i, 4 * i + 4)))
      return seen
    }
    await live(whole, 0, 7)
    const saved = structuredClone(await whole.toState())
    const resumed = Learner.fromState(saved, { ...parts(), modelFromState: linearFromState })
    expect(await live(resumed, 7, 12)).toEqual(await live(whole, 7, 12))
    expect(weightOf(resumed.model)).toEqual(weightOf(whole.model))
    expect(resumed.journal.some(({ kind }) => kind === 'consolidation')).toBe(true)
  })
  test('judges importance by the latest examples where nothing is rehearsed, also after a save', async () => {
    const strategy = () => ({ penalties: [onlineEwc({ strength: 2 })], consolidateWhen: everySteps(3) })
    const made = () => ({ optimizer: sgd(rate), strategy: strategy() })
    const whole = new Learner({ model: linearModel(), ...made() })
    for (let i = 0; i < 5; i++) await whole.observe(examples(i, i + 1))
    const saved = structuredClone(await whole.toState())
    const resumed = Learner.fromState(saved, { ...made(), modelFromState: linearFromState })
    for (let i = 5; i < 9; i++) {
      expect(await resumed.observe(examples(i, i + 1))).toEqual(await whole.observe(examples(i, i + 1)))
    }
    expect(weightOf(resumed.model)).toEqual(weightOf(whole.model))
  })
})

describe('refuses, and nothing was learnt', () => {
  const learner = () => new Learner({ model: linearModel(), optimizer: sgd(rate) })
  const right = examples(0, 2)
  test.each<[string, Partial<Record<keyof ExampleBatch, unknown>>]>([
    ['positive integer', { rows: 0 }],
    ['a Float32Array, as many for each of 2 rows', { inputs: right.inputs.slice(1) }],
    ['a Float32Array', { inputs: [...right.inputs] }],
    ['finite numbers', { inputs: right.inputs.map(() => Number.NaN) }],
    ['one class for each row', { targets: new Float32Array(4) }],
    ['an integer from 0', { targets: Float32Array.of(0.5, 0) }],
    ['an integer from 0', { targets: Float32Array.of(-1, 0) }],
    ['one for each row', { domains: ['a'] }],
    ['one for each row', { domains: [1, 2] }],
  ])('examples without %s', async (expected, change) => {
    const own = learner()
    const before = weightOf(own.model)
    const wrong = own.observe({ ...right, ...change } as ExampleBatch)
    await expect(wrong).rejects.toThrow(OptionError)
    await expect(wrong).rejects.toThrow(expected)
    expect(weightOf(own.model)).toEqual(before)
  })
  test('what the model itself refuses', async () => {
    const check = (): void => {
      throw new OptionError('two rows are too few')
    }
    const own = new Learner({ model: linearModel(undefined, { check }), optimizer: sgd(rate) })
    await expect(own.observe(right)).rejects.toThrow('two rows are too few')
  })
  test('a text, and tokens where examples are rehearsed', async () => {
    // @ts-expect-error: only a GPT reads texts
    await expect(learner().observe('a text')).rejects.toThrow('a model that is no Gpt')
    const rehearsal = fixed(batchOfTokens([1, 2, 3], 2, 'text'))
    const own = new Learner({ model: linearModel(), optimizer: sgd(rate), strategy: { rehearsal } })
    await expect(own.observe(right)).rejects.toThrow('expected rows of one form and size')
  })
})
