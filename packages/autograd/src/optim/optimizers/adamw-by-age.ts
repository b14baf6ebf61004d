/**
 * One AdamW step of a parameter whose parts differ in age: bias correction and warm-up by the age of each
 * element.
 */
import {
  type AdamwAttrs,
  adamwFormulas,
  assign,
  elementwise,
  expression,
  scope,
  type Tensor,
} from '@burgeon/tensor'
import { type AxisAges, byAge } from '../moments/ages.ts'

const { input, multiply, scalar, substitute } = expression

/** Where the formula has one number for all: the rate times the share of warm-up, and both corrections. */
const byElement = new Map([
  [0, multiply(scalar(0), input(4))],
  [5, input(5)],
  [6, input(6)],
])
const change = substitute(adamwFormulas.update, (leaf) =>
  leaf.kind === 'scalar' ? (byElement.get(leaf.index) ?? leaf) : leaf,
)

/**
 * As `adamwUpdate`, with an age for every element. The corrections are worked out in double precision for
 * every index and sent along: 1 − β^age in single precision would lose four digits for a young part.
 *
 * @param along Ages along the axes on which they differ; at least one.
 * @param shareAt What share of the rate an age gets; rises with age.
 */
export function adamwUpdateByAge(
  tensors: readonly [parameter: Tensor, gradient: Tensor, first: Tensor, second: Tensor],
  attrs: Omit<AdamwAttrs, 'step'>,
  along: readonly AxisAges[],
  shareAt: (age: number) => number,
): Tensor {
  const [parameter, , first, second] = tensors
  const { firstMoment, secondMoment, scalarsOf } = adamwFormulas
  const scalars = scalarsOf({ ...attrs, step: 1 })
  const { device, shape } = parameter
  scope(() => {
    assign(first, elementwise(firstMoment, tensors, scalars))
    assign(second, elementwise(secondMoment, tensors, scalars))
  })
  const correction = (beta: number): Tensor =>
    byAge(device, shape.length, along, 'falls', (age) => 1 / (1 - beta ** age))
  const shares = byAge(device, shape.length, along, 'rises', shareAt)
  return elementwise(change, [...tensors, shares, correction(attrs.beta1), correction(attrs.beta2)], scalars)
}
