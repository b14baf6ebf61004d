/** Penalties in a learner against their formulas, worked out step by step beside it. */
import { valueAndGrad } from '@burgeon/autograd'
import { sgd } from '@burgeon/autograd/optim'
import { checkGradient } from '@burgeon/autograd/testing'
import {
  empiricalFisherInformation,
  ewc,
  type ExampleBatch,
  l2ToInitial,
  l2ToPrevious,
  Learner,
  learningWithoutForgetting,
  memoryAwareSynapses,
  type Model,
  onlineEwc,
  passOf,
  type Penalty,
  synapticIntelligence,
} from '@burgeon/continual'
import {
  abs,
  add,
  assign,
  multiply,
  ParameterError,
  type PlainTensors,
  scope,
  slice,
  softmax,
  square,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { farthest, type Numbers, numbersOf } from '../continual/tiny-learner.ts'
import { classifier, lossOf, rowsOfTask } from './two-tasks.ts'

const device = openReference()
const rate = 0.1
const rows = (i: number): ExampleBatch => rowsOfTask('A', i, 6)
const weightsOf = (model: Model): Numbers => scope(() => numbersOf(model.parameters.tensors()))
const map = (a: Numbers, of: (x: number, path: string, i: number) => number): Numbers =>
  Object.fromEntries(
    Object.entries(a).map(([path, numbers]) => [path, numbers.map((x, i) => of(x, path, i))]),
  )
/** strength/2 · Σ Ω·(θ − θ*)². */
const quadratic = (strength: number, importance: Numbers, now: Numbers, anchor: Numbers): number =>
  (strength / 2) *
  Object.entries(importance)
    .flatMap(([path, own]) => own.map((x, i) => x * (now[path][i] - anchor[path][i]) ** 2))
    .reduce((a, b) => a + b, 0)
const savedIn = async (penalty: Penalty, field: string): Promise<Numbers> => {
  const state = (await penalty.toState()) as Record<string, PlainTensors>
  return Object.fromEntries(Object.entries(state[field]).map(([path, { data }]) => [path, [...data]]))
}
const learnerWith = (penalty: Penalty, ...consolidatesAt: readonly number[]): Learner<Model> =>
  new Learner<Model>({
    model: classifier(device),
    optimizer: sgd(rate),
    strategy: { penalties: [penalty], consolidateWhen: ({ step }) => consolidatesAt.includes(step) },
  })
/** The gradient of the loss of a batch, without penalties. */
const gradientOf = (model: Model, batch: ExampleBatch): Numbers =>
  scope(() => numbersOf(valueAndGrad(lossOf(model, batch))(model.parameters.tensors()).gradient))
const within = 1e-10

describe('EWC', () => {
  test('with an anchor for each consolidation pulls as much as all of them, though it keeps one', () => {
    const model = classifier(device)
    const [strength, penalty] = [3, ewc({ strength: 3, fisher: 'empirical' })]
    const anchors: [Numbers, Numbers][] = []
    for (const step of [1, 2, 3]) {
      for (const { tensor } of model.parameters)
        scope(() => assign(tensor, add(multiply(tensor, 0.9), 0.01 * step)))
      const fisher = scope(() => numbersOf(empiricalFisherInformation(model, rows(step))))
      anchors.push([fisher, weightsOf(model)])
      penalty.consolidate(model, rows(step))
    }
    const costAt = (factor: number): readonly [number, Numbers, number] => {
      for (const { tensor } of model.parameters) scope(() => assign(tensor, multiply(tensor, factor)))
      const now = weightsOf(model)
      const explicit = anchors.reduce((total, [f, star]) => total + quadratic(strength, f, now, star), 0)
      const pull = map(now, (x, path, i) =>
        anchors.reduce((total, [f, star]) => total + strength * f[path][i] * (x - star[path][i]), 0),
      )
      const { value, gradient } = valueAndGrad((w: TensorsByPath) => penalty.loss(w, never) as Tensor)(
        model.parameters.tensors(),
      )
      expect(farthest(numbersOf(gradient), pull)).toBeLessThan(within)
      return [value.item(), pull, explicit] as const
    }
    const [[one, , first], [two, , second]] = [costAt(1.3), costAt(0.5)]
    // But for a constant.
    expect(one - two).toBeCloseTo(first - second, 9)
    expect(Math.abs(one - two)).toBeGreaterThan(1e-3)
    expect(first - one).toBeGreaterThan(1e-4)
  })
  test('that is online has the latest anchor, and a share of earlier importance', () => {
    const model = classifier(device)
    const penalty = onlineEwc({ strength: 2, decay: 0.25, fisher: 'empirical' })
    const fisher = (step: number): Numbers =>
      scope(() => numbersOf(empiricalFisherInformation(model, rows(step))))
    const first = fisher(1)
    penalty.consolidate(model, rows(1))
    for (const { tensor } of model.parameters) scope(() => assign(tensor, multiply(tensor, 0.7)))
    const [second, anchor] = [fisher(2), weightsOf(model)]
    penalty.consolidate(model, rows(2))
    expect(penalty.loss(model.parameters.tensors(), never)?.item()).toBe(0)
    for (const { tensor } of model.parameters) scope(() => assign(tensor, multiply(tensor, 0.7)))
    const importance = map(second, (x, path, i) => 0.25 * first[path][i] + x)
    const cost = penalty.loss(model.parameters.tensors(), never)?.item()
    expect(cost).toBeCloseTo(quadratic(2, importance, weightsOf(model), anchor), 9)
    expect(cost).toBeGreaterThan(0.01)
  })
})

/** Penalties that look at weights alone need no pass. */
const never = undefined as never

test('memory aware synapses take the size of the gradient of each row’s squared outputs', async () => {
  const model = classifier(device)
  const penalty = memoryAwareSynapses({ strength: 2, decay: 0.5 })
  const batch = rows(1)
  penalty.consolidate(model, batch)
  const expected = scope(() => {
    const weights = model.parameters.tensors()
    const x = device.tensor(batch.inputs, { shape: [6, 10], dtype: 'f32' })
    const each = Array.from({ length: 6 }, (_, i) => {
      const norm = (w: TensorsByPath): Tensor => sum(square(model.forward(slice(x, [i], [i + 1]), w)))
      return numbersOf(
        Object.fromEntries(
          Object.entries(valueAndGrad(norm)(weights).gradient).map(([path, g]) => [path, abs(g)]),
        ),
      )
    })
    return map(each[0], (_, path, i) => each.reduce((total, own) => total + own[path][i], 0) / 6)
  })
  expect(farthest(await savedIn(penalty, 'importance'), expected)).toBeLessThan(within)
  penalty.consolidate(model, batch)
  const twice = map(expected, (x) => 1.5 * x)
  expect(farthest(await savedIn(penalty, 'importance'), twice)).toBeLessThan(within)
})

test('synaptic intelligence adds up what each weight did for the loss, without its own pull', async () => {
  const [strength, damping] = [40, 0.01]
  const penalty = synapticIntelligence({ strength, damping })
  const learner = learnerWith(penalty, 3, 6)
  const { model } = learner
  let [omega, importance, anchor] = [
    map(weightsOf(model), () => 0),
    map(weightsOf(model), () => 0),
    weightsOf(model),
  ]
  for (let step = 1; step <= 8; step++) {
    const [before, g] = [weightsOf(model), gradientOf(model, rows(step))]
    const report = await learner.observe(rows(step))
    const now = weightsOf(model)
    const owed = quadratic(strength, importance, before, anchor)
    if (step > 3)
      expect(report.penalties[penalty.name] / Math.max(owed, 1e-300)).toBeCloseTo(owed > 0 ? 1 : 0, 6)
    // What SGD did is the rate times gradient and pull.
    const wanted = map(before, (x, path, i) => {
      const pull = strength * importance[path][i] * (x - anchor[path][i])
      return x - rate * (g[path][i] + pull)
    })
    expect(farthest(now, wanted)).toBeLessThan(within)
    omega = map(omega, (x, path, i) => x - g[path][i] * (now[path][i] - before[path][i]))
    if (step === 3 || step === 6) {
      importance = map(importance, (x, path, i) => {
        const way = now[path][i] - anchor[path][i]
        return x + Math.max(0, omega[path][i]) / (way * way + damping)
      })
      ;[anchor, omega] = [now, map(now, () => 0)]
      expect(farthest(await savedIn(penalty, 'importance'), importance)).toBeLessThan(within)
    }
  }
  expect(farthest(await savedIn(penalty, 'path'), omega)).toBeLessThan(within)
  expect(Math.max(...Object.values(importance).flat())).toBeGreaterThan(0.01)
})

test('for steps of finite size path integrals overestimate the fall of a quadratic loss', async () => {
  // ½·θ² from 1 by steps of 0.1·θ: Σ g·|Δ| = 0.1·Σ θ², and the loss falls by ½·(1 − 0.9²ⁿ).
  const penalty = synapticIntelligence({ strength: 1 })
  const learner = learnerWith(penalty)
  const { parameters } = learner.model
  const path = 'out.bias'
  let theta = 1
  let [integral, fall] = [0, 0]
  for (let step = 0; step < 10; step++) {
    const next = 0.9 * theta
    const tensor = (x: number): Tensor => device.tensor([x, 0, 0, 0], { shape: [4], dtype: 'f32' })
    scope(() => {
      assign(parameters.get(path).tensor, tensor(next))
      penalty.afterUpdate?.({
        ...{ step, model: learner.model },
        gradients: { [path]: tensor(theta) },
        updates: { [path]: tensor(next - theta) },
      })
    })
    integral += theta * (theta - next)
    fall += (theta ** 2 - next ** 2) / 2
    theta = next
  }
  expect((await savedIn(penalty, 'path'))[path][0]).toBeCloseTo(integral, 12)
  expect(integral / fall).toBeCloseTo(2 / 1.9, 12)
})

test('L2 to the previous weights holds all alike, from the latest consolidation on', async () => {
  const penalty = l2ToPrevious({ strength: 0.3 })
  const learner = learnerWith(penalty, 2, 4)
  let anchor: Numbers | undefined
  for (let step = 1; step <= 6; step++) {
    const before = weightsOf(learner.model)
    const report = await learner.observe(rows(step))
    if (anchor === undefined) expect(report.penalties).toEqual({})
    else {
      const ones = map(anchor, () => 1)
      expect(report.penalties[penalty.name]).toBeCloseTo(quadratic(0.3, ones, before, anchor), 9)
    }
    if (step % 2 === 0 && step < 5) anchor = weightsOf(learner.model)
  }
})

test('L2 to the initial weights holds all alike from the first step on, whatever is consolidated', async () => {
  const penalty = l2ToInitial({ strength: 0.3 })
  const learner = learnerWith(penalty, 2)
  const anchor = weightsOf(learner.model)
  const ones = map(anchor, () => 1)
  for (let step = 1; step <= 4; step++) {
    const before = weightsOf(learner.model)
    const report = await learner.observe(rows(step))
    expect(report.penalties[penalty.name]).toBeCloseTo(quadratic(0.3, ones, before, anchor), 9)
  }
})

test('learning without forgetting costs T² times the divergence from the ancestor over the outputs it has seen', async () => {
  const penalty = learningWithoutForgetting({ strength: 0.7, temperature: 3 })
  const learner = learnerWith(penalty, 2)
  const { model } = learner
  // Labels 0 to 2 come up before the ancestor is taken, 3 only afterwards.
  const seen = (i: number): ExampleBatch => {
    const batch = rows(i)
    return { ...batch, targets: batch.targets.map((label) => label % 3) }
  }
  const late = { ...rows(7), targets: Float32Array.of(3, 0, 3, 1, 2, 3) }
  const said = (batch: ExampleBatch): number[][] =>
    scope(() => {
      const x = device.tensor(batch.inputs, { shape: [6, 10], dtype: 'f32' })
      const known = slice(model.forward(x), [0, 0], [6, 3])
      const p = [...softmax(multiply(known, 1 / 3)).readSync()]
      return Array.from({ length: 6 }, (_, i) => p.slice(3 * i, 3 * i + 3))
    })
  for (const step of [1, 2]) expect((await learner.observe(seen(step))).penalties).toEqual({})
  const [ancestors, lateAncestors] = [said(seen(3)), said(late)]
  await learner.observe(seen(5))
  const divergence = (p: number[][], q: number[][]): number =>
    p.flatMap((own, n) => own.map((x, i) => x * Math.log(x / q[n][i]))).reduce((a, b) => a + b, 0) / p.length
  const now = divergence(ancestors, said(seen(3)))
  expect(now).toBeGreaterThan(1e-5)
  const { penalties } = await learner.observe(seen(3))
  expect(penalties[penalty.name] / (0.7 * 9 * now)).toBeCloseTo(1, 6)
  const unknown = divergence(lateAncestors, said(late))
  const report = await learner.observe(late)
  expect(report.penalties[penalty.name] / (0.7 * 9 * unknown)).toBeCloseTo(1, 6)
})

describe.each<[string, Penalty]>([
  ['ewc', ewc({ strength: 2, fisher: 'empirical' })],
  ['memoryAwareSynapses', memoryAwareSynapses({ strength: 2 })],
  ['l2ToPrevious', l2ToPrevious({ strength: 2 })],
  ['l2ToInitial', l2ToInitial({ strength: 2 })],
  ['learningWithoutForgetting', learningWithoutForgetting({ strength: 2 })],
])('%s', (_, penalty) => {
  const model = classifier(device)
  const batch = rows(3)
  scope(() => void penalty.loss(model.parameters.tensors(), passOf(model, batch)))
  penalty.afterUpdate?.({ step: 1, model, gradients: {}, updates: {} })
  penalty.consolidate(model, batch)
  for (const { tensor } of model.parameters) scope(() => assign(tensor, add(multiply(tensor, 0.8), 0.02)))
  test('has the gradient of its finite differences', () => {
    const weights = model.parameters.tensors()
    const [paths, tensors] = [Object.keys(weights), Object.values(weights)]
    const cost = (...own: readonly Tensor[]): Tensor => {
      const w = Object.fromEntries(paths.map((path, i) => [path, own[i]]))
      return penalty.loss(w, passOf(model, batch, w)) as Tensor
    }
    expect(checkGradient(cost, tensors).error).toBeLessThan(1e-6)
  })
  test('refuses weights of another shape', () => {
    const weights = model.parameters.tensors()
    const wrong = { ...weights, 'out.bias': device.tensor([1], { shape: [1], dtype: 'f32' }) }
    if (penalty.usesLogits) return
    expect(() => penalty.loss(wrong, passOf(model, batch))).toThrow(ParameterError)
  })
})
