/** One AdamW step of a parameter some of whose slices are copies that keep to the pace of their original. */
import {
  type AdamwAttrs,
  adamwFormulas,
  assign,
  elementwise,
  expression,
  scope,
  type Tensor,
} from '@burgeon/tensor'
import { type Age, byAge } from '../moments/ages.ts'
import { type Pace, paceFactor } from '../moments/copy-paces.ts'

const { abs, constant, input, less, multiply, scalar, select, substitute, subtract } = expression

// inputs: w, g, m, v, both corrections, the factor on ε
const step = substitute(adamwFormulas.update, (leaf) => {
  if (leaf.kind !== 'scalar') return leaf
  if (leaf.index === 3) return multiply(leaf, input(6))
  return leaf.index === 5 || leaf.index === 6 ? input(leaf.index - 1) : leaf
})
// inputs: w, g, the step at a rate of 1 without decay, its factor, the share of warm-up; scalars: rate, decay
const change = select(
  less(abs(input(1)), constant(adamwFormulas.largestGradient)),
  multiply(
    multiply(scalar(0), input(4)),
    subtract(multiply(input(3), input(2)), multiply(scalar(1), input(0))),
  ),
  constant(0),
)

/**
 * As `adamwUpdate`, but a copy moves by its factor of the step. Decay is a share of the copy itself and needs
 * none. ε is measured against the gradients of copies and shrinks with them.
 *
 * @param shareAt What share of the rate an age gets; rises with age.
 */
export function adamwUpdatePaced(
  tensors: readonly [parameter: Tensor, gradient: Tensor, first: Tensor, second: Tensor],
  attrs: Omit<AdamwAttrs, 'step'>,
  { oldest, along }: Age,
  pace: Pace,
  shareAt: (age: number) => number,
): Tensor {
  const [parameter, gradient, first, second] = tensors
  const { firstMoment, secondMoment, scalarsOf } = adamwFormulas
  const { device, shape } = parameter
  const scalars = scalarsOf({ ...attrs, step: 1 })
  scope(() => {
    assign(first, elementwise(firstMoment, tensors, scalars))
    assign(second, elementwise(secondMoment, tensors, scalars))
  })
  const ages = along.length > 0 ? along : [{ axis: 0, ages: [oldest] }]
  const of = (kind: 'rises' | 'falls', f: (age: number) => number): Tensor =>
    byAge(device, shape.length, ages, kind, f)
  const [one, two] = [attrs.beta1, attrs.beta2].map((beta) => of('falls', (age) => 1 / (1 - beta ** age)))
  const epsilon = paceFactor(device, shape.length, pace, 'gradient')
  const unit = scalarsOf({ ...attrs, learningRate: 1, weightDecay: 0, step: 1 })
  const own = elementwise(step, [...tensors, one, two, epsilon], unit)
  const factor = paceFactor(device, shape.length, pace, 'scaleFree')
  const inputs = [parameter, gradient, own, factor, of('rises', shareAt)]
  return elementwise(change, inputs, [attrs.learningRate, attrs.weightDecay])
}
