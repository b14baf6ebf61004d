import { elementwise, expression } from '@burgeon/tensor'
import { type GradientTransform, stateless } from './gradient-transform.ts'
import { type Schedule, scheduleOf } from './schedule.ts'

const { abs, constant, input, less, multiply, scalar, select } = expression
const step = select(less(abs(input(0)), constant(Infinity)), multiply(input(0), scalar(0)), constant(0))

/** Plain gradient descent: Δ = −rate·g; no change where g is infinite or NaN. */
export function sgd(learningRate: number | Schedule): GradientTransform {
  const rate = scheduleOf(learningRate)
  return stateless('sgd', (gradients, context) =>
    Object.fromEntries(
      Object.entries(gradients).map(([path, gradient]) => [
        path,
        elementwise(step, [gradient], [-rate(context.step)]),
      ]),
    ),
  )
}
