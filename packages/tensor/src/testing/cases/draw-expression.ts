/** Draws formulas for elementwise cases. */
import { checkArgument, checkOptions } from '../../checks/check-options.ts'
import * as checks from '../../checks/checks.ts'
import type { Check } from '../../checks/checks.ts'
import * as e from '../../expression/expression.ts'
import type { Expression } from '../../expression/expression.ts'
import { RandomStream } from '../../random/random-stream.ts'
import { chance, pick } from './draw.ts'

type Unary = (x: Expression) => Expression
type Binary = (x: Expression, y: Expression) => Expression

export const unaryBuilders: readonly Unary[] = [
  e.negate,
  e.abs,
  e.exp,
  e.expm1,
  e.log,
  e.log1p,
  e.sqrt,
  e.sigmoid,
  e.tanh,
  e.erf,
  e.sin,
  e.cos,
  e.floor,
  e.stopGradient,
]
export const binaryBuilders: readonly Binary[] = [
  e.add,
  e.subtract,
  e.multiply,
  e.divide,
  e.pow,
  e.minimum,
  e.maximum,
  e.less,
  e.equal,
]
/** Functions that are smooth wherever they are finite, for finite differences. `exp` is tamed by a `tanh`. */
const smoothUnaries: readonly Unary[] = [
  e.negate,
  e.sigmoid,
  e.tanh,
  e.erf,
  e.sin,
  e.cos,
  (x) => e.exp(e.tanh(x)),
  (x) => e.expm1(e.tanh(x)),
  (x) => e.log1p(e.multiply(x, x)),
  (x) => e.sqrt(e.add(e.constant(1), e.multiply(x, x))),
  (x) => e.log(e.add(e.constant(1), e.multiply(x, x))),
]
const smoothBinaries: readonly Binary[] = [
  e.add,
  e.subtract,
  e.multiply,
  (x, y) => e.divide(x, e.add(e.constant(1), e.multiply(y, y))),
]

/** The leaves and the depth of a drawn expression. */
export interface ExpressionShape {
  /**
   * Leaves are drawn from `input(0)` … `input(inputs − 1)`, `scalar(0)` … `scalar(scalars − 1)`, and
   * constants. Both up to 1024.
   */
  readonly inputs: number
  readonly scalars: number
  /** Maximum number of levels of functions, up to 16: each is half as large again as the one above it. */
  readonly depth: number
  /** Draws only functions of `smoothUnaries` and `smoothBinaries`. */
  readonly smooth?: boolean
}

/**
 * Draws a random expression. Throws OptionError unless `random` is a random stream, and for numbers outside
 * their ranges.
 */
export function drawExpression(random: RandomStream, shape: ExpressionShape): Expression {
  checkArgument('drawExpression', 'random', random, aRandomStream)
  checkOptions('drawExpression', shape, {
    inputs: checks.required(checks.integer({ from: 0, to: 1024 })),
    scalars: checks.required(checks.integer({ from: 0, to: 1024 })),
    depth: checks.required(checks.integer({ from: 0, to: 16 })),
    smooth: checks.boolean,
  })
  return drawNode(random, shape)
}

/** Check of the stream that cases are drawn from. */
export const aRandomStream: Check<RandomStream> = checks.instance('a RandomStream', RandomStream)

function drawNode(random: RandomStream, shape: ExpressionShape): Expression {
  if (shape.depth === 0 || chance(random, 0.1)) return leaf(random, shape)
  const below = (): Expression => drawNode(random, { ...shape, depth: shape.depth - 1 })
  const kind = random.uniform()
  if (kind < 0.4) return pick(random, shape.smooth ? smoothUnaries : unaryBuilders)(below())
  if (kind < 0.9 || shape.smooth)
    return pick(random, shape.smooth ? smoothBinaries : binaryBuilders)(below(), below())
  return e.select(below(), below(), below())
}

function leaf(random: RandomStream, { inputs, scalars }: ExpressionShape): Expression {
  const at = random.below(inputs + scalars + 1)
  if (at < inputs) return e.input(at)
  return at < inputs + scalars ? e.scalar(at - inputs) : e.constant(pick(random, [0.5, 2, -1, 0.1, 3]))
}
