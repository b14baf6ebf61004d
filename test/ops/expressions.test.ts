// Reaches inside: what is tested here is a part of its package, not an entry point.
import { errorFunction } from '../../packages/tensor/src/expression/error-function.ts'
import { derivative, type Expression, expression as e, keyFromSeed, RandomStream } from '@burgeon/tensor'
import { drawExpression } from '@burgeon/tensor/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { evaluator } from '../../packages/tensor/src/expression/evaluate.ts'
import {
  applyBinary,
  applyUnary,
  binaryNames,
  substitute,
  topologicalOrder,
  unaryNames,
} from '../../packages/tensor/src/expression/expression.ts'

const [x, y] = [e.input(0), e.input(1)]
const valueOf = (f: Expression, inputs: readonly number[], scalars: readonly number[] = []): number =>
  evaluator(f)(inputs, scalars)

/** Formulas of two inputs and one scalar. */
const anyFormula = (smooth: boolean): fc.Arbitrary<Expression> =>
  fc
    .integer({ min: 0 })
    .map((seed) =>
      drawExpression(new RandomStream(keyFromSeed(seed)), { inputs: 2, scalars: 1, depth: 4, smooth }),
    )
const number = fc.double({ min: -3, max: 3, noNaN: true })

describe('the derivative of a formula', () => {
  const gradient = (f: Expression, at: readonly number[], scalars: readonly number[], h = 1e-4): number => {
    const value = (dx: number): number => valueOf(f, [at[0] + dx, at[1]], scalars)
    // Richardson extrapolation of central differences: the error is of order h⁴.
    return (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)
  }
  test.each([1, 2])('is what finite differences say, order %i', (order) => {
    fc.assert(
      fc.property(anyFormula(true), number, number, number, (formula, a, b, s) => {
        const f = order === 1 ? formula : derivative(formula, 0)
        const exact = valueOf(derivative(f, 0), [a, b], [s])
        // Where the formula is too steep for differences to be trusted, they say nothing.
        const curvature = Math.abs(gradient(derivative(f, 0), [a, b], [s], 1e-3))
        fc.pre(Math.abs(exact) < 1e3 && curvature < 1e4)
        expect(Math.abs(exact - gradient(f, [a, b], [s]))).toBeLessThan(1e-4 * Math.max(1, Math.abs(exact)))
      }),
      { numRuns: 400, seed: 1 },
    )
  })
  test('does not depend on inputs that the formula does not read', () => {
    fc.assert(
      fc.property(anyFormula(false), (formula) => {
        expect(derivative(formula, 7)).toBe(e.constant(0))
      }),
    )
  })
  test('is that of the side on which a formula with kinks lies', () => {
    const relu = derivative(e.maximum(x, e.constant(0)), 0)
    expect([-1, 1].map((a) => valueOf(relu, [a]))).toEqual([0, 1])
    const size = derivative(e.abs(x), 0)
    expect([-2, 0, 2].map((a) => valueOf(size, [a]))).toEqual([-1, 0, 1])
    const chosen = derivative(e.select(e.less(x, y), e.multiply(x, x), e.sin(x)), 0)
    expect(valueOf(chosen, [1, 2])).toBe(2)
    expect(valueOf(chosen, [2, 1])).toBeCloseTo(Math.cos(2), 14)
  })
  test('splits a tie of minimum and maximum in halves, which add up to one', () => {
    for (const f of [e.minimum(x, y), e.maximum(x, y)]) {
      expect([0, 1].map((k) => valueOf(derivative(f, k), [3, 3]))).toEqual([0.5, 0.5])
      expect([0, 1].map((k) => valueOf(derivative(f, k), [3, 4])).toSorted((a, b) => a - b)).toEqual([0, 1])
    }
  })
  test('is 0 for comparisons and floor', () => {
    for (const f of [e.less(x, y), e.equal(x, y), e.floor(x)]) expect(derivative(f, 0)).toBe(e.constant(0))
  })
  test('lets no NaN in from the branch that is not taken', () => {
    const safe = e.select(e.less(e.constant(0), x), e.log(x), e.constant(0))
    expect(valueOf(derivative(safe, 0), [-1])).toBe(0)
    expect(valueOf(derivative(safe, 0), [2])).toBe(0.5)
  })
})

