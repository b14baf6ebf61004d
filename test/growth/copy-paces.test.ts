/** The pace of copies: shares at first, all of the rate in the end, and gone with the growth that made them. */
import { adamw, applyUpdates, byPath, type GradientTransform, lion, sgd } from '@burgeon/autograd/optim'
import { stateBytesOf } from '@burgeon/gpt/growth'
import {
  applyPlan,
  type Device,
  inversePlan,
  type ParameterChange,
  ParameterError,
  ParameterStore,
  type Plan,
  scope,
  StateError,
  undoPlan,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'

const reference = openReference()

/** A row `w` of two numbers, and what one optimizer makes of a gradient of 1 everywhere. */
class Row {
  readonly store = new ParameterStore()
  readonly optimizer: GradientTransform
  readonly #device: Device
  #step = 0

  constructor(optimizer: GradientTransform, device: Device = reference) {
    this.optimizer = optimizer
    this.#device = device
    scope(() => this.store.add('w', ['embed'], device.tensor([2, 4], { shape: [2], dtype: 'f32' })))
  }

  /** The change of every number in one step. */
  step(gradient: number = 1, nonFinite?: 'skip', frozen?: string): Record<string, number[]> {
    return scope(() => {
      const parameters = this.store.tensors()
      const learning = Object.entries(parameters).filter(([path]) => path !== frozen)
      const gradients = Object.fromEntries(
        learning.map(([path, tensor]) => [
          path,
          this.#device.tensor(
            Array.from({ length: tensor.size }, () => gradient),
            tensor,
          ),
        ]),
      )
      const context = { parameters, step: this.#step++, ...(nonFinite && { nonFinite }) }
      const updates = this.optimizer.transform(gradients, context)
      applyUpdates(parameters, updates, { nonFinite: 'skip' })
      return Object.fromEntries(Object.entries(updates).map(([path, x]) => [path, [...x.readSync()]]))
    })
  }

  steps(count: number): void {
    for (let i = 0; i < count; i++) this.step()
  }

  apply(plan: Plan): void {
    applyPlan(plan, this.store, this.optimizer.mirrors, this.#device)
  }
}

const planOf = (...changes: readonly ParameterChange[]): Plan => ({ summary: 'growth', key: [1, 2], changes })
/** The first number becomes two, of a quarter and three quarters. */
const split = planOf({
  kind: 'resize',
  path: 'w',
  dimensions: [{ from: 2, source: [0, 1, 0], valueFactor: [0.25, 1, 0.75] }],
  fresh: { kind: 'zero' },
})
/** A new row that holds half of the other, whose gradient is a quarter of its. */
const copied = (gradientFactor: number): Plan =>
  planOf({
    kind: 'add',
    path: 'v',
    axes: ['embed'],
    shape: [2],
    initial: { kind: 'copy', of: 'w', factor: 0.5, gradientFactor },
  })

describe('the factors of copies', () => {
  test('are their shares of the number at first, and fade to 1 in equal steps of the exponent', () => {
    const row = new Row(sgd({ learningRate: 1, copyPacing: 4 }))
    row.apply(split)
    for (const left of [1, 0.75, 0.5, 0.25, 0, 0]) {
      const { w } = row.step()
      expect(w[0]).toBeCloseTo(-(0.25 ** left), 12)
      expect(w[1]).toBe(-1)
      expect(w[2]).toBeCloseTo(-(0.75 ** left), 12)
    }
  })
  test('stay for ever if they are told to, and are never there if they may not be', () => {
    const [kept, none] = [Infinity, 0].map((copyPacing) => new Row(sgd({ learningRate: 1, copyPacing })))
    for (const row of [kept, none]) {
      row.apply(split)
      row.steps(300)
    }
    expect(kept.step().w).toEqual([-0.25, -1, -0.75])
    expect(none.step().w).toEqual([-1, -1, -1])
  })
  test('are over the share of the gradient where a step is in proportion to that, and not where it is not', () => {
    const changes = (optimizer: GradientTransform): Record<string, number[]> => {
      const row = new Row(optimizer)
      row.apply(copied(0.25))
      return row.step()
    }
    const options = { learningRate: 1, copyPacing: 9 }
    expect(changes(sgd(options))).toEqual({ w: [-1, -1], v: [-2, -2] })
    expect(changes(sgd({ ...options, momentum: 0.5 }))).toEqual({ w: [-1, -1], v: [-2, -2] })
    expect(changes(lion(options))).toEqual({ w: [-1, -1], v: [-0.5, -0.5] })
    const { v } = changes(adamw({ ...options, weightDecay: 0 }))
    for (const x of v) expect(x).toBeCloseTo(-0.5, 6)
  })
  test('leave decay alone, which is a share of the copy itself', () => {
    for (const make of [adamw, lion]) {
      const row = new Row(make({ learningRate: 0.5, weightDecay: 0.1, copyPacing: 9 }))
      row.apply(split)
      const { w } = row.step(0)
      ;[0.5, 4, 1.5].forEach((value, i) => expect(w[i]).toBeCloseTo(-0.05 * value, 12))
    }
  })
  test('are those of the original for a copy, and none for one without its gradient', () => {
    const row = new Row(lion({ learningRate: 1, copyPacing: Infinity }))
    row.apply(split)
    row.apply(
      planOf(
        {
          kind: 'add',
          path: 'v',
          axes: ['embed'],
          shape: [3],
          initial: { kind: 'copy', of: 'w', factor: 0.5 },
        },
        {
          kind: 'add',
          path: 'u',
          axes: ['embed'],
          shape: [3],
          initial: { kind: 'copy', of: 'w', gradientFactor: 0 },
        },
      ),
    )
    expect(row.step()).toEqual({ w: [-0.25, -1, -0.75], v: [-0.125, -0.5, -0.375], u: [-1, -1, -1] })
  })
  test('of an element are multiplied along its axes, and on every device the same', () => {
    const steps = [reference, openWasm()].map((device) => {
      const row = new Row(adamw({ learningRate: 0.1, copyPacing: 20 }), device)
      scope(() =>
        row.store.add('m', ['embed', 'embed'], device.tensor([1, 2, 3, 4], { shape: [2, 2], dtype: 'f32' })),
      )
      row.steps(2)
      const halves = { from: 2, source: [0, 1, 1], valueFactor: [1, 0.5, 0.5] }
      const quarters = {
        from: 2,
        source: [0, 1, 0],
        valueFactor: [0.25, 1, 0.75],
        gradientFactor: [0.5, 1, 0.5],
      }
      row.apply(
        planOf({ kind: 'resize', path: 'm', dimensions: [halves, quarters], fresh: { kind: 'zero' } }),
      )
      return [1, 2, 3].map(() => row.step().m)
    })
    const [first] = steps[0]
    for (const [i, m] of [0.25, 1, 0.75, 0.125, 0.5, 0.375].entries())
      expect(first[i] / first[1]).toBeCloseTo(m, 1)
    steps[0].flat().forEach((x, i) => expect(steps[1].flat()[i]).toBeCloseTo(x, 6))
  })
  test('leave alone what has no finite gradient, and nothing else', () => {
    for (const make of [adamw, lion, sgd]) {
      const row = new Row(make({ learningRate: 0.1, copyPacing: 9 }))
      row.apply(split)
      expect(row.step(Number.NaN, 'skip').w.map((x) => x + 0)).toEqual([0, 0, 0])
      expect(row.step().w.every((x) => x < 0)).toBe(true)
    }
  })
})

test('an optimizer of some parameters keeps no paces of others', async () => {
  const row = new Row(
    byPath((path) => (path === 'w' ? 'one' : 'other'), {
      one: sgd({ learningRate: 1, copyPacing: Infinity }),
      other: sgd({ learningRate: 1, copyPacing: Infinity }),
    }),
  )
  scope(() => row.store.add('b', ['embed'], reference.tensor([1], { shape: [1], dtype: 'f32' })))
  row.step()
  row.apply(split)
  expect(await row.optimizer.toState()).toMatchObject({ one: { copies: { w: [{}] } }, other: null })
})

describe('what takes a growth back takes its pace along', () => {
  test.each([0, 3, 30])('after %d steps', async (steps) => {
    const make = (): Row => new Row(sgd({ learningRate: 0.01, momentum: 0.5, copyPacing: 8 }))
    const [row, plain] = [make(), make()]
    for (const each of [row, plain]) each.step()
    row.apply(split)
    row.steps(steps)
    row.apply(inversePlan(split))
    plain.steps(steps)
    expect(await row.optimizer.toState()).toEqual(await plain.optimizer.toState())
  })
  test('and that alone: an earlier growth goes on fading', () => {
    const row = new Row(sgd({ learningRate: 1, copyPacing: 4 }))
    row.apply(split)
    row.step()
    const later = planOf({
      kind: 'resize',
      path: 'w',
      dimensions: [{ from: 3, source: [0, 1, 2, 0], valueFactor: [0.5, 1, 1, 0.5] }],
      fresh: { kind: 'zero' },
    })
    row.apply(later)
    expect(row.step().w[0]).toBeCloseTo(-(0.25 ** 0.75 * 0.5), 12)
    row.apply(inversePlan(later))
    expect(row.step().w[0]).toBeCloseTo(-(0.25 ** 0.5), 12)
  })
  test('a pruning that is taken back brings the paces back as they would be by then', async () => {
    const rows = [0, 1].map(() => new Row(sgd({ learningRate: 1, copyPacing: 6 })))
    for (const row of rows) row.apply(split)
    const [pruned, whole] = rows
    const dropping = planOf({
      kind: 'resize',
      path: 'w',
      dimensions: [{ from: 3, source: [0, 1] }],
      fresh: { kind: 'zero' },
    })
    const back = await undoPlan(dropping, pruned.store, pruned.optimizer.mirrors)
    pruned.apply(dropping)
    for (const row of rows) row.steps(2)
    pruned.apply(back)
    expect(await pruned.optimizer.toState()).toEqual(await whole.optimizer.toState())
    expect(pruned.step()).toEqual(whole.step())
  })
})

describe('the state of paces', () => {
  const make = (copyPacing: number): GradientTransform => adamw({ learningRate: 0.1, copyPacing })
  test('is nothing where all are 1: a state as it was before there were any', async () => {
    const [with_, without] = [5, 0].map((copyPacing) => new Row(make(copyPacing)))
    for (const row of [with_, without]) row.steps(2)
    expect(await with_.optimizer.toState()).toEqual(await without.optimizer.toState())
    with_.apply(split)
    expect(await with_.optimizer.toState()).toHaveProperty('copies.w')
    with_.steps(5)
    without.apply(split)
    without.steps(5)
    expect(Object.keys((await with_.optimizer.toState()) as object)).toEqual(
      Object.keys((await without.optimizer.toState()) as object),
    )
  })
  test('is counted in bytes while there are factors', () => {
    const row = new Row(make(5))
    const before = stateBytesOf(row.optimizer.mirrors)
    row.apply(split)
    expect(stateBytesOf(row.optimizer.mirrors)).toBe(before + 3 * 8)
    row.steps(5)
    // Both moments, in single precision.
    expect(stateBytesOf(row.optimizer.mirrors)).toBe(3 * 4 * 2)
  })
  test('leads to the same bits, at any step of the fading', async () => {
    for (const at of [0, 2, 5, 6]) {
      const row = new Row(make(5))
      row.step()
      row.apply(split)
      row.steps(at)
      const resumed = new Row(make(5))
      resumed.apply(split)
      resumed.optimizer.restore(structuredClone(await row.optimizer.toState()), row.store)
      for (const [path, tensor] of Object.entries(row.store.tensors()))
        scope(() => resumed.store.replace(path, reference.tensor([...tensor.readSync()], tensor)))
      for (let i = 0; i < 4; i++) expect(resumed.step()).toEqual(row.step())
    }
  })
  test('leads to the same paces of a parameter that is frozen since, and of those that others move', async () => {
    const makes = [
      () => sgd({ learningRate: 1, copyPacing: Infinity }),
      () =>
        byPath((path) => (path === 'w' ? 'one' : 'other'), {
          one: sgd({ learningRate: 1, copyPacing: Infinity }),
          other: sgd({ learningRate: 1, copyPacing: Infinity }),
        }),
    ]
    for (const own of makes) {
      const [row, resumed] = [0, 1].map(() => new Row(own()))
      for (const { store } of [row, resumed]) {
        scope(() => store.add('b', ['embed'], reference.tensor([1], { shape: [1], dtype: 'f32' })))
      }
      row.step()
      resumed.optimizer.restore(structuredClone(await row.optimizer.toState()), resumed.store)
      for (const each of [row, resumed]) {
        each.step(1, undefined, 'w')
        each.apply(split)
      }
      const state = await row.optimizer.toState()
      expect(JSON.stringify(state)).toContain('0.25')
      expect(await resumed.optimizer.toState()).toEqual(state)
    }
  })
  test('is refused where it is damaged, and the paces stay', async () => {
    const row = new Row(make(Infinity))
    row.apply(split)
    row.step()
    const state = (await row.optimizer.toState()) as { optimizer: object; copies: { w: object[] } }
    const [growth] = state.copies.w
    const damaged = (copies: unknown): void => row.optimizer.restore({ ...state, copies }, row.store)
    expect(() => damaged({ w: [{ ...growth, steps: -1 }] })).toThrow(StateError)
    expect(() => damaged({ w: [{ ...growth, values: [[1, 0, 1]] }] })).toThrow('no lists of growths by path')
    expect(() => damaged(7)).toThrow(StateError)
    expect(() => damaged({ w: [{ ...growth, values: [[1, 1]] }] })).toThrow(ParameterError)
    expect(() => damaged({ w: [{ ...growth, gradients: [] }] })).toThrow('not those of shape [3]')
    const { w } = row.step()
    expect(w[0] / w[1]).toBeCloseTo(0.25, 1)
  })
})
