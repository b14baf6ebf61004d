/** Draws formulas for elementwise cases. */
import * as e from '../../expression/expression.ts'
import type { Expression } from '../../expression/expression.ts'
import type { RandomStream } from '../../random/random-stream.ts'
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
]
export const binaryBuilders: readonly Binary[] = [
  e.add,
  e.subtract,
  e.multiply,
  e.divide,
  e.minimum,
  e.maximum,
  e.less,
  e.equal,
]
/** Those that are smooth wherever they are finite, for finite differences. `exp` is tamed by a `tanh`. */
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

/** What a drawn expression may read. */
export interface ExpressionShape {
  /** Leaves are drawn from `input(0)` … `input(inputs − 1)`, as many scalars, and constants. */
  readonly inputs: number
  readonly scalars: number
  /** Levels of functions at most. */
  readonly depth: number
  /** Only functions of `smoothUnaries` and `smoothBinaries`. */
  readonly smooth?: boolean
}

/** A random expression. */
export function drawExpression(random: RandomStream, shape: ExpressionShape): Expression {
  if (shape.depth === 0 || chance(random, 0.1)) return leaf(random, shape)
  const below = (): Expression => drawExpression(random, { ...shape, depth: shape.depth - 1 })
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
