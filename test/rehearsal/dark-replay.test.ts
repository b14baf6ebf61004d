/** Dark replay by its effect on the weights, against a few lines that work it out alone. */
import { darkReplay, type DarkReplayOptions, Learner, passOf, type TokenBatch } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import {
  add,
  divide,
  multiply,
  OptionError,
  scope,
  square,
  StateError,
  subtract,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { stepOf } from '../continual/step-of.ts'
import {
  descended,
  farthest,
  lossOf,
  numbersOf,
  plainSgd,
  row,
  rowsOf,
  tinyModel,
} from '../continual/tiny-learner.ts'

const [alpha, beta] = [0.7, 0.3]

const outputsOf = (model: Gpt, rows: TokenBatch, weights?: TensorsByPath): Tensor =>
  passOf(model, rows, weights).logits()

/** α·mean (f(x) − z)² of one row. */
const distance = (model: Gpt, rows: TokenBatch, z: Tensor) => (w: TensorsByPath) =>
  multiply(divide(sum(square(subtract(outputsOf(model, rows, w), z))), z.size), alpha)

describe('dark replay', () => {
  test.each([
    ['DER++', beta],
    ['DER', 0],
  ])('of %s holds an old row to its outputs, and by labels as much as β says', async (_, weight) => {
    const model = tinyModel()
    const old = rowsOf(row(0))
    const z = outputsOf(model, old)
    const rehearsal = darkReplay({ capacity: 1, alpha, beta: weight, logits: 'f32' })
    const learner = new Learner({ model, optimizer: plainSgd(), strategy: { rehearsal } })
    await learner.observe(old)
    const wanted = descended(model, (w) => {
      const fresh = add(lossOf(model, [row(1)])(w), distance(model, old, z)(w))
      return weight === 0 ? fresh : add(fresh, multiply(lossOf(model, [row(0)])(w), weight))
    })
    const { penalties, rehearsedRows } = await learner.observe(rowsOf(row(1)))
    expect(rehearsedRows).toBe(weight === 0 ? 1 : 2)
    expect(penalties[rehearsal.name]).toBeGreaterThan(0)
    expect(farthest(numbersOf(model.parameters.tensors()), wanted)).toBeLessThan(1e-6)
  })
  test('keeps outputs as bytes about as well', async () => {
    const ends = await Promise.all(
      (['int8', 'f32'] as const).map(async (logits) => {
        const model = tinyModel()
        const rehearsal = darkReplay({ capacity: 1, alpha, logits })
        const learner = new Learner({ model, optimizer: plainSgd(), strategy: { rehearsal } })
        for (let i = 0; i < 3; i++) await learner.observe(rowsOf(row(i)))
        return { bytes: rehearsal.bytes, weights: numbersOf(model.parameters.tensors()) }
      }),
    )
    // Five tokens, of which four are predicted among twelve.
    expect(ends.map(({ bytes }) => bytes)).toEqual([6 + 5 + 4 * (4 + 12), 6 + 5 + 4 * 48])
    expect(farthest(ends[0].weights, ends[1].weights)).toBeLessThan(1e-4)
    expect(farthest(ends[0].weights, ends[1].weights)).toBeGreaterThan(0)
  })
  test('draws the rows for outputs and those for labels one independently of the other', async () => {
    const rehearsal = darkReplay({ capacity: 2 })
    const both = { ...rowsOf(row(0), row(1)), domains: ['a', 'b'] }
    rehearsal.remember({ ...stepOf(both), logits: new Float32Array(2 * 4 * 12) })
    let same = 0
    for (let i = 0; i < 400; i++) {
      const old = await rehearsal.recall(stepOf(rowsOf(row(2))))
      expect(old?.rows).toBe(2)
      if (old?.domains[0] === old?.domains[1]) same++
    }
    expect(Math.abs(same - 200)).toBeLessThan(50)
  })
  /** What it adds for a row whose outputs were these, in the step after. */
  async function addedFor(
    options: Partial<DarkReplayOptions>,
    logits: readonly number[],
    recode?: (row: Int32Array) => Int32Array,
  ): Promise<{ added: number | null; model: Gpt }> {
    const rehearsal = darkReplay({ capacity: 1, alpha, beta: 0, logits: 'f32', ...options })
    const model = tinyModel()
    rehearsal.remember({ ...stepOf(rowsOf(row(0))), logits })
    if (recode) rehearsal.recode?.(recode)
    await rehearsal.recall(stepOf(rowsOf(row(1))))
    const weights = model.parameters.tensors()
    return scope(() => {
      const pass = passOf(model, rowsOf(row(1), row(0), row(0)), weights, 1)
      return { added: rehearsal.loss?.(weights, pass)?.readSync()[0] ?? null, model }
    })
  }
  test('of a model that has more outputs now counts those that were kept', async () => {
    const kept = Array.from({ length: 4 * 3 }, (_, i) => Math.fround(Math.sin(i)))
    const { added, model } = await addedFor({}, kept)
    const now = [...outputsOf(model, rowsOf(row(0))).readSync()]
    const errors = kept.map((z, i) => (now[12 * Math.floor(i / 3) + (i % 3)] - z) ** 2)
    expect(added).toBeCloseTo((alpha * errors.reduce((a, b) => a + b, 0)) / 12, 9)
  })
  test('of a row in other tokens has no outputs any more, and comes back by its labels', async () => {
    const kept = new Array<number>(48).fill(1)
    const change = (tokens: Int32Array): Int32Array => tokens.map((token) => (token === 1 ? 2 : token))
    expect((await addedFor({}, kept, change)).added).toBe(null)
    // The same row, encoded anew without a change, still has them.
    expect((await addedFor({}, kept, (tokens) => tokens)).added).toBeGreaterThan(0)
    const { added, model } = await addedFor({ beta }, kept, change)
    const [loss] = lossOf(model, [row(0)])(model.parameters.tensors()).readSync()
    expect(added).toBeCloseTo(beta * loss, 9)
  })
  test('adds nothing to a step in which nothing came back', () => {
    const rehearsal = darkReplay({ capacity: 2, alpha, beta })
    scope(() => {
      const pass = passOf(tinyModel(), rowsOf(row(1)), undefined, 1)
      expect(rehearsal.loss?.({}, pass)).toBe(null)
    })
  })
  test('is refused where it cannot be, and takes no damaged outputs', () => {
    for (const wrong of [{ alpha: 0 }, { beta: -1 }, { logits: 'f64' }, { capacity: 0 }]) {
      expect(() => darkReplay({ capacity: 2, ...wrong } as never)).toThrow(OptionError)
    }
    const rehearsal = darkReplay({ capacity: 2 })
    expect(() => rehearsal.remember(stepOf(rowsOf(row(0))))).toThrow('without logits')
    rehearsal.remember({ ...stepOf(rowsOf(row(0))), logits: new Array<number>(48).fill(1) })
    const state = rehearsal.toState() as { beside: Uint8Array; besideSizes: Int32Array }
    const size = state.beside.length
    for (const damage of [
      { beside: state.beside.map(() => 7) },
      { beside: state.beside.slice(1), besideSizes: Int32Array.of(size - 1) },
      { beside: state.beside.slice(1) },
    ]) {
      expect(() => rehearsal.restore({ ...state, ...damage })).toThrow(StateError)
    }
  })
})
