/** Interprets a scalar expression in double precision: the oracle every rendered kernel is compared with. */
import { applyBinary, applyUnary, type Expression, topologicalOrder } from './expression.ts'

/**
 * Prepares an expression for repeated evaluation.
 *
 * @param expression The formula.
 * @returns A function of (inputs, scalars) that returns the value at one element.
 */
export function evaluator(
  expression: Expression,
): (inputs: ArrayLike<number>, scalars: ArrayLike<number>) => number {
  const order = topologicalOrder(expression)
  const slot = new Map(order.map((node, index) => [node, index]))
  const at = (node: Expression): number => slot.get(node) as number
  const values = new Float64Array(order.length)
  type Step = (inputs: ArrayLike<number>, scalars: ArrayLike<number>) => number
  const steps = order.map((node): Step => {
    switch (node.kind) {
      case 'input':
        return (inputs) => inputs[node.index]
      case 'scalar':
        return (_, scalars) => scalars[node.index]
      case 'constant':
        return () => node.value
      case 'unary': {
        const x = at(node.x)
        return () => applyUnary(node.name, values[x])
      }
      case 'binary': {
        const [x, y] = [at(node.x), at(node.y)]
        return () => applyBinary(node.name, values[x], values[y])
      }
      case 'select': {
        const [c, x, y] = [at(node.condition), at(node.x), at(node.y)]
        return () => (values[c] !== 0 ? values[x] : values[y])
      }
    }
  })
  return (inputs, scalars) => {
    for (let i = 0; i < steps.length; i++) values[i] = steps[i](inputs, scalars)
    return values[values.length - 1]
  }
}
