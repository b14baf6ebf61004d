import { multiply } from '@burgeon/tensor'
import { type GradientTransform, stateless } from './gradient-transform.ts'
import { type Schedule, scheduleOf } from './schedule.ts'

/** Plain gradient descent: Δ = −rate·g. */
export function sgd(learningRate: number | Schedule): GradientTransform {
  const rate = scheduleOf(learningRate)
  return stateless('sgd', (gradients, { step }) =>
    Object.fromEntries(
      Object.entries(gradients).map(([path, gradient]) => [path, multiply(gradient, -rate(step))]),
    ),
  )
}
