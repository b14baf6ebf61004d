// Reaches inside: what is tested here is a part of its package, not an entry point.
/** Random scalar expressions, and how far single precision may take them from the oracle's answer. */
// The expression language is an inner part of the tensor package, which no public entry point exports.
import fc from 'fast-check'
import {
  abs,
  add,
  applyBinary,
  applyUnary,
  type BinaryName,
  constant,
  cos,
  divide,
  equal,
  erf,
  exp,
  type Expression,
  floor,
  input,
  less,
  log,
  maximum,
  minimum,
  multiply,
  negate,
  scalar,
  select,
  sin,
  sqrt,
  subtract,
  sigmoid,
  tanh,
  topologicalOrder,
  type UnaryName,
} from '../../packages/tensor/src/expression/expression.ts'

const special: fc.Arbitrary<number> = fc.constantFrom(0, -0, Infinity, -Infinity, Number.NaN)

/** Numbers whose sums and short products single precision holds exactly. */
export const exactNumber: fc.Arbitrary<number> = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: -6, max: 6 }).map((n) => n / 2) },
  { weight: 1, arbitrary: special },
)
export const anyNumber: fc.Arbitrary<number> = fc.oneof(
  { weight: 5, arbitrary: fc.double({ min: -8, max: 8, noNaN: true }).map(Math.fround) },
  { weight: 2, arbitrary: fc.float() },
  { weight: 1, arbitrary: special },
)

type UnaryBuilder = (x: Expression) => Expression
type BinaryBuilder = (x: Expression, y: Expression) => Expression

const exactUnary: UnaryBuilder[] = [negate, abs, floor]
const exactBinary: BinaryBuilder[] = [add, subtract, multiply, minimum, maximum, less, equal]

/** Expressions whose operations do not round, of three inputs and two scalars. */
export const exactExpression: fc.Arbitrary<Expression> = expressions(exactUnary, exactBinary, exactNumber)
/** Expressions of every operation. */
export const anyExpression: fc.Arbitrary<Expression> = expressions(
  [...exactUnary, exp, log, sqrt, sigmoid, tanh, erf, sin, cos],
  [...exactBinary, divide],
  anyNumber,
)

function expressions(
  unary: readonly UnaryBuilder[],
  binary: readonly BinaryBuilder[],
  number: fc.Arbitrary<number>,
): fc.Arbitrary<Expression> {
  const { node } = fc.letrec<{ node: Expression }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 5 },
      fc.nat(2).map(input),
      fc.nat(1).map(scalar),
      number.map(constant),
      fc.tuple(fc.constantFrom(...unary), tie('node')).map(([f, x]) => f(x)),
      fc.tuple(fc.constantFrom(...binary), tie('node'), tie('node')).map(([f, x, y]) => f(x, y)),
      fc.tuple(tie('node'), tie('node'), tie('node')).map(([c, x, y]) => select(c, x, y)),
    ),
  }))
  return node
}

/** A value in double precision, and how far a single-precision computation may be from it (Infinity: anywhere). */
export interface Bounded {
  readonly value: number
  readonly bound: number
}

/** Evaluates with running error bounds: each operation rounds, and carries the errors of its operands. */
export function evaluateWithBound(
  expression: Expression,
  inputs: readonly number[],
  scalars: readonly number[],
): Bounded {
  const done = new Map<Expression, Bounded>()
  const at = (node: Expression): Bounded => done.get(node) as Bounded
  for (const node of topologicalOrder(expression)) done.set(node, boundedNode(node, at, inputs, scalars))
  return at(expression)
}

function boundedNode(
  node: Expression,
  at: (child: Expression) => Bounded,
  inputs: readonly number[],
  scalars: readonly number[],
): Bounded {
  switch (node.kind) {
    case 'input':
      return { value: inputs[node.index], bound: 0 }
    case 'scalar':
      return { value: scalars[node.index], bound: 0 }
    case 'constant':
      return rounded(node.value, [node.value])
    case 'unary':
      return boundedUnary(node.name, at(node.x))
    case 'binary':
      return boundedBinary(node.name, at(node.x), at(node.y))
    case 'select': {
      const condition = at(node.condition)
      if (mayBeEqual(condition, { value: 0, bound: 0 })) return anywhere
      return condition.value !== 0 ? at(node.x) : at(node.y)
    }
  }
}

function boundedUnary(name: UnaryName, x: Bounded): Bounded {
  const possible = spread(x).map((v) => applyUnary(name, v))
  // sin and cos promise nothing relative for large angles; floor jumps.
  const isLargeAngle = (name === 'sin' || name === 'cos') && Math.abs(x.value) > 1e5
  const jumps = name === 'floor' && possible.some((v) => v !== possible[0])
  return x.bound === Infinity || isLargeAngle || jumps
    ? anywhere
    : rounded(applyUnary(name, x.value), possible)
}

function boundedBinary(name: BinaryName, x: Bounded, y: Bounded): Bounded {
  if (x.bound === Infinity || y.bound === Infinity) return anywhere
  if ((name === 'less' || name === 'equal') && mayBeEqual(x, y)) return anywhere
  // Near 0 a quotient may be anything; the sign of a zero, which is not promised, decides about infinity's.
  if (name === 'divide' && Math.abs(y.value) <= y.bound) return anywhere
  const possible = spread(x).flatMap((a) => spread(y).map((b) => applyBinary(name, a, b)))
  return rounded(applyBinary(name, x.value, y.value), possible)
}

const anywhere: Bounded = { value: 0, bound: Infinity }

/** Whether rounding alone decides if the two are equal. */
function mayBeEqual(x: Bounded, y: Bounded): boolean {
  const reach = x.bound + y.bound
  return reach > 0 && !(Math.abs(x.value - y.value) > reach)
}

const spread = ({ value, bound }: Bounded): number[] =>
  bound === 0 ? [value] : [value - bound, value, value + bound]

/** Single precision ends here: sums above overflow, products below become subnormal or are flushed. */
const [largest, smallest] = [1e37, 1e-37]

function rounded(value: number, possible: readonly number[]): Bounded {
  if (!Number.isFinite(value))
    return possible.every((v) => Object.is(v, value)) ? { value, bound: 0 } : anywhere
  const carried = Math.max(...possible.map((v) => Math.abs(v - value)))
  if (!(carried < largest) || Math.abs(value) > largest) return anywhere
  // Two ulp of the function, and a little for the curvature between the possible operands.
  const own = 2 ** -21 * Math.abs(value)
  if (carried > 0 || Math.fround(value) !== value) return { value, bound: 1.5 * carried + own + smallest }
  return { value, bound: value === 0 ? 0 : own + 2 ** -148 }
}
