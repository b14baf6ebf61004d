/** Units of a dense network that begin again, and signs of what it can still learn. */
import { adamw, sgd } from '@burgeon/autograd/optim'
import {
  classifier,
  continualBackpropagation,
  type DenseNetwork,
  type DenseState,
  denseFromState,
  everySteps,
  type ExampleBatch,
  type LayeredModel,
  Learner,
  measurePlasticity,
  onlineEwc,
  recycleDormant,
  regressor,
  shrinkAndPerturb,
  type Upkeep,
  widenHidden,
} from '@burgeon/continual'
import { OptionError, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { examples, linearModel } from '../models/linear-model.ts'

const device = openReference()
/** Learns nothing, so that only upkeep changes weights. */
const still = () => sgd({ learningRate: 1e-30 })
const made = (seed = 1): DenseNetwork =>
  regressor({ inputs: 3, hidden: [6, 4], outputs: 1, initial: 'he', seed, device })
const numbers = ({ parameters }: DenseNetwork, path: string): number[] => [
  ...parameters.get(path).tensor.readSync(),
]
const rows = (step: number): ExampleBatch => examples(8 * step, 8 * step + 8)
const [weight, bias, next, nextBias] = [
  'layers.0.weight',
  'layers.0.bias',
  'layers.1.weight',
  'layers.1.bias',
]

function replaced(model: DenseNetwork, path: string, change: (x: number, i: number) => number): void {
  const { tensor } = model.parameters.get(path)
  const changed = Array.from(tensor.readSync(), change)
  model.parameters.replace(path, device.tensor(changed, { shape: tensor.shape, dtype: 'f32' }))
}

/** Activations of the first hidden layer, row by row, worked out with plain numbers. */
function firstHidden(model: DenseNetwork, { rows: count, inputs }: ExampleBatch): number[][] {
  const [w, b] = [numbers(model, weight), numbers(model, bias)]
  const units = b.length
  return Array.from({ length: count }, (_, row) =>
    b.map((own, unit) => {
      const read = [0, 1, 2].map((f) => inputs[3 * row + f] * w[f * units + unit])
      return Math.max(0, own + read[0] + read[1] + read[2])
    }),
  )
}

/** The units of the first layer that began again in each step. */
async function resets(
  model: DenseNetwork,
  upkeep: Upkeep<LayeredModel>,
  steps: number,
): Promise<(readonly number[])[]> {
  const learner = new Learner({ model, optimizer: still(), strategy: { upkeep: [upkeep] } })
  const found: (readonly number[])[] = []
  for (let i = 0; i < steps; i++) {
    const { events } = await learner.observe(rows(i))
    found.push(
      events.flatMap((event) =>
        event.kind === 'units reset' && event.data.layer === 'layers.0' ? event.data.units : [],
      ),
    )
  }
  return found
}

test('ReDo brings a dead unit back: it is active again, and learns', async () => {
  const model = made()
  replaced(model, bias, (x, unit) => (unit === 2 ? -100 : x))
  const optimizer = adamw({ learningRate: 0.01 })
  const strategy = { upkeep: [recycleDormant({ every: 4, threshold: 0 })] }
  const learner = new Learner({ model, optimizer, strategy })
  const dead = async (): Promise<number> => (await measurePlasticity(model, rows(0)))[0].dead
  const incoming = (): number[] => numbers(model, weight).filter((_, i) => i % 6 === 2)
  const before = incoming()
  for (let i = 0; i < 3; i++) await learner.observe(rows(i))
  expect(await dead()).toBe(1 / 6)
  // Nothing reaches it: it has not learnt, its weights have only decayed.
  incoming().forEach((w, i) => expect(w / before[i]).toBeCloseTo(incoming()[0] / before[0], 5))
  await learner.observe(rows(3))
  expect(await dead()).toBe(0)
  const reborn = incoming()
  expect(numbers(model, bias)[2]).toBe(0)
  expect(numbers(model, next).slice(8, 12)).toEqual([0, 0, 0, 0])
  for (let i = 4; i < 7; i++) await learner.observe(rows(i))
  expect(numbers(model, next).slice(8, 12)).not.toContain(0)
  expect(incoming()).not.toEqual(reborn)
})

test('ReDo judges by the latest steps alone, and by as many as it is told', async () => {
  // On the last row of these steps unit 2 is silent; on others it is not.
  const model = made()
  const loud = firstHidden(model, rows(0)).map((row) => row[2])
  const quiet = loud.findIndex((h) => h === 0)
  expect([quiet >= 0, loud.some((h) => h > 0)]).toEqual([true, true])
  const one = (row: number): ExampleBatch => examples(row, row + 1)
  const steps = [loud.findIndex((h) => h > 0), quiet]
  const found = async (over: number, order: readonly number[]): Promise<readonly number[]> => {
    const upkeep = [recycleDormant({ every: order.length, over, threshold: 0 })]
    const learner = new Learner({ model: made(), optimizer: still(), strategy: { upkeep } })
    const units: number[] = []
    for (const row of order) {
      for (const event of (await learner.observe(one(row))).events) {
        if (event.kind === 'units reset' && event.data.layer === 'layers.0') units.push(...event.data.units)
      }
    }
    return units
  }
  expect(await found(1, steps)).toContain(2)
  expect(await found(2, steps)).not.toContain(2)
  expect(await found(2, [...steps, quiet])).toContain(2)
  expect(() => recycleDormant({ every: 3, over: 4 })).toThrow(OptionError)
})

describe('continual backpropagation', () => {
  test('replaces the unit of the least utility; what it wrote on average goes into the next bias', async () => {
    const model = made()
    const seen = firstHidden(model, rows(0))
    const before = { weight: numbers(model, weight), next: numbers(model, next) }
    const mean = seen[0].map((_, unit) => seen.reduce((sum, row) => sum + row[unit], 0) / seen.length)
    const utility = mean.map(
      (own, unit) => own * before.next.slice(4 * unit, 4 * unit + 4).reduce((sum, w) => sum + Math.abs(w), 0),
    )
    const worst = utility.indexOf(Math.min(...utility))
    const rule = continualBackpropagation({ replacementRate: 0.17, maturity: 0, decay: 0 })
    expect(await resets(model, rule, 1)).toEqual([[worst]])
    numbers(model, next).forEach((w, i) => {
      if (Math.floor(i / 4) === worst) expect(w).toBe(0)
      else expect(w).toBeCloseTo(before.next[i], 20)
    })
    const bound = Math.sqrt(6 / 3)
    numbers(model, weight).forEach((w, i) => {
      if (i % 6 !== worst) return expect(w).toBeCloseTo(before.weight[i], 20)
      expect(w).not.toBe(before.weight[i])
      expect(Math.abs(w)).toBeLessThanOrEqual(bound)
    })
    numbers(model, nextBias).forEach((b, c) => {
      expect(b).toBeCloseTo(mean[worst] * before.next[4 * worst + c], 6)
    })
  })

  test('replaces units of neighbouring layers in one step', async () => {
    const model = made()
    const [before, weights] = [numbers(model, weight), numbers(model, next)]
    const rule = continualBackpropagation({ replacementRate: 0.3, maturity: 0, decay: 0 })
    const learner = new Learner({ model, optimizer: still(), strategy: { upkeep: [rule] } })
    const { events } = await learner.observe(rows(0))
    const [[lower], [upper]] = events.map((event) => (event.kind === 'units reset' ? event.data.units : []))
    numbers(model, next).forEach((w, i) => {
      const [row, column] = [Math.floor(i / 4), i % 4]
      // What the lower unit writes is 0, also to the upper one, which reads the others with new weights.
      if (row === lower) expect(w).toBe(0)
      else if (column === upper) expect([0, weights[i]]).not.toContain(w)
      else expect(w).toBeCloseTo(weights[i], 20)
    })
    expect(numbers(model, weight).filter((w, i) => w !== Math.fround(before[i]))).toHaveLength(3)
    numbers(model, nextBias).forEach((b, unit) => {
      if (unit === upper) expect(b).toBe(0)
      else expect(b).not.toBe(0)
    })
  })

  test('replaces at its rate, and spares young units', async () => {
    const rule = continualBackpropagation({ replacementRate: 1 / 12, maturity: 3 })
    const found = await resets(made(), rule, 200)
    // As in an MLP of a GPT: half a unit a step of six mature ones, and five while one is young.
    expect(found.slice(0, 9).map(({ length }) => length)).toEqual([0, 0, 0, 0, 1, 0, 0, 1, 0])
    const last = new Map<number, number>()
    found.forEach((units, step) =>
      units.forEach((unit) => {
        expect(step - (last.get(unit) ?? -4)).toBeGreaterThan(3)
        last.set(unit, step)
      }),
    )
    // Of n units that begin again per step, 3·n are young at a time: n = (6 − 3·n)/12.
    expect(found.flat().length / 196).toBeCloseTo(0.4, 1)
  })

  test('clears the moments, ages and importance of exactly the replaced units', async () => {
    const model = classifier({ inputs: 3, hidden: [6, 4], classes: 2, initial: 'he', device })
    const optimizer = adamw({ learningRate: 0.01 })
    const penalty = onlineEwc({ strength: 1 })
    const upkeep = continualBackpropagation({ replacementRate: 0.17, maturity: 5 })
    const strategy = { penalties: [penalty], consolidateWhen: everySteps(3), upkeep: [upkeep] }
    const learner = new Learner({ model, optimizer, strategy })
    let units: readonly number[] = []
    while (units.length === 0) {
      const { events } = await learner.observe(rows(learner.step))
      units = events.flatMap((event) =>
        event.kind === 'units reset' && event.data.layer === 'layers.0' ? event.data.units : [],
      )
    }
    const mirrors = [...(optimizer.mirrors ?? []), ...penalty.mirrors]
    const mirrored = mirrors.flatMap((mirror): [string, Tensor][] => {
      const tensor =
        'get' in mirror ? (mirror.get as (path: string) => Tensor | undefined)(weight) : undefined
      return tensor?.shape.join() === '3,6' ? [[mirror.name, tensor]] : []
    })
    // Two moments, importance and anchor.
    expect(mirrored.length).toBeGreaterThanOrEqual(4)
    const now = numbers(model, weight)
    for (const [name, tensor] of mirrored) {
      tensor.readSync().forEach((value, i) => {
        if (!units.includes(i % 6)) expect(value, name).not.toBe(0)
        else expect([0, now[i]], name).toContain(value)
      })
    }
  })
})

test('shrink and perturb takes all drawn weights a way back, and leaves biases that began at 0', async () => {
  const model = made()
  replaced(model, bias, () => 1)
  const before = numbers(model, next)
  const part = shrinkAndPerturb({ shrink: 0.5, perturb: 0.2, when: everySteps(1) })
  const learner = new Learner({ model, optimizer: still(), strategy: { upkeep: [part] } })
  const { events } = await learner.observe(rows(0))
  expect(events).toMatchObject([{ kind: 'perturbed', data: { weights: 3 } }])
  const added = numbers(model, next).map((w, i) => w - 0.5 * before[i])
  added.forEach((x) => expect(Math.abs(x)).toBeLessThanOrEqual(0.2 * Math.sqrt(6 / 6) + 1e-6))
  expect(Math.max(...added.map(Math.abs))).toBeGreaterThan(0.1)
  numbers(model, bias).forEach((b) => expect(b).toBe(1))
  const biased = classifier({ inputs: 3, classes: 2, initial: 'pytorch', device })
  const other = new Learner({ model: biased, optimizer: still(), strategy: { upkeep: [part] } })
  expect((await other.observe(rows(0))).events).toMatchObject([{ data: { weights: 2 } }])
})

test('utilities follow a layer that grows; what it gains is spared as long as a unit that began again', async () => {
  const grower: Upkeep<DenseNetwork> = {
    name: 'grower',
    async afterStep({ step, model, mirrors }) {
      if (step === 4) await widenHidden(model, { layer: 0, to: 9 }, { mirrors, key: [3, 4] })
      return []
    },
  }
  const parts = () => ({
    optimizer: adamw({ learningRate: 0.01 }),
    strategy: { upkeep: [grower, continualBackpropagation({ replacementRate: 0.3, maturity: 4 })] },
  })
  const whole = new Learner({ model: made(), ...parts() })
  const found: (readonly number[])[] = []
  const observe = async (learner: Learner<DenseNetwork>): Promise<void> => {
    const { events, step } = await learner.observe(rows(learner.step))
    found[step] = events.flatMap((event) =>
      event.kind === 'units reset' && event.data.layer === 'layers.0' ? event.data.units : [],
    )
  }
  for (let i = 0; i < 6; i++) await observe(whole)
  const saved = structuredClone(await whole.toState())
  const modelFromState = (state: DenseState): DenseNetwork => denseFromState(state, device)
  const resumed = Learner.fromState(saved, { ...parts(), modelFromState })
  for (let i = 6; i < 20; i++) await observe(resumed)
  const later = found.slice(6)
  for (let i = 6; i < 20; i++) await observe(whole)
  expect(found.slice(6)).toEqual(later)
  for (const path of [weight, bias, next, nextBias]) {
    expect(numbers(resumed.model, path)).toEqual(numbers(whole.model, path))
  }
  // Old units are replaced from step 5 on. New ones, looked at from step 4 on, are mature in step 8.
  expect(
    found
      .slice(0, 8)
      .flat()
      .every((unit) => unit < 6),
  ).toBe(true)
  expect(found.slice(0, 8).flat().length).toBeGreaterThan(1)
  expect(
    found
      .slice(8)
      .flat()
      .some((unit) => unit >= 6),
  ).toBe(true)
})

test('a model without hidden units that are known is refused when the learner is built', () => {
  const parts = [continualBackpropagation(), recycleDormant(), shrinkAndPerturb()]
  for (const part of parts) {
    const strategy = { upkeep: [part as Upkeep] }
    expect(() => new Learner({ model: linearModel(), optimizer: still(), strategy })).toThrow(OptionError)
  }
  const linear = classifier({ inputs: 3, classes: 2, device })
  for (const part of parts.slice(0, 2)) {
    const strategy = { upkeep: [part as Upkeep] }
    expect(() => new Learner({ model: linear, optimizer: still(), strategy })).toThrow(/hidden layers/)
  }
})

describe('signs of lost plasticity', () => {
  test('are those of each hidden layer', async () => {
    const model = made()
    replaced(model, bias, (x, unit) => (unit < 2 ? -100 : x))
    const [first, second] = await measurePlasticity(model, rows(0))
    expect([first.layer, first.units, first.dead, first.dormant]).toEqual(['layers.0', 6, 2 / 6, 2 / 6])
    expect([second.layer, second.units]).toEqual(['layers.1', 4])
    expect(first.effectiveRank).toBeGreaterThan(1)
    expect(first.effectiveRank).toBeLessThanOrEqual(4)
    const weights = [...numbers(model, weight), ...numbers(model, next)]
    expect(first.weightNorm).toBeCloseTo(Math.hypot(...weights), 5)
    expect(first.weightMagnitude).toBeCloseTo(weights.reduce((sum, w) => sum + Math.abs(w), 0) / 42, 6)
    const squares = firstHidden(model, rows(0))
      .flat()
      .reduce((sum, h) => sum + h * h, 0)
    expect(first.stableRank).toBeGreaterThanOrEqual(1)
    expect(first.stableRank).toBeLessThanOrEqual(Math.min(4, squares))
  })

  test('need examples that the network reads', async () => {
    await expect(measurePlasticity(made(), { rows: 1 } as never)).rejects.toThrow(OptionError)
    const narrow = { ...rows(0), inputs: new Float32Array(16) }
    await expect(measurePlasticity(made(), narrow)).rejects.toThrow('expected 3')
    await expect(measurePlasticity(linearModel() as never, rows(0) as never)).rejects.toThrow(OptionError)
  })
})