describe('a formula', () => {
  test('is the same object whenever it is built the same way', () => {
    fc.assert(
      fc.property(anyFormula(false), (formula) => {
        // Rebuilding every node with the public functions finds the same nodes.
        expect(
          substitute(formula, (leaf) => (leaf.kind === 'input' ? e.input(leaf.index) : e.scalar(leaf.index))),
        ).toBe(formula)
      }),
    )
    expect(e.add(x, y)).toBe(e.add(x, y))
    expect(e.add(x, y)).not.toBe(e.add(y, x))
    expect(e.constant(0)).not.toBe(e.constant(-0))
    expect(e.constant(Number.NaN)).toBe(e.constant(Number.NaN))
  })
  test('has an id of its own, and cannot be changed', () => {
    const nodes = topologicalOrder(e.add(e.exp(x), e.multiply(e.exp(x), y)))
    expect(new Set(nodes.map((node) => node.id)).size).toBe(nodes.length)
    expect(nodes.filter((node) => node.kind === 'unary')).toHaveLength(1)
    expect(nodes.every((node) => Object.isFrozen(node))).toBe(true)
  })
  test('lists parts before what is made of them, each once', () => {
    fc.assert(
      fc.property(anyFormula(false), (formula) => {
        const order = topologicalOrder(formula)
        expect(new Set(order).size).toBe(order.length)
        expect(order.at(-1)).toBe(formula)
        order.forEach((node, i) => {
          for (const part of Object.values(node)) {
            if (typeof part === 'object') expect(order.indexOf(part as Expression)).toBeLessThan(i)
          }
        })
      }),
    )
  })

  const names: Record<string, (...parts: Expression[]) => Expression> = {
    ...Object.fromEntries(unaryNames.map((name) => [name, (a: Expression) => e[name](a)])),
    ...Object.fromEntries(binaryNames.map((name) => [name, (a: Expression, b: Expression) => e[name](a, b)])),
    select: (c, a, b) => e.select(c, a, b),
  }
  /** What a formula means, without the simplifications of its constructors: constants come in as inputs. */
  const plainly = (node: Expression, inputs: readonly number[], scalars: readonly number[]): number => {
    switch (node.kind) {
      case 'input':
        return inputs[node.index]
      case 'scalar':
        return scalars[node.index]
      case 'constant':
        return node.value
      case 'unary':
        return applyUnary(node.name, plainly(node.x, inputs, scalars))
      case 'binary':
        return applyBinary(node.name, plainly(node.x, inputs, scalars), plainly(node.y, inputs, scalars))
      case 'select':
        return plainly(plainly(node.condition, inputs, scalars) !== 0 ? node.x : node.y, inputs, scalars)
    }
  }
  test('evaluates to the value of its parts', () => {
    fc.assert(
      fc.property(anyFormula(false), number, number, number, (formula, a, b, s) => {
        expect(valueOf(formula, [a, b], [s])).toEqual(plainly(formula, [a, b], [s]))
      }),
    )
  })
  test('keeps its value when it is simplified, for numbers that are finite', () => {
    const anyConstant = fc.constantFrom(0, -0, 1, -1, 2, 0.5)
    const isFinite = (value: number): boolean => Number.isFinite(value)
    for (const [name, build] of Object.entries(names)) {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.boolean(), anyConstant, number), { minLength: 3, maxLength: 3 }),
          (drawn) => {
            const inputs = drawn.map(([, , value]) => value)
            const arity = name === 'select' ? 3 : (binaryNames as readonly string[]).includes(name) ? 2 : 1
            const parts = drawn
              .slice(0, arity)
              .map(([fixed, value], i) => (fixed ? e.constant(value) : e.input(i)))
            const values = drawn.slice(0, arity).map(([fixed, value], i) => (fixed ? value : inputs[i]))
            const expected = plainly(build(...values.map((_, i) => e.input(i))), values, [])
            fc.pre(isFinite(expected))
            // 0 and −0 count as equal
            expect(valueOf(build(...parts), inputs) - expected).toBeCloseTo(0, 15)
          },
        ),
        { numRuns: 200 },
      )
    }
  })
  test('is simplified where a constant decides it', () => {
    expect(e.multiply(x, e.constant(0))).toBe(e.constant(0))
    expect(e.multiply(e.constant(1), x)).toBe(x)
    expect(e.add(e.constant(0), x)).toBe(x)
    expect(e.subtract(e.constant(0), x)).toBe(e.negate(x))
    expect(e.negate(e.negate(x))).toBe(x)
    expect(e.divide(x, e.constant(1))).toBe(x)
    expect(e.add(e.constant(2), e.constant(3))).toBe(e.constant(5))
    expect(e.select(e.constant(1), x, y)).toBe(x)
    expect(e.select(x, y, y)).toBe(y)
  })
})

describe('the error function', () => {
  // From the C library, by way of Python's math.erf.
  test.each([
    [0, 0.0],
    [1e-8, 1.1283791670955126e-8],
    [0.02, 0.022564574691844943],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [1.5, 0.9661051464753108],
    [2, 0.9953222650189527],
    [2.999, 0.9999777698314002],
    [3.001, 0.9999780483390822],
    [4, 0.9999999845827421],
    [5.9, 0.9999999999999999],
  ])('of %d is %d', (at, expected) => {
    expect(Math.abs(errorFunction(at) - expected)).toBeLessThanOrEqual(4e-16 * expected)
    expect(errorFunction(-at)).toBe(-errorFunction(at))
  })
  test('rises and stays within ±1, also where its two series meet', () => {
    for (let a = -7; a < 7; a += 0.01)
      expect(errorFunction(a + 0.01)).toBeGreaterThanOrEqual(errorFunction(a))
    expect([Infinity, -Infinity, Number.NaN].map(errorFunction)).toEqual([1, -1, Number.NaN])
    expect(errorFunction(3 + 1e-12) - errorFunction(3 - 1e-12)).toBeLessThan(1e-14)
  })
})
