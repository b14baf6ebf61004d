/**
 * The scalar-expression language: the formula of one element of an elementwise op.
 *
 * An expression is plain immutable data. It is built here, differentiated in `derivative.ts`, interpreted in
 * double precision in `evaluate.ts` (the oracle), and rendered to WASM SIMD and WGSL by the backends. It
 * knows nothing of shapes: broadcasting happens when inputs are loaded.
 *
 * Nodes are interned: two structurally equal expressions are the same object, so `===` is structural
 * equality, shared subexpressions are computed once, and `id` names a compiled kernel.
 */

import { OptionError } from '../errors.ts'
import { checkArgument, shown } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import { applyBinary, applyUnary, type BinaryName, type UnaryName } from './scalar-functions.ts'

export {
  applyBinary,
  applyUnary,
  type BinaryName,
  binaryNames,
  type UnaryName,
  unaryNames,
} from './scalar-functions.ts'

/** One interned node. `id` is unique within the process and depends only on the order of creation. */
export type Expression = { readonly id: number } & (
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'scalar'; readonly index: number }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'unary'; readonly name: UnaryName; readonly x: Expression }
  | { readonly kind: 'binary'; readonly name: BinaryName; readonly x: Expression; readonly y: Expression }
  | {
      readonly kind: 'select'
      readonly condition: Expression
      readonly x: Expression
      readonly y: Expression
    }
)

type Node = Expression extends infer E ? (E extends Expression ? Omit<E, 'id'> : never) : never

const interned = new Map<string, Expression>()
/** The expressions made here; any other object is refused. */
const made = new WeakSet<object>()

/** Throws OptionError unless `value` is an expression. */
export function checkExpression(op: string, name: string, value: unknown): asserts value is Expression {
  if (typeof value === 'object' && value !== null && made.has(value)) return
  throw new OptionError(
    `${op}: got ${name} ${shown(value)}; expected an expression, such as expression.input(0).`,
  )
}

function intern(key: string, node: Node): Expression {
  let found = interned.get(key)
  if (found === undefined) {
    found = Object.freeze({ id: interned.size, ...node }) as Expression
    interned.set(key, found)
    made.add(found)
  }
  return found
}

/** The element of input tensor `index` at the output's position, after broadcasting. */
export function input(index: number): Expression {
  checkArgument('input', 'index', index, checks.integer({ from: 0 }))
  return intern(`input ${index}`, { kind: 'input', index })
}

/** A number that arrives with every call (`attrs.scalars[index]`), so that changing it compiles nothing. */
export function scalar(index: number): Expression {
  checkArgument('scalar', 'index', index, checks.integer({ from: 0 }))
  return intern(`scalar ${index}`, { kind: 'scalar', index })
}

/** A number that is part of the formula. For numbers that vary from call to call use `scalar`. */
export function constant(value: number): Expression {
  checkArgument('constant', 'value', value, checks.anyNumber)
  return intern(`constant ${Object.is(value, -0) ? '-0' : value}`, { kind: 'constant', value })
}

function unary(name: UnaryName, x: Expression): Expression {
  checkExpression(name, 'x', x)
  if (x.kind === 'constant') return constant(applyUnary(name, x.value))
  return intern(`${name} ${x.id}`, { kind: 'unary', name, x })
}

function binary(name: BinaryName, x: Expression, y: Expression): Expression {
  checkExpression(name, 'x', x)
  checkExpression(name, 'y', y)
  if (x.kind === 'constant' && y.kind === 'constant') return constant(applyBinary(name, x.value, y.value))
  return intern(`${name} ${x.id} ${y.id}`, { kind: 'binary', name, x, y })
}

const isConstant = (x: Expression, value: number): boolean => x.kind === 'constant' && x.value === value

/** −x; a double negation cancels. */
export function negate(x: Expression): Expression {
  checkExpression('negate', 'x', x)
  return x.kind === 'unary' && x.name === 'negate' ? x.x : unary('negate', x)
}
/** |x|. */
export const abs = (x: Expression): Expression => unary('abs', x)
/** eˣ. */
export const exp = (x: Expression): Expression => unary('exp', x)
/** eˣ − 1, to full relative precision also near 0. */
export const expm1 = (x: Expression): Expression => unary('expm1', x)
/** The natural logarithm of x. */
export const log = (x: Expression): Expression => unary('log', x)
/** The natural logarithm of 1 + x, to full relative precision also near 0. */
export const log1p = (x: Expression): Expression => unary('log1p', x)
/** √x. */
export const sqrt = (x: Expression): Expression => unary('sqrt', x)
/** The logistic function of x, 1/(1 + e⁻ˣ). */
export const sigmoid = (x: Expression): Expression => unary('sigmoid', x)
/** The hyperbolic tangent of x. */
export const tanh = (x: Expression): Expression => unary('tanh', x)
/** The Gauss error function of x. */
export const erf = (x: Expression): Expression => unary('erf', x)
/** The sine of x, in radians. */
export const sin = (x: Expression): Expression => unary('sin', x)
/** The cosine of x, in radians. */
export const cos = (x: Expression): Expression => unary('cos', x)
/** The largest integer that is not above x. */
export const floor = (x: Expression): Expression => unary('floor', x)

/** x, whose derivative counts as 0: for parts of a formula that serve only rounding or range. */
export const stopGradient = (x: Expression): Expression => unary('stopGradient', x)

