/**
 * Comparisons and logic, number by number. The result is `f32`: 1 where it holds and 0 where it does not, and
 * no gradient flows. Any number but 0 counts as true, NaN included. Numbers of `i32` are compared exactly
 * below 2²⁴.
 */
import { checkTensor } from '../../checks/check-tensor.ts'
import * as e from '../../expression/expression.ts'
import type { Expression } from '../../expression/expression.ts'
import { broadcastShapes } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { type Binary, binary, unary } from './by-name.ts'
import { elementwise } from './elementwise.ts'

const [no, yes] = [e.constant(0), e.constant(1)]
const isTrue = (a: Expression): Expression => e.select(a, yes, no)

/** 1 where a < b, else 0. */
export const less: Binary = binary('less', e.less)
/** 1 where a ≤ b, else 0. */
export const lessEqual: Binary = binary('lessEqual', (a, b) => e.select(e.less(a, b), yes, e.equal(a, b)))
/** 1 where a > b, else 0. */
export const greater: Binary = binary('greater', (a, b) => e.less(b, a))
/** 1 where a ≥ b, else 0. */
export const greaterEqual: Binary = binary('greaterEqual', (a, b) =>
  e.select(e.less(b, a), yes, e.equal(a, b)),
)
/** 1 where a = b, else 0. NaN equals nothing. */
export const equal: Binary = binary('equal', e.equal)
/** 1 where a ≠ b, else 0. NaN differs from everything. */
export const notEqual: Binary = binary('notEqual', (a, b) => e.select(e.equal(a, b), no, yes))

/** 1 where neither a nor b is 0, else 0. */
export const logicalAnd: Binary = binary('logicalAnd', (a, b) => e.select(a, isTrue(b), no))
/** 1 where a or b is not 0, else 0. */
export const logicalOr: Binary = binary('logicalOr', (a, b) => e.select(a, yes, isTrue(b)))
/** 1 where a is 0, else 0. */
export const logicalNot: (a: Tensor) => Tensor = unary('logicalNot', (a) => e.select(a, no, yes))

// Infinity is an argument, because compilers of WGSL may assume that nothing equals an infinity that they can
// see.
const infinity = e.scalar(0)
const size = e.abs(e.input(0))
const finite = e.less(size, infinity)
const notANumber = e.select(finite, no, e.select(e.equal(size, infinity), no, yes))

/** 1 where a is neither infinite nor NaN, else 0. */
export function isFinite(a: Tensor): Tensor {
  checkTensor('isFinite', 'a', a)
  return elementwise(finite, [a], [Infinity])
}

/** 1 where a is NaN, else 0. */
export function isNaN(a: Tensor): Tensor {
  checkTensor('isNaN', 'a', a)
  return elementwise(notANumber, [a], [Infinity])
}

/** Formulas that choose by input 0 between two values, each an input or a scalar. */
const choices = {
  tensors: e.select(e.input(0), e.input(1), e.input(2)),
  first: e.select(e.input(0), e.input(1), e.scalar(0)),
  second: e.select(e.input(0), e.scalar(0), e.input(1)),
  numbers: e.select(e.input(0), e.scalar(0), e.scalar(1)),
}

/**
 * Chooses the element of `a` where `condition` is not 0, else that of `b`, of `f32`. All three broadcast; `a`
 * and `b` may be numbers.
 *
 * The element not chosen has no influence: neither a NaN nor an infinite gradient of it comes through.
 */
export function where(condition: Tensor, a: Tensor | number, b: Tensor | number): Tensor {
  checkTensor('where', 'condition', condition)
  if (typeof a !== 'number') checkTensor('where', 'a', a)
  if (typeof b !== 'number') checkTensor('where', 'b', b)
  const tensors = [condition, a, b].filter((one) => typeof one !== 'number')
  broadcastShapes(
    'where',
    tensors.map(({ shape }) => shape),
  )
  if (typeof a === 'number') {
    return typeof b === 'number'
      ? elementwise(choices.numbers, tensors, [a, b])
      : elementwise(choices.second, tensors, [a])
  }
  return typeof b === 'number'
    ? elementwise(choices.first, tensors, [b])
    : elementwise(choices.tensors, tensors)
}
