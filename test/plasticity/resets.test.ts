/** Units that begin again: which, when, with what weights, moments and means. */
import { adamw, sgd } from '@burgeon/autograd/optim'
import {
  continualBackpropagation,
  everySteps,
  Learner,
  onlineEwc,
  recycleDormant,
  shrinkAndPerturb,
  type Upkeep,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { row, rowsOf } from '../continual/tiny-learner.ts'

const device = openReference()
const sizes = { vocabulary: 12, context: 4, embed: 4, heads: 1, layers: 1, mlpHidden: 6 } as const
const [up, upBias, down, downBias] = ['up.weight', 'up.bias', 'down.weight', 'down.bias'].map(
  (name) => `blocks.b0.mlp.${name}`,
)

/** Learns nothing, so that only upkeep changes weights. */
const still = () => sgd({ learningRate: 1e-30 })
const made = (): Gpt => Gpt.create(sizes, { device, seed: 4 })
const numbers = ({ parameters }: Gpt, path: string): number[] => [...parameters.get(path).tensor.readSync()]

/** The units that began again in each step. */
async function resets(
  upkeep: Upkeep<Gpt>,
  steps: number,
  model: Gpt = made(),
): Promise<(readonly number[])[]> {
  const learner = new Learner({ model, optimizer: still(), strategy: { upkeep: [upkeep] } })
  const units: (readonly number[])[] = []
  for (let i = 0; i < steps; i++) {
    const { events } = await learner.observe(rowsOf(row(i)))
    units.push(events.flatMap((event) => (event.kind === 'units reset' ? event.data.units : [])))
  }
  return units
}

/** Mean |h| and mean h of the units on a row, and Σ|outgoing|, worked out beside the library. */
async function seen(model: Gpt, tokens: readonly number[]) {
  let hidden: readonly number[] = []
  model.forward(device.tensor(Int32Array.from(tokens), { shape: [1, 4], dtype: 'i32' }), undefined, {
    observe: (_, what, x) => {
      if (what === 'mlpHidden') hidden = [...x.readSync()]
    },
  })
  const weights = numbers(model, down)
  return Array.from({ length: 6 }, (_, unit) => {
    const own = [0, 1, 2, 3].map((t) => hidden[t * 6 + unit])
    const magnitude = own.reduce((sum, h) => sum + Math.abs(h), 0) / 4
    const mean = own.reduce((sum, h) => sum + h, 0) / 4
    const outgoing = weights.slice(unit * 4, unit * 4 + 4)
    return {
      magnitude,
      mean,
      outgoing,
      utility: magnitude * outgoing.reduce((sum, w) => sum + Math.abs(w), 0),
    }
  })
}

describe('continual backpropagation', () => {
  test('replaces the unit of the least utility, and what it said on average goes into the bias', async () => {
    const model = made()
    const units = await seen(model, row(0).slice(0, 4))
    const worst = units
      .map(({ utility }) => utility)
      .indexOf(Math.min(...units.map(({ utility }) => utility)))
    const before = { up: numbers(model, up), bias: numbers(model, downBias), upBias: numbers(model, upBias) }
    const [first] = await resets(
      continualBackpropagation({ replacementRate: 0.17, maturity: 0, decay: 0 }),
      1,
      model,
    )
    expect(first).toEqual([worst])
    numbers(model, down).forEach((w, i) => {
      if (Math.floor(i / 4) === worst) expect(w).toBe(0)
      else expect(w).not.toBe(0)
    })
    numbers(model, up).forEach((w, i) => {
      if (i % 6 === worst) {
        expect(w).not.toBe(before.up[i])
        expect(Math.abs(w)).toBeLessThan(0.1)
      } else expect(w).toBeCloseTo(before.up[i], 20)
    })
    expect(numbers(model, upBias)[worst]).toBe(0)
    const { mean, outgoing } = units[worst]
    numbers(model, downBias).forEach((b, c) => expect(b).toBeCloseTo(before.bias[c] + mean * outgoing[c], 9))
  })

  test('saves up what is less than a unit, and spares what is young', async () => {
    // Six mature units at a rate of 1/12 make half a unit a step: one every other step. From then on five are mature, four, …
    const found = await resets(continualBackpropagation({ replacementRate: 1 / 12, maturity: 3 }), 9)
    // Steps 1–3: nobody is older than three steps. 4: ½; 5: 1 → one begins again; 6: 5/12; 7: 10/12; 8: 15/12 → one; 9: 3/12 + 5/12,
    // for the first is mature again: it began in step 5.
    expect(found.map(({ length }) => length)).toEqual([0, 0, 0, 0, 1, 0, 0, 1, 0])
  })

  test('never chooses a unit twice within its maturity', async () => {
    const found = await resets(continualBackpropagation({ replacementRate: 0.3, maturity: 4 }), 30)
    const last = new Map<number, number>()
    found.forEach((units, step) =>
      units.forEach((unit) => {
        expect(step - (last.get(unit) ?? -5)).toBeGreaterThan(4)
        last.set(unit, step)
      }),
    )
    expect(last.size).toBeGreaterThan(3)
  })
})

describe('ReDo', () => {
  test('wakes the units whose activity is a small share of the mean one', async () => {
    const model = made()
    const weights = numbers(model, up).map((w, i) => (i % 6 === 2 ? 1e-6 * w : w))
    model.parameters.replace(up, device.tensor(weights, { shape: [4, 6], dtype: 'f32' }))
    const found = await resets(recycleDormant({ every: 2, threshold: 0.01 }), 4, model)
    expect(found).toEqual([[], [2], [], []])
  })
  test('leaves a layer alone in which nothing is active', async () => {
    const model = made()
    model.parameters.replace(up, device.tensor(new Float32Array(24), { shape: [4, 6], dtype: 'f32' }))
    expect(await resets(recycleDormant({ every: 1 }), 2, model)).toEqual([[], []])
  })
})

test('moments, counts of steps and importance of a unit that begins again begin again, and anchors take its weights', async () => {
  const optimizer = adamw({ learningRate: 0.01 })
  const penalty = onlineEwc({ strength: 1 })
  let units: readonly number[] = []
  const upkeep: Upkeep<Gpt> = continualBackpropagation({ replacementRate: 0.17, maturity: 5 })
  const strategy = { penalties: [penalty], consolidateWhen: everySteps(3), upkeep: [upkeep] }
  const learner = new Learner({ model: made(), optimizer, strategy })
  while (units.length === 0) {
    const { events } = await learner.observe(rowsOf(row(learner.step)))
    units = events.flatMap((event) => (event.kind === 'units reset' ? event.data.units : []))
  }
  const mirrors = [optimizer, penalty].flatMap((part) => part.mirrors ?? [])
  const found = mirrors.flatMap((mirror) => {
    const tensor =
      'get' in mirror
        ? (
            mirror as {
              get(path: string): { shape: readonly number[]; readSync(): ArrayLike<number> } | undefined
            }
          ).get(up)
        : undefined
    return tensor?.shape.join() === '4,6'
      ? [{ name: mirror.name, values: Array.from(tensor.readSync()) }]
      : []
  })
  expect(found.length).toBeGreaterThanOrEqual(4)
  const weights = numbers(learner.model, up)
  for (const { name, values } of found) {
    const own = values.filter((_, i) => units.includes(i % 6))
    const others = values.filter((_, i) => !units.includes(i % 6))
    const isAnchor = own.every((value) => value !== 0)
    if (isAnchor) expect(own, name).toEqual(weights.filter((_, i) => units.includes(i % 6)))
    else
      expect(
        own.every((value) => value === 0),
        name,
      ).toBe(true)
    expect(
      others.some((value) => value !== 0),
      name,
    ).toBe(true)
  }
  // It goes on.
  await learner.observe(rowsOf(row(1)))
})

test('utilities of a model of other sizes are refused, and the own ones stay', async () => {
  const parts = [continualBackpropagation(), continualBackpropagation()]
  const wider = Gpt.create({ ...sizes, mlpHidden: 7 }, { device })
  for (const [i, model] of [made(), wider].entries()) await resets(parts[i], 2, model)
  const [own, other] = parts
  const before = own.toState?.()
  expect(() => own.restore?.(other.toState?.(), made().parameters)).toThrow(
    'has 7 units by blocks.b0.mlp.up.weight, and the model 6',
  )
  expect(own.toState?.()).toEqual(before)
})

test('shrink and perturb takes all drawn weights a way back, and nothing else', async () => {
  const model = made()
  const before = new Map([...model.parameters].map(({ path }) => [path, numbers(model, path)]))
  const part = shrinkAndPerturb({ shrink: 0.5, perturb: 0.2, when: everySteps(2) })
  const learner = new Learner({ model, optimizer: still(), strategy: { upkeep: [part] } })
  await learner.observe(rowsOf(row(0)))
  expect(numbers(model, up)).toEqual(before.get(up))
  const { events } = await learner.observe(rowsOf(row(1)))
  expect(events.map(({ kind }) => kind)).toEqual(['perturbed'])
  const added = numbers(model, 'embed.token.weight').map(
    (w, i) => w - 0.5 * (before.get('embed.token.weight') as number[])[i],
  )
  const deviation = Math.sqrt(added.reduce((sum, x) => sum + x * x, 0) / added.length)
  // 48 draws of deviation 0.2·0.02.
  expect(deviation).toBeGreaterThan(0.0025)
  expect(deviation).toBeLessThan(0.0055)
  expect(numbers(model, 'head.norm.gain')).toEqual(before.get('head.norm.gain'))
  numbers(model, upBias).forEach((b) => expect(Math.abs(b)).toBeLessThan(1e-20))
})

test('options out of range are refused', () => {
  for (const wrong of [
    () => continualBackpropagation({ replacementRate: 0 }),
    () => continualBackpropagation({ decay: 1 }),
    () => continualBackpropagation({ every: 0 }),
    () => recycleDormant({ threshold: -1 }),
    () => shrinkAndPerturb({ shrink: 0 }),
  ])
    expect(wrong).toThrow(OptionError)
})