/** x + y; adding 0 disappears. */
export function add(x: Expression, y: Expression): Expression {
  checkExpression('add', 'x', x)
  checkExpression('add', 'y', y)
  if (isConstant(x, 0)) return y
  if (isConstant(y, 0)) return x
  return binary('add', x, y)
}
/** x − y; taking 0 away disappears. */
export function subtract(x: Expression, y: Expression): Expression {
  checkExpression('subtract', 'x', x)
  checkExpression('subtract', 'y', y)
  if (isConstant(y, 0)) return x
  if (isConstant(x, 0)) return negate(y)
  return binary('subtract', x, y)
}
/** `0 · y` simplifies to 0: a derivative's dead branch must not carry NaN from an unused infinity. */
export function multiply(x: Expression, y: Expression): Expression {
  checkExpression('multiply', 'x', x)
  checkExpression('multiply', 'y', y)
  if (isConstant(x, 0) || isConstant(y, 0)) return constant(0)
  if (isConstant(x, 1)) return y
  if (isConstant(y, 1)) return x
  if (isConstant(x, -1)) return negate(y)
  if (isConstant(y, -1)) return negate(x)
  return binary('multiply', x, y)
}
/** x / y; dividing by 1 disappears. */
export function divide(x: Expression, y: Expression): Expression {
  checkExpression('divide', 'x', x)
  checkExpression('divide', 'y', y)
  if (isConstant(x, 0)) return x
  if (isConstant(y, 1)) return x
  return binary('divide', x, y)
}
/** xʸ as in C: NaN for a negative x unless y is whole; 1 where y is 0 or x is 1, whatever the other is. */
export function pow(x: Expression, y: Expression): Expression {
  checkExpression('pow', 'x', x)
  checkExpression('pow', 'y', y)
  if (isConstant(y, 0)) return constant(1)
  if (isConstant(y, 1)) return x
  return binary('pow', x, y)
}
/** The smaller of x and y. */
export const minimum = (x: Expression, y: Expression): Expression => binary('minimum', x, y)
/** The larger of x and y. */
export const maximum = (x: Expression, y: Expression): Expression => binary('maximum', x, y)
/** 1 where `x < y`, else 0. */
export const less = (x: Expression, y: Expression): Expression => binary('less', x, y)
/** 1 where `x = y`, else 0. */
export const equal = (x: Expression, y: Expression): Expression => binary('equal', x, y)
/** `x` where `condition` is not 0, else `y`. The branch not taken never contributes, not even a NaN. */
export function select(condition: Expression, x: Expression, y: Expression): Expression {
  checkExpression('select', 'condition', condition)
  checkExpression('select', 'x', x)
  checkExpression('select', 'y', y)
  if (x === y) return x
  if (condition.kind === 'constant') return condition.value !== 0 ? x : y
  return intern(`select ${condition.id} ${x.id} ${y.id}`, { kind: 'select', condition, x, y })
}

/** The direct subexpressions of a node, left to right. */
export function children(node: Expression): readonly Expression[] {
  checkExpression('children', 'node', node)
  switch (node.kind) {
    case 'input':
    case 'scalar':
    case 'constant':
      return []
    case 'unary':
      return [node.x]
    case 'binary':
      return [node.x, node.y]
    case 'select':
      return [node.condition, node.x, node.y]
  }
}

const orders = new WeakMap<Expression, readonly Expression[]>()

/** Every distinct node once, children before parents: the order in which a renderer emits code. */
export function topologicalOrder(root: Expression): readonly Expression[] {
  checkExpression('topologicalOrder', 'root', root)
  const known = orders.get(root)
  if (known !== undefined) return known
  const seen = new Set<Expression>()
  const order: Expression[] = []
  const visit = (node: Expression): void => {
    if (seen.has(node)) return
    seen.add(node)
    for (const child of children(node)) visit(child)
    order.push(node)
  }
  visit(root)
  orders.set(root, order)
  return order
}

/** Rebuilds an expression with every input and scalar replaced by what `leaf` returns for it. */
export function substitute(
  root: Expression,
  leaf: (node: Expression & { kind: 'input' | 'scalar' }) => Expression,
): Expression {
  checkExpression('substitute', 'root', root)
  checkArgument('substitute', 'leaf', leaf, checks.callback())
  const done = new Map<Expression, Expression>()
  for (const node of topologicalOrder(root)) {
    const at = (child: Expression): Expression => done.get(child) as Expression
    done.set(node, rebuild(node, at, leaf))
  }
  return done.get(root) as Expression
}

const builders: Record<BinaryName, (x: Expression, y: Expression) => Expression> = {
  add,
  subtract,
  multiply,
  divide,
  pow,
  minimum,
  maximum,
  less,
  equal,
}

function rebuild(
  node: Expression,
  at: (child: Expression) => Expression,
  leaf: (node: Expression & { kind: 'input' | 'scalar' }) => Expression,
): Expression {
  switch (node.kind) {
    case 'input':
    case 'scalar':
      return leaf(node)
    case 'constant':
      return node
    case 'unary':
      return node.name === 'negate' ? negate(at(node.x)) : unary(node.name, at(node.x))
    case 'binary':
      return builders[node.name](at(node.x), at(node.y))
    case 'select':
      return select(at(node.condition), at(node.x), at(node.y))
  }
}
