/** Orthogonal gradient descent: which directions it keeps, and that no step goes along them, also after growth. */
import { grad } from '@burgeon/autograd'
import { type Batch, orthogonalGradientDescent, type Projection } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import {
  add,
  OptionError,
  ParameterError,
  scope,
  slice,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { lossOf, row, rowsOf, tinyModel } from '../continual/tiny-learner.ts'
import { dot, norm } from './vectors.ts'

const device = openReference()
const flat = (tensors: TensorsByPath): number[] =>
  Object.keys(tensors)
    .toSorted()
    .flatMap((path) => [...tensors[path].readSync()])

/** The gradient of Σₜ zₜ(yₜ) of row `i`, place by place. */
function outputGradient(model: Gpt, i: number): number[] {
  const tokens = row(i)
  const ids = model.device.tensor(tokens.slice(0, 4), { shape: [1, 4], dtype: 'i32' })
  return scope(() => {
    const outputs = (w: TensorsByPath): Tensor => {
      const logits = model.forward(ids, w)
      return tokens
        .slice(1)
        .map((label, t) => sum(slice(logits, [t, label], [t + 1, label + 1])))
        .reduce((a, b) => add(a, b))
    }
    return flat(grad(outputs)(model.parameters.tensors()))
  })
}

interface Step {
  readonly gradient: number[]
  readonly projected: number[]
}

/** The gradient of the loss of some rows, before and after the projection. */
function stepOf(projection: Projection, model: Gpt, ...rows: readonly number[]): Step {
  return scope(() => {
    const parameters = model.parameters.tensors()
    const gradients = grad(lossOf(model, rows.map(row)))(parameters)
    const projected = projection.transform(gradients, { parameters, step: 0 })
    return { gradient: flat(gradients), projected: flat(projected) }
  })
}

const consolidated = (model: Gpt, options = {}, ...samples: readonly Batch[]): Projection => {
  const projection = orthogonalGradientDescent(options)
  for (const sample of samples) projection.consolidate?.(model, sample)
  return projection
}

/** How far a vector goes along others, as a share of what it could. */
const alongOf = (x: readonly number[], others: readonly (readonly number[])[]): number =>
  Math.max(...others.map((other) => Math.abs(dot(x, other)) / (norm(x) * norm(other))))

describe.each([
  ['the reference', device, 1e-10],
  ['WASM', openWasm({ threads: 1 }), 1e-4],
] as const)('on %s', (_, on, tolerance) => {
  test('no step goes along the gradients of the outputs of earlier rows', () => {
    const model = tinyModel(on)
    const projection = consolidated(model, {}, rowsOf(row(1), row(2), row(3)), rowsOf(row(7)))
    const earlier = [1, 2, 3, 7].map((i) => outputGradient(model, i))
    const { gradient, projected } = stepOf(projection, model, 1, 4)
    expect(alongOf(gradient, earlier)).toBeGreaterThan(0.1)
    expect(alongOf(projected, earlier)).toBeLessThan(tolerance)
    // An orthogonal projection: what is left is as long as the gradient goes along it, and longer than nothing.
    expect(Math.abs(dot(projected, gradient) / dot(projected, projected) - 1)).toBeLessThan(tolerance)
    expect(norm(projected)).toBeGreaterThan(0.1 * norm(gradient))
    model.dispose()
  })
  test('rows that say the same again change nothing', () => {
    const model = tinyModel(on)
    const once = consolidated(model, {}, rowsOf(row(1), row(2)))
    const often = consolidated(model, {}, rowsOf(row(1), row(1), row(2), row(1)), rowsOf(row(2)))
    const [a, b] = [once, often].map((projection) => stepOf(projection, model, 4).projected)
    expect(norm(a.map((x, i) => x - b[i]))).toBeLessThan(tolerance * norm(a))
    model.dispose()
  })
  test.each(['split', 'fresh'] as const)(
    'growth by %s units keeps them apart from what rows make of the grown model',
    async (how) => {
      const model = tinyModel(on)
      const projection = consolidated(model, {}, rowsOf(row(1), row(2), row(3)))
      stepOf(projection, model, 4)
      const { id, mlpHidden } = model.config.blocks[0]
      using probe = on.tensor([1, 2, 3, 4], { shape: [1, 4], dtype: 'i32' })
      const request = { kind: 'widenMlp', block: id, to: 2 * mlpHidden, how } as const
      await grow(model, request, { mirrors: projection.mirrors, probe, key: [1, 2] })
      const { projected } = stepOf(projection, model, 4)
      // What fresh units write is new, and no direction knows it.
      const isNew = (path: string): boolean => how === 'fresh' && path.endsWith('.down.weight')
      const known = (vector: readonly number[]): number[] => {
        let at = 0
        return Object.entries(model.parameters.tensors())
          .toSorted(([a], [b]) => (a < b ? -1 : 1))
          .flatMap(([path, { shape, size }]) => {
            const own = vector.slice(at, at + size)
            at += size
            return isNew(path) ? own.slice(0, (size / shape[0]) * mlpHidden) : own
          })
      }
      const earlier = [1, 2, 3].map((i) => known(outputGradient(model, i)))
      expect(alongOf(known(projected), earlier)).toBeLessThan(10 * tolerance)
      expect(norm(projected)).toBeGreaterThan(0)
      model.dispose()
    },
  )
})

test('where directions are too many, those with the most give up their last ones', async () => {
  const model = tinyModel(device)
  const samples = [rowsOf(row(1), row(2), row(3), row(4)), rowsOf(row(5)), rowsOf(row(6), row(7), row(8))]
  const projection = consolidated(model, { capacity: 5, rows: 3 }, ...samples)
  const { groups } = (await projection.toState()) as { groups: number[] }
  expect(groups).toEqual([2, 1, 2])
  const { projected } = stepOf(projection, model, 2, 9)
  const of = (...rows: readonly number[]): number[][] => rows.map((i) => outputGradient(model, i))
  expect(alongOf(projected, of(1, 2, 5, 6, 7))).toBeLessThan(1e-10)
  for (const given of of(3, 8)) expect(alongOf(projected, [given])).toBeGreaterThan(1e-3)
  // More consolidations than places: the oldest go.
  const small = consolidated(model, { capacity: 2 }, rowsOf(row(1)), rowsOf(row(2)), rowsOf(row(3)))
  const left = stepOf(small, model, 2, 9).projected
  expect(alongOf(left, of(2, 3))).toBeLessThan(1e-10)
  expect(alongOf(left, of(1))).toBeGreaterThan(1e-3)
})

test('its state goes on to the bit, and belongs to its parameters', async () => {
  const model = tinyModel(device)
  const make = () => orthogonalGradientDescent({ capacity: 4, rows: 2 })
  const projection = make()
  projection.consolidate?.(model, rowsOf(row(1), row(2)))
  const [before, state] = [stepOf(projection, model, 4), structuredClone(await projection.toState())]
  const other = make()
  other.consolidate?.(model, rowsOf(row(9)))
  stepOf(other, model, 3)
  other.restore(state, model.parameters)
  expect(stepOf(other, model, 4)).toEqual(before)
  expect(await other.toState()).toEqual(state)
  for (const each of [projection, other]) each.consolidate?.(model, rowsOf(row(5), row(6), row(7)))
  expect(stepOf(other, model, 4)).toEqual(stepOf(projection, model, 4))
  const [first] = (state as { directions: Record<string, object>[] }).directions
  const [path] = Object.keys(first)
  const wrong = { ...first, [path]: { shape: [1], data: Float32Array.of(1) } }
  const unchanged = await other.toState()
  for (const bad of [
    { groups: [2], directions: [first, wrong] },
    { groups: [3], directions: [first, first] },
    { groups: [2], directions: [first, { stranger: first[path] }] },
    { groups: [5], directions: [first, first, first, first, first] },
  ]) {
    expect(() => other.restore(bad, model.parameters)).toThrow()
    expect(await other.toState()).toEqual(unchanged)
  }
})

test('a gradient of another shape than the directions is refused', () => {
  const model = tinyModel(device)
  const projection = consolidated(model, {}, rowsOf(row(1)))
  const parameters = model.parameters.tensors()
  const [path] = Object.keys(parameters)
  const { shape } = parameters[path]
  const other = device.tensor(new Float32Array(parameters[path].size), {
    shape: shape.toReversed(),
    dtype: 'f32',
  })
  expect(() => projection.transform({ [path]: other }, { parameters, step: 0 })).toThrow(ParameterError)
})

test.each([{ capacity: 0 }, { rows: 0 }, { rows: 1.5 }])('cannot be made with %j', (options) => {
  expect(() => orthogonalGradientDescent(options)).toThrow(OptionError)
})
