/**
 * Elementwise: out[i] = expression(inputs[i]…), inputs broadcast. One op for every formula of one element.
 */
import { checkArgument } from '../../checks/check-options.ts'
import * as checks from '../../checks/checks.ts'
import { checkDType, type DType } from '../../dtype.ts'
import { runOp } from '../../engine.ts'
import { OptionError } from '../../errors.ts'
import {
  checkExpression,
  type Expression,
  input,
  substitute,
  topologicalOrder,
} from '../../expression/expression.ts'
import { defineOp } from '../../op.ts'
import { broadcastShapes, sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'

export interface ElementwiseAttrs {
  readonly expression: Expression
  /** The values of `scalar(k)` nodes; changing these compiles nothing. */
  readonly scalars: readonly number[]
  /**
   * Element type of the output. Arithmetic is in f32, so `i32` is exact below 2²⁴; storing to `i32` truncates
   * towards 0.
   */
  readonly dtype: DType
}

export const elementwiseOp = defineOp<ElementwiseAttrs>()({
  name: 'elementwise',
  takes: 'several',
  infer(inputs, { expression, scalars, dtype }) {
    for (const node of topologicalOrder(expression)) {
      const given = node.kind === 'input' ? inputs : node.kind === 'scalar' ? scalars : undefined
      if (given !== undefined && (node as { index: number }).index >= given.length) {
        throw new OptionError(
          `elementwise: the expression reads ${node.kind} ${(node as { index: number }).index}. ` +
            `Got ${given.length} ${node.kind}s; expected at least one more.`,
        )
      }
    }
    const shape = broadcastShapes(
      'elementwise',
      inputs.map((x) => x.shape),
    )
    return [{ shape, dtype }]
  },
  flops: (_, outputs, { expression }) =>
    sizeOf(outputs[0]?.shape ?? []) *
    topologicalOrder(expression).filter((node) => node.kind === 'unary' || node.kind === 'binary').length,
})

const someNumbers = checks.list('a list of numbers', checks.anyNumber)

/**
 * Applies a formula element by element.
 *
 * @param expression Built with the functions of `expression.ts`; `input(k)` is the element of `inputs[k]`.
 * @param inputs At least one tensor; shapes broadcast as in NumPy.
 * @param scalars Numbers for the `scalar(k)` nodes.
 * @param dtype Element type of the output. Default `f32`.
 */
export function elementwise(
  expression: Expression,
  inputs: readonly Tensor[],
  scalars: readonly number[] = [],
  dtype: DType = 'f32',
): Tensor {
  checkExpression('elementwise', 'expression', expression)
  checkArgument('elementwise', 'inputs', inputs, checks.tensors)
  checkArgument('elementwise', 'scalars', scalars, someNumbers)
  checkDType('elementwise', dtype)
  if (inputs.length === 0) throw new OptionError('elementwise: got no inputs; expected at least one tensor.')
  const used = onlyUsed(expression, inputs)
  return runOp('elementwise', used.inputs, { expression: used.expression, scalars, dtype })[0]
}

const usedBy = new WeakMap<Expression, { expression: Expression; indices: readonly number[] }>()

/** Drops inputs that the formula never reads, unless they are needed for the shape or none would be left. */
function onlyUsed(
  expression: Expression,
  inputs: readonly Tensor[],
): { expression: Expression; inputs: readonly Tensor[] } {
  let found = usedBy.get(expression)
  if (found === undefined) {
    const nodes = topologicalOrder(expression)
    const indices = [...new Set(nodes.flatMap((node) => (node.kind === 'input' ? [node.index] : [])))].sort(
      (a, b) => a - b,
    )
    const renumbered = substitute(expression, (leaf) =>
      leaf.kind === 'input' ? input(indices.indexOf(leaf.index)) : leaf,
    )
    found = { expression: renumbered, indices }
    usedBy.set(expression, found)
  }
  const { indices } = found
  // `infer` reports inputs that are missing.
  const isMissing = (indices.at(-1) ?? -1) >= inputs.length
  if (indices.length === inputs.length || indices.length === 0 || isMissing) return { expression, inputs }
  const kept = indices.map((index) => inputs[index])
  const full = broadcastShapes(
    'elementwise',
    inputs.map((x) => x.shape),
  )
  const rest = broadcastShapes(
    'elementwise',
    kept.map((x) => x.shape),
  )
  const sameResult = full.length === rest.length && full.every((n, i) => n === rest[i])
  return sameResult ? { expression: found.expression, inputs: kept } : { expression, inputs }
}
