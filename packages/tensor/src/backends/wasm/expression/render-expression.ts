/** Renders a scalar expression to SIMD code that computes it for four elements at a time. */
import {
  type BinaryName,
  children,
  type Expression,
  topologicalOrder,
  type UnaryName,
} from '../../../expression/expression.ts'
import { f32x4, type FunctionBuilder, v128, type Value } from '../assembler/index.ts'
import { type VectorFunctionName, vectorMath } from './math.ts'
import { power } from './power.ts'

type Vector = Value<'v128'>

/** Code of the leaves of an expression, four elements each. Each leaf is asked for once. */
export interface Leaves {
  /** Four consecutive elements of input tensor `index`. */
  readonly input: (index: number) => Vector
  /** Scalar argument `index` in every lane. */
  readonly scalar: (index: number) => Vector
}

const instructions: Record<Exclude<UnaryName, VectorFunctionName>, (x: Vector) => Vector> = {
  negate: f32x4.neg,
  abs: f32x4.abs,
  sqrt: f32x4.sqrt,
  floor: f32x4.floor,
  stopGradient: (x) => x,
}

type Comparison = 'less' | 'equal'
type Arithmetic = Exclude<BinaryName, Comparison | 'pow'>

const arithmetic: Record<Arithmetic, (x: Vector, y: Vector) => Vector> = {
  add: f32x4.add,
  subtract: f32x4.sub,
  multiply: f32x4.mul,
  divide: f32x4.div,
  minimum: f32x4.min,
  maximum: f32x4.max,
}

/** Comparisons return a mask: all ones or all zeros in each lane. */
const comparisons: Record<Comparison, (x: Vector, y: Vector) => Vector> = { less: f32x4.lt, equal: f32x4.eq }

/**
 * Emits the code of `expression` and returns its value. A subexpression that occurs several times is computed
 * once, and only the math functions that occur get into the module.
 *
 * @param b The function in whose current place the code goes, normally inside a loop.
 * @param expression The formula.
 * @param leaves What inputs and scalars stand for.
 */
export function renderExpression(b: FunctionBuilder, expression: Expression, leaves: Leaves): Vector {
  const order = topologicalOrder(expression)
  const uses = countUses(order)
  const values = new Map<Expression, Vector>()
  // A comparison is kept as its mask: `select` uses it directly, anything else makes 1 and 0 of it.
  const masks = new Map<Expression, Vector>()

  const value = (node: Expression): Vector => {
    const mask = masks.get(node)
    return mask === undefined ? (values.get(node) as Vector) : v128.and(mask, f32x4.splat(1))
  }
  const isTrue = (node: Expression): Vector => masks.get(node) ?? f32x4.ne(value(node), 0)

  const render = (node: Exclude<Expression, ComparisonNode>): Vector => {
    switch (node.kind) {
      case 'input':
        return leaves.input(node.index)
      case 'scalar':
        return leaves.scalar(node.index)
      case 'constant':
        return f32x4.splat(node.value)
      case 'unary':
        return isVectorFunction(node.name)
          ? b.inline(vectorMath[node.name], { x: value(node.x) })
          : instructions[node.name](value(node.x))
      case 'binary':
        return node.name === 'pow'
          ? b.inline(power, { x: value(node.x), y: value(node.y) })
          : arithmetic[node.name as Arithmetic](value(node.x), value(node.y))
      case 'select':
        return v128.bitselect(value(node.x), value(node.y), isTrue(node.condition))
    }
  }

  for (const node of order) {
    // A constant is cheaper made again than kept.
    const isShared = (uses.get(node) as number) > 1 && node.kind !== 'constant'
    const code = isComparison(node) ? comparisons[node.name](value(node.x), value(node.y)) : render(node)
    ;(isComparison(node) ? masks : values).set(node, isShared ? b.let(code) : code)
  }
  return value(expression)
}

type ComparisonNode = Expression & { readonly kind: 'binary'; readonly name: Comparison }

const isComparison = (node: Expression): node is ComparisonNode =>
  node.kind === 'binary' && node.name in comparisons

const isVectorFunction = (name: UnaryName): name is VectorFunctionName => name in vectorMath

function countUses(order: readonly Expression[]): Map<Expression, number> {
  const uses = new Map(order.map((node) => [node, 0]))
  for (const node of order)
    for (const child of children(node)) uses.set(child, (uses.get(child) as number) + 1)
  return uses
}
