// Reaches inside: what is tested here is a part of its package, not an entry point.
// The renderer is an inner part of the backend, which no public entry point exports.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { f32x4, ModuleBuilder, v128 } from '../../packages/tensor/src/backends/wasm/assembler/index.ts'
import { renderExpression } from '../../packages/tensor/src/backends/wasm/expression/render-expression.ts'
import { derivative } from '../../packages/tensor/src/expression/derivative.ts'
import { evaluator } from '../../packages/tensor/src/expression/evaluate.ts'
import {
  abs,
  add,
  constant,
  divide,
  equal,
  exp,
  type Expression,
  erf,
  input,
  less,
  log,
  maximum,
  minimum,
  multiply,
  select,
  sqrt,
  subtract,
  tanh,
  topologicalOrder,
} from '../../packages/tensor/src/expression/expression.ts'
import { anyExpression, anyNumber, evaluateWithBound, exactExpression, exactNumber } from './expressions.ts'
import { newMemory } from './run-wasm.ts'

const memory = newMemory()

function moduleOf(expression: Expression): ModuleBuilder {
  const module = new ModuleBuilder()
  module.export('run', { to: 'i32', inputs: 'i32', s0: 'f32', s1: 'f32' }, (b, { to, inputs, s0, s1 }) => {
    const result = renderExpression(b, expression, {
      input: (index) => v128.load(inputs, 16 * index),
      scalar: (index) => f32x4.splat([s0, s1][index]),
    })
    b.store(to, result)
  })
  return module
}

/** The rendered expression at four elements; `inputs[k]` are the elements of input k. */
function render(
  expression: Expression,
  inputs: readonly number[][],
  scalars: readonly number[] = [0, 0],
): number[] {
  const [to, from] = [0, 64]
  inputs.forEach((lanes, k) => new Float32Array(memory.buffer, from + 16 * k, 4).set(lanes))
  moduleOf(expression)
    .instantiate(memory)
    .run(to, from, ...scalars)
  return [...new Float32Array(memory.buffer, to, 4)]
}

const [x, y] = [input(0), input(1)]

