/**
 * Differentiates scalar expressions symbolically, so that one gradient rule serves every elementwise formula.
 */
import { checkArgument } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import {
  add,
  checkExpression,
  constant,
  cos,
  divide,
  equal,
  type Expression,
  exp,
  less,
  log,
  multiply,
  negate,
  pow,
  select,
  sin,
  subtract,
  topologicalOrder,
} from './expression.ts'

const zero = constant(0)
const one = constant(1)

/**
 * Returns the partial derivative of `expression` with respect to input `index`.
 *
 * The conventions are those of PyTorch and JAX. The derivative of `abs` at 0 is 0. `minimum` and `maximum`
 * split a tie in halves, so that the two partial derivatives add up to one. The derivative of `sqrt` at 0 is
 * infinite. `select` has the derivative of the branch taken. Comparisons and `floor` have derivative 0. The
 * derivatives of `pow` are 0 by the base where the exponent is 0, and by the exponent where the base is 0 and
 * the exponent is not negative.
 *
 * @example
 * ```ts
 * const x = expression.input(0)
 * derivative(expression.multiply(x, x), 0) // add(x, x)
 * ```
 */
export function derivative(expression: Expression, index: number): Expression {
  checkExpression('derivative', 'expression', expression)
  checkArgument('derivative', 'index', index, checks.integer({ from: 0 }))
  const gradients = new Map<Expression, Expression>()
  for (const node of topologicalOrder(expression)) {
    gradients.set(
      node,
      gradient(node, (child) => gradients.get(child) as Expression, index),
    )
  }
  return gradients.get(expression) as Expression
}

function gradient(node: Expression, d: (child: Expression) => Expression, index: number): Expression {
  switch (node.kind) {
    case 'input':
      return node.index === index ? one : zero
    case 'scalar':
    case 'constant':
      return zero
    case 'unary':
      return d(node.x) === zero ? zero : multiply(unaryGradient(node), d(node.x))
    case 'binary':
      return binaryGradient(node, d(node.x), d(node.y))
    case 'select':
      return select(node.condition, d(node.x), d(node.y))
  }
}

function unaryGradient(node: Expression & { kind: 'unary' }): Expression {
  const { x } = node
  switch (node.name) {
    case 'negate':
      return constant(-1)
    case 'abs': // sign x, and 0 at 0
      return subtract(less(zero, x), less(x, zero))
    case 'exp': // (eˣ)′ = eˣ
      return node
    case 'expm1': // eˣ
      return exp(x)
    case 'log': // 1/x
      return divide(one, x)
    case 'log1p': // 1/(1 + x)
      return divide(one, add(one, x))
    case 'sqrt': // 1/(2√x)
      return divide(constant(0.5), node)
    case 'sigmoid': // s·(1 − s)
      return multiply(node, subtract(one, node))
    case 'tanh': // 1 − tanh²x
      return subtract(one, multiply(node, node))
    case 'erf': // 2/√π · e^(−x²)
      return multiply(constant(2 / Math.sqrt(Math.PI)), exp(negate(multiply(x, x))))
    case 'sin':
      return cos(x)
    case 'cos':
      return negate(sin(x))
    case 'floor':
    case 'stopGradient':
      return zero
  }
}

function binaryGradient(node: Expression & { kind: 'binary' }, dx: Expression, dy: Expression): Expression {
  const { x, y } = node
  const half = constant(0.5)
  switch (node.name) {
    case 'add':
      return add(dx, dy)
    case 'subtract':
      return subtract(dx, dy)
    case 'multiply': // (xy)′ = x′y + xy′
      return add(multiply(dx, y), multiply(x, dy))
    case 'divide': // (x/y)′ = (x′ − (x/y)·y′)/y
      return divide(subtract(dx, multiply(node, dy)), y)
    case 'pow':
      return add(multiply(powerByBase(x, y), dx), dy === zero ? zero : multiply(powerByExponent(node), dy))
    case 'minimum':
      return select(equal(x, y), multiply(half, add(dx, dy)), select(less(x, y), dx, dy))
    case 'maximum':
      return select(equal(x, y), multiply(half, add(dx, dy)), select(less(y, x), dx, dy))
    case 'less':
    case 'equal':
      return zero
  }
}

/** (xʸ)′ = y·xʸ⁻¹ by x, and 0 where y = 0, whatever x is. */
function powerByBase(x: Expression, y: Expression): Expression {
  return select(equal(y, zero), zero, multiply(y, pow(x, subtract(y, one))))
}

/** (xʸ)′ = xʸ·log x by y, and its limit 0 where x = 0 and y ≥ 0. */
function powerByExponent(node: Expression & { kind: 'binary' }): Expression {
  const { x, y } = node
  const isFlat = select(equal(x, zero), select(less(y, zero), zero, one), zero)
  return select(isFlat, zero, multiply(node, log(x)))
}
