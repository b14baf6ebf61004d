/** Renders a scalar expression to WGSL statements that compute it for one element. */
import {
  type BinaryName,
  type Expression,
  topologicalOrder,
  type UnaryName,
} from '../../../expression/expression.ts'
import { literal } from './wgsl-math.ts'

/** The leaves of an expression: WGSL expressions of type f32. */
export interface WgslLeaves {
  readonly input: (index: number) => string
  readonly scalar: (index: number) => string
}

const unaries: Record<UnaryName, (x: string) => string> = {
  negate: (x) => `-${x}`,
  abs: (x) => `abs(${x})`,
  exp: (x) => `exp_(${x})`,
  expm1: (x) => `expm1_(${x})`,
  log: (x) => `log_(${x})`,
  log1p: (x) => `log1p_(${x})`,
  sqrt: (x) => `sqrt(${x})`,
  sigmoid: (x) => `sigmoid_(${x})`,
  tanh: (x) => `tanh_(${x})`,
  erf: (x) => `erf_(${x})`,
  sin: (x) => `sine(${x}, 0)`,
  cos: (x) => `sine(${x}, 1)`,
  floor: (x) => `floor(${x})`,
  stopGradient: (x) => x,
}

const binaries: Record<BinaryName, (x: string, y: string) => string> = {
  add: (x, y) => `${x} + ${y}`,
  subtract: (x, y) => `${x} - ${y}`,
  multiply: (x, y) => `${x} * ${y}`,
  divide: (x, y) => `${x} / opaque_(${y})`,
  pow: (x, y) => `pow_(${x}, ${y})`,
  minimum: (x, y) => `minimum(${x}, ${y})`,
  maximum: (x, y) => `maximum(${x}, ${y})`,
  less: (x, y) => `select(0.0, 1.0, ${x} < ${y})`,
  equal: (x, y) => `select(0.0, 1.0, ${x} == ${y})`,
}

/**
 * Renders an expression to statements, and the name that then holds the value. The module needs
 * `mathFunctions`.
 *
 * @param prefix Begins the names, where several expressions are rendered into one function.
 */
export function renderWgsl(
  expression: Expression,
  leaves: WgslLeaves,
  prefix = 'v',
): { statements: string; value: string } {
  const names = new Map<Expression, string>()
  const at = (node: Expression): string => names.get(node) as string
  const code = (node: Expression): string => {
    switch (node.kind) {
      case 'input':
        return leaves.input(node.index)
      case 'scalar':
        return leaves.scalar(node.index)
      case 'constant':
        return literal(node.value)
      case 'unary':
        return unaries[node.name](at(node.x))
      case 'binary':
        return binaries[node.name](at(node.x), at(node.y))
      case 'select':
        // The condition is compared with `==`: NaN counts as true, and devices may find that it does not
        // differ from 0.
        return `select(${at(node.x)}, ${at(node.y)}, ${at(node.condition)} == 0.0)`
    }
  }
  const statements = topologicalOrder(expression).map((node, i) => {
    const name = `${prefix}${i}`
    names.set(node, name)
    return `  let ${name}: f32 = ${code(node)};`
  })
  return { statements: statements.join('\n'), value: at(expression) }
}