describe('a rendered expression', () => {
  test('equals the oracle exactly where single precision holds every intermediate number', () => {
    const lanes = fc.array(exactNumber, { minLength: 4, maxLength: 4 })
    const inputs = fc.array(lanes, { minLength: 3, maxLength: 3 })
    const scalars = fc.tuple(exactNumber, exactNumber)
    fc.assert(
      fc.property(exactExpression, inputs, scalars, (expression, columns, s) => {
        const oracle = evaluator(expression)
        const rows = [0, 1, 2, 3].map((lane) => columns.map((column) => column[lane]))
        fc.pre(rows.every((row) => isExact(expression, row, s)))
        // +0 and −0 count as equal: the oracle's formulas and ours may round a zero to either side.
        expect(render(expression, columns, s).map(plain)).toEqual(rows.map((row) => plain(oracle(row, s))))
      }),
      { numRuns: 300 },
    )
  })

  test('is as close to the oracle as its formula allows in single precision', () => {
    const lanes = fc.array(anyNumber, { minLength: 4, maxLength: 4 })
    const inputs = fc.array(lanes, { minLength: 3, maxLength: 3 })
    const scalars = fc.tuple(anyNumber, anyNumber)
    fc.assert(
      fc.property(anyExpression, inputs, scalars, (expression, columns, s) => {
        const got = render(expression, columns, s)
        for (const lane of [0, 1, 2, 3]) {
          const row = columns.map((column) => column[lane])
          const { value, bound } = evaluateWithBound(expression, row, s)
          if (bound === Infinity) continue
          if (Number.isFinite(value)) expect(Math.abs(got[lane] - value)).toBeLessThanOrEqual(bound)
          else expect(got[lane]).toBe(value)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('serves whole formulas and their derivatives: GELU', () => {
    // x/2 · (1 + erf(x/√2)), Hendrycks & Gimpel 2016
    const gelu = multiply(
      multiply(constant(0.5), x),
      add(constant(1), erf(multiply(x, constant(Math.SQRT1_2)))),
    )
    const gradient = derivative(gelu, 0)
    const at = [-3, -0.5, 0, 2]
    for (const formula of [gelu, gradient]) {
      const oracle = evaluator(formula)
      render(formula, [at]).forEach((got, i) => expect(got).toBeCloseTo(oracle([at[i]], []), 6))
    }
  })
})

describe('select', () => {
  test('does not let the branch not taken contribute, not even a NaN', () => {
    const safeLog = select(less(constant(0), x), log(x), constant(-1))
    expect(render(safeLog, [[-1, 0, 1, Number.NaN]])).toEqual([-1, -1, 0, -1])
    const safeRatio = select(equal(y, constant(0)), constant(7), divide(x, y))
    const columns = [
      [0, 1, -1, 6],
      [0, 0, 0, 2],
    ]
    expect(render(safeRatio, columns)).toEqual([7, 7, 7, 3])
  })

  test('takes any number but 0 for true, NaN too', () => {
    expect(render(select(x, constant(1), constant(2)), [[0, -0, -3, Number.NaN]])).toEqual([2, 2, 1, 1])
  })
})

describe('comparisons', () => {
  test('return 1 or 0, and NaN is neither less nor equal', () => {
    const columns = [
      [1, 2, Number.NaN, -0],
      [2, 2, Number.NaN, 0],
    ]
    expect(render(less(x, y), columns)).toEqual([1, 0, 0, 0])
    expect(render(equal(x, y), columns)).toEqual([0, 1, 0, 1])
  })

  test('may be numbers and conditions at once', () => {
    const isLess = less(x, y)
    const both = add(multiply(constant(10), isLess), select(isLess, x, y))
    const columns = [
      [1, 5, 2, 9],
      [3, 4, 2, 10],
    ]
    expect(render(both, columns)).toEqual([11, 4, 2, 19])
  })
})

test('minimum and maximum return NaN if either side is NaN', () => {
  const columns = [
    [1, Number.NaN, 3, Infinity],
    [2, 2, Number.NaN, -Infinity],
  ]
  expect(render(minimum(x, y), columns)).toEqual([1, Number.NaN, Number.NaN, -Infinity])
  expect(render(maximum(x, y), columns)).toEqual([2, Number.NaN, Number.NaN, Infinity])
})

describe('the code', () => {
  const sizeOf = (expression: Expression): number => moduleOf(expression).toBytes().length

  test('computes a shared subexpression once', () => {
    const shared = sqrt(abs(subtract(divide(x, y), add(x, y))))
    let doubled: Expression = shared
    for (let i = 0; i < 20; i++) doubled = add(doubled, doubled)
    // Computed at each use it would be a million times as long.
    expect(sizeOf(doubled)).toBeLessThan(sizeOf(shared) + 20 * 16)
    expect(render(doubled, [new Array(4).fill(4), new Array(4).fill(1)])[0]).toBe(2 ** 20)
  })

  test('asks for each leaf once', () => {
    const asked: string[] = []
    const expression = add(multiply(x, x), divide(y, add(x, y)))
    new ModuleBuilder().export('run', {}, (b) => {
      const result = renderExpression(b, expression, {
        input: (index) => {
          asked.push(`input ${index}`)
          return v128.load(16 * index)
        },
        scalar: () => f32x4.splat(0),
      })
      b.store(0, result)
    })
    expect(asked.toSorted()).toEqual(['input 0', 'input 1'])
  })

  test('contains only the math functions that occur', () => {
    const [none, one, two] = [x, exp(x), add(tanh(x), exp(x))].map(sizeOf)
    expect(one - none).toBeGreaterThan(100)
    expect(two - one).toBeGreaterThan(100)
  })
})

/** Whether each intermediate number is one of single precision. */
function isExact(expression: Expression, inputs: readonly number[], scalars: readonly number[]): boolean {
  return topologicalOrder(expression).every((node) => {
    const value = evaluator(node)(inputs, scalars)
    return Object.is(Math.fround(value), value)
  })
}

const plain = (value: number): number => value + 0
