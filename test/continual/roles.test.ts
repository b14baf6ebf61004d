/** Every role of a learner, by its effect on the weights and the report, against a few lines that work it out alone. */
import {
  type Batch,
  type TokenBatch,
  everySteps,
  fisherInformation,
  Learner,
  neverTrigger,
  onlineEwc,
  ownTextReplay,
  pageHinkley,
  type Penalty,
  type Projection,
  type Rehearsal,
  reservoirReplay,
  type StreamWatch,
} from '@burgeon/continual'
import { add, fill, multiply, subtract, sum, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import {
  descended,
  farthest,
  lossOf,
  type Numbers,
  numbersOf,
  plainSgd,
  row,
  rowsOf,
  tinyModel,
} from './tiny-learner.ts'

const tolerance = 1e-12
const weightsOf = (learner: Learner): Numbers => numbersOf(learner.model.parameters.tensors())

describe('rehearsal', () => {
  test('what is recalled is learnt together with the new, and nothing else is', async () => {
    const learner = new Learner({
      model: tinyModel(),
      optimizer: plainSgd(),
      strategy: { rehearsal: reservoirReplay({ capacity: 1 }) },
    })
    await learner.observe(rowsOf(row(0)))
    // The one slot holds row 0, so that is what comes back.
    const wanted = descended(learner.model, lossOf(learner.model, [row(1), row(0)]))
    const alone = descended(learner.model, lossOf(learner.model, [row(1)]))
    const report = await learner.observe(rowsOf(row(1)))
    expect(report.rehearsedRows).toBe(1)
    expect(farthest(weightsOf(learner), wanted)).toBeLessThan(tolerance)
    expect(farthest(weightsOf(learner), alone)).toBeGreaterThan(1e-4)
  })
  test('a row comes back in a later step, never in the one that brought it', async () => {
    const learner = new Learner({
      model: tinyModel(),
      optimizer: plainSgd(),
      strategy: { rehearsal: reservoirReplay({ capacity: 100, share: 2 }) },
    })
    const rehearsed = []
    for (let i = 0; i < 5; i++) rehearsed.push((await learner.observe(rowsOf(row(i)))).rehearsedRows)
    expect(rehearsed).toEqual([0, 1, 2, 2, 2])
  })
  /** A rehearsal that writes down what it hears of old losses. */
  function listening(heard: (readonly number[] | null)[]): Rehearsal {
    const own = reservoirReplay({ capacity: 1 })
    return {
      ...own,
      remember(context) {
        heard.push(context.oldLosses)
        expect(context.old?.rows ?? 0).toBe(context.oldLosses?.length ?? 0)
        own.remember(context)
      },
    }
  }
  test.each<[string, (own: Rehearsal) => Rehearsal]>([
    ['', (own) => own],
    [
      ', of its own rows alone beside own text',
      (own) => ownTextReplay({ text: rowsOf(row(7)), rows: 1, beside: own }),
    ],
  ])('hears how well the old rows were predicted, by the weights before the step%s', async (_, around) => {
    const heard: (readonly number[] | null)[] = []
    const rehearsal = around(listening(heard))
    const learner = new Learner({ model: tinyModel(), optimizer: plainSgd(), strategy: { rehearsal } })
    await learner.observe(rowsOf(row(0)))
    const [expected] = lossOf(learner.model, [row(0)])(learner.model.parameters.tensors()).readSync()
    await learner.observe(rowsOf(row(1)))
    expect(heard[0]).toBe(null)
    expect(heard[1]).toHaveLength(1)
    expect(heard[1]?.[0]).toBeCloseTo(expected, 12)
  })
  test('the loss on record is of the new rows alone, by the weights before the step', async () => {
    const learner = new Learner({
      model: tinyModel(),
      optimizer: plainSgd(),
      strategy: { rehearsal: reservoirReplay({ capacity: 1 }) },
    })
    await learner.observe(rowsOf(row(0)))
    const weights = learner.model.parameters.tensors()
    const [fresh] = lossOf(learner.model, [row(1), row(2)])(weights).readSync()
    const each = [1, 2].map((i) => lossOf(learner.model, [row(i)])(weights).readSync()[0])
    const [old] = lossOf(learner.model, [row(0)])(weights).readSync()
    const report = await learner.observe(rowsOf(row(1), row(2)))
    expect(report.loss).toBeCloseTo(fresh, 12)
    report.rowLosses.forEach((loss, i) => expect(loss).toBeCloseTo(each[i], 12))
    expect(Math.abs(old - fresh)).toBeGreaterThan(1e-3)
  })
})

/** Σ Fᵢ·(θᵢ − θ*ᵢ)² over all weights. */
function pull(importance: TensorsByPath, anchor: TensorsByPath): (w: TensorsByPath) => Tensor {
  return (w) =>
    Object.entries(importance)
      .map(([path, f]) => {
        const moved = subtract(w[path], anchor[path])
        return sum(multiply(f, multiply(moved, moved)))
      })
      .reduce((a, b) => add(a, b))
}

interface EwcState {
  readonly importance: Readonly<Record<string, { readonly data: ArrayLike<number> }>>
}

const importanceOf = async (penalty: Penalty): Promise<Numbers> => {
  const { importance } = (await penalty.toState()) as EwcState
  return Object.fromEntries(Object.entries(importance).map(([path, { data }]) => [path, Array.from(data)]))
}

const copiesOf = (weights: TensorsByPath): TensorsByPath =>
  Object.fromEntries(Object.entries(weights).map(([path, w]) => [path, add(w, fill(w.device, w.shape, 0))]))

describe('a penalty', () => {
  test('of EWC is λ/2 · Σ F·(θ − θ*)², in the report and in the step that is taken', async () => {
    const strength = 40
    const ewc = onlineEwc({ strength, seed: 5 })
    const model = tinyModel()
    const learner = new Learner({
      model,
      optimizer: plainSgd(),
      strategy: { penalties: [ewc], consolidateWhen: ({ step }) => step === 2 },
    })
    await learner.observe(rowsOf(row(0), row(1)))
    await learner.observe(rowsOf(row(2), row(3)))
    const anchor = copiesOf(model.parameters.tensors())
    const saved = await importanceOf(ewc)
    const importance = Object.fromEntries(
      Object.entries(saved).map(([path, data]) => [
        path,
        model.device.tensor(Float64Array.from(data), { shape: anchor[path].shape, dtype: 'f32' }),
      ]),
    )
    await learner.observe(rowsOf(row(4)))
    const cost = (w: TensorsByPath): Tensor => multiply(pull(importance, anchor)(w), strength / 2)
    const wanted = descended(model, (w) => add(lossOf(model, [row(5)])(w), cost(w)))
    const [owed] = cost(model.parameters.tensors()).readSync()
    const report = await learner.observe(rowsOf(row(5)))
    expect(owed).toBeGreaterThan(1e-4)
    expect(report.penalties[ewc.name] / owed).toBeCloseTo(1, 5)
    expect(farthest(weightsOf(learner), wanted)).toBeLessThan(1e-8)
  })
  test('keeps a share of earlier importance at each consolidation', async () => {
    // Two learners that differ in nothing but the decay draw the same labels.
    const lived = async (decay: number, steps: number): Promise<Numbers> => {
      const ewc = onlineEwc({ strength: 1e-9, decay, seed: 5 })
      const learner = new Learner({
        model: tinyModel(),
        optimizer: plainSgd(),
        strategy: { penalties: [ewc], consolidateWhen: everySteps(2) },
      })
      for (let i = 0; i < steps; i++) await learner.observe(rowsOf(row(2 * i), row(2 * i + 1)))
      return importanceOf(ewc)
    }
    const [first, second, both] = [await lived(0, 2), await lived(0, 4), await lived(0.75, 4)]
    const wanted = Object.fromEntries(
      Object.entries(second).map(([path, f]) => [path, f.map((value, i) => value + 0.75 * first[path][i])]),
    )
    expect(farthest(both, wanted)).toBeLessThan(1e-6)
    expect(farthest(both, second)).toBeGreaterThan(1e-5)
  })
  test.each([
    ['the rehearsal remembers', true],
    ['came last, where nothing is rehearsed', false],
  ])('judges importance by what %s, never by the batch at hand', async (_, isRehearsed) => {
    let judged: Batch | undefined
    const spy: Penalty = {
      name: 'one that writes down what it judges by',
      mirrors: [],
      loss: () => null,
      consolidate: (_model, sample) => void (judged = sample),
      toState: () => Promise.resolve(null),
      restore: () => {},
    }
    const learner = new Learner({
      model: tinyModel(),
      optimizer: plainSgd(),
      strategy: {
        penalties: [spy],
        consolidateWhen: ({ step }) => step === 4,
        ...(isRehearsed && { rehearsal: reservoirReplay({ capacity: 50 }) }),
      },
    })
    for (let i = 0; i < 4; i++) await learner.observe(rowsOf(row(i)))
    const rows = Array.from({ length: judged?.rows ?? 0 }, (_, i) => [
      ...((judged as TokenBatch | undefined)?.tokens ?? []).slice(5 * i, 5 * i + 5),
    ])
    expect(rows.map(String).toSorted()).toEqual([0, 1, 2].map((i) => String(row(i))).toSorted())
  })
  test('by rows that came last goes on to the same bits after a save', async () => {
    const parts = () => ({
      optimizer: plainSgd(),
      strategy: { penalties: [onlineEwc({ strength: 3, seed: 1 })], consolidateWhen: everySteps(3) },
    })
    const whole = new Learner({ model: tinyModel(), ...parts() })
    for (let i = 0; i < 8; i++) await whole.observe(rowsOf(row(i)))
    const first = new Learner({ model: tinyModel(), ...parts() })
    for (let i = 0; i < 5; i++) await first.observe(rowsOf(row(i)))
    const second = Learner.fromState(await first.toState(), { ...parts(), device: tinyModel().device })
    for (let i = 5; i < 8; i++) await second.observe(rowsOf(row(i)))
    expect(weightsOf(second)).toEqual(weightsOf(whole))
  })
  test('leaves no buffer behind, step after step', async () => {
    const model = tinyModel()
    const learner = new Learner({
      model,
      optimizer: plainSgd(),
      strategy: { penalties: [onlineEwc({ strength: 3 })], consolidateWhen: everySteps(1) },
    })
    for (let i = 0; i < 3; i++) await learner.observe(rowsOf(row(i)))
    const { buffers } = model.device.memory
    for (let i = 3; i < 9; i++) await learner.observe(rowsOf(row(i)))
    expect(model.device.memory.buffers).toBe(buffers)
  })
  test('of the Fisher information is that of the rows it is given', () => {
    const model = tinyModel()
    const keys = () => [1, 2] as const
    const one = numbersOf(fisherInformation(model, rowsOf(row(0)), keys))
    expect(farthest(numbersOf(fisherInformation(model, rowsOf(row(0), row(0)), keys)), one)).toBeLessThan(
      1e-12,
    )
    expect(farthest(numbersOf(fisherInformation(model, rowsOf(row(1)), keys)), one)).toBeGreaterThan(1e-5)
  })
})

describe('a projection', () => {
  /** One that lets every gradient pass, and says so when it is told to protect. */
  const passing = (name: string, told?: string[]): Projection => ({
    name,
    mirrors: [],
    transform: (gradients) => gradients,
    ...(told && { consolidate: (_model, { rows }) => void told.push(`${name} ${rows}`), sampleRows: 2 }),
    toState: () => Promise.resolve(null),
    restore: () => {},
  })
  test('protects beside the penalties, by as many rows as the one that wants the most, where it can', async () => {
    const told: string[] = []
    const learner = new Learner({
      model: tinyModel(),
      optimizer: plainSgd(),
      strategy: {
        penalties: [
          {
            ...passing('penalty', told),
            loss: () => null,
            consolidate: passing('penalty', told).consolidate ?? (() => {}),
          },
        ],
        projections: [passing('first', told), passing('second'), passing('third', told)],
        consolidateWhen: ({ step }) => step === 4,
      },
    })
    for (let i = 0; i < 5; i++) await learner.observe(rowsOf(row(i)))
    expect(told).toEqual(['penalty 2', 'first 2', 'third 2'])
    expect(learner.journal.map(({ kind, step, part }) => `${kind} ${step} ${part}`)).toEqual([
      'consolidation 4 penalty',
      'consolidation 4 first',
      'consolidation 4 third',
    ])
  })
})

/** Alarms, as it is told, in the given steps. */
function alarmsAt(...steps: readonly number[]): StreamWatch & { readonly resets: number } {
  let [step, resets] = [0, 0]
  return {
    name: 'one that alarms when told',
    update: () => {
      step++
      const drift = steps.includes(step)
      return { drift, direction: drift ? 'up' : null, estimate: 0 }
    },
    reset: () => void resets++,
    toState: () => null,
    restore: () => {},
    get resets() {
      return resets
    },
  }
}

describe('a detector', () => {
  test('that sees the loss fall reports nothing, and nothing is consolidated', async () => {
    const falling = pageHinkley({ threshold: 0.5, delta: 0.001, minSamples: 2 })
    const twin = pageHinkley({ threshold: 0.5, delta: 0.001, minSamples: 2 })
    const learner = new Learner({
      model: tinyModel(),
      optimizer: plainSgd(),
      strategy: { detector: falling, penalties: [onlineEwc({ strength: 1 })] },
    })
    const directions = []
    for (let i = 0; i < 60; i++) {
      const { bitsPerByte } = await learner.observe(rowsOf(row(0), row(1)))
      directions.push(twin.update(bitsPerByte).direction)
    }
    // The detector itself has spoken, of a fall; the learner knows better than to call it drift.
    expect(directions).toContain('down')
    expect(directions).not.toContain('up')
    expect(learner.journal).toEqual([])
  })
  test('that sees the loss rise is reported once, and consolidates', async () => {
    const learner = new Learner({
      model: tinyModel(),
      optimizer: plainSgd(),
      strategy: {
        detector: pageHinkley({ mode: 'up', threshold: 0.5, delta: 0.001, minSamples: 2 }),
        penalties: [onlineEwc({ strength: 1 })],
      },
    })
    for (let i = 0; i < 60; i++) await learner.observe(rowsOf(row(0), row(1)))
    await learner.observe(rowsOf(row(5), row(8)))
    expect(learner.journal.map(({ kind, step }) => `${kind} ${step}`)).toEqual([
      'drift 61',
      'consolidation 61',
    ])
  })
  test('of the bytes is heard beside that of the loss, and an alarm of one starts the others afresh', async () => {
    const [first, second] = [alarmsAt(3), alarmsAt(3, 5)]
    const learner = new Learner({
      model: tinyModel(),
      optimizer: plainSgd(),
      strategy: { watches: [first, second], penalties: [onlineEwc({ strength: 1 })] },
    })
    for (let i = 0; i < 6; i++) await learner.observe(rowsOf(row(i)))
    expect(learner.journal.map(({ kind, step }) => `${kind} ${step}`)).toEqual([
      'drift 3',
      'consolidation 3',
      'drift 5',
      'consolidation 5',
    ])
    expect([first.resets, second.resets]).toEqual([1, 0])
  })
  test('without a trigger that ever fires leaves the weights free', async () => {
    const lived = async (penalties: Penalty[]): Promise<Numbers> => {
      const strategy = { penalties, consolidateWhen: neverTrigger, watches: [alarmsAt(2)] }
      const learner = new Learner({ model: tinyModel(), optimizer: plainSgd(), strategy })
      for (let i = 0; i < 4; i++) await learner.observe(rowsOf(row(i)))
      return weightsOf(learner)
    }
    expect(await lived([onlineEwc({ strength: 1e3 })])).toEqual(await lived([]))
  })
})

test('a rehearsal that recalls nothing leaves the step as it is without one', async () => {
  const empty: Rehearsal = {
    name: 'one that recalls nothing',
    recall: () => null,
    remember: () => {},
    sample: () => null,
    toState: () => null,
    restore: () => {},
  }
  const lived = async (rehearsal?: Rehearsal): Promise<Numbers> => {
    const strategy = rehearsal ? { rehearsal } : {}
    const learner = new Learner({ model: tinyModel(), optimizer: plainSgd(), strategy })
    for (let i = 0; i < 3; i++) await learner.observe(rowsOf(row(i)))
    return weightsOf(learner)
  }
  expect(await lived(empty)).toEqual(await lived())
})

test('nothing is drawn from memory for a consolidation of nothing', async () => {
  let samples = 0
  const rehearsal: Rehearsal = {
    name: 'counts what is drawn',
    recall: () => null,
    remember: () => {},
    sample: () => {
      samples++
      return null
    },
    toState: () => ({}),
    restore: () => {},
  }
  const strategy = { rehearsal, consolidateWhen: everySteps(1) }
  const learner = new Learner({ model: tinyModel(), optimizer: plainSgd(), strategy })
  await learner.observe(rowsOf(row(1), row(2)))
  await learner.observe(rowsOf(row(3), row(4)))
  expect(samples).toBe(0)
})
