import { checkArgument, checks, elementwise, expression } from '@burgeon/tensor'
import { type GradientTransform, stateless } from './gradient-transform.ts'

const { input, maximum, minimum, negate, scalar } = expression
const clipped = minimum(scalar(0), maximum(negate(scalar(0)), input(0)))

/**
 * Limits every number of every gradient to [−limit, limit]; NaN stays NaN.
 *
 * @param limit Positive.
 */
export function clipByValue(limit: number): GradientTransform {
  checkArgument('clipByValue', 'limit', limit, checks.number({ above: 0, infinite: true }))
  return stateless(`clip by value ${limit}`, (gradients) =>
    Object.fromEntries(
      Object.entries(gradients).map(([path, gradient]) => [path, elementwise(clipped, [gradient], [limit])]),
    ),
  )
}
