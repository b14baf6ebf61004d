import {
  checkArgument,
  checks,
  elementwise,
  expression,
  globalNorm,
  type TensorsByPath,
} from '@burgeon/tensor'
import { type GradientTransform, stateless } from './gradient-transform.ts'

const { constant, divide, input, minimum, multiply, scalar } = expression
// x · min(1, limit/(norm + 1e-6))
const clipped = multiply(
  input(0),
  minimum(constant(1), divide(scalar(0), expression.add(input(1), constant(1e-6)))),
)

/**
 * Scales all gradients by one factor so that their global norm is at most `limit` (Pascanu et al. 2013, algorithm 1).
 * The norm stays on the device.
 *
 * @param limit Positive.
 */
export function clipByGlobalNorm(limit: number): GradientTransform {
  checkArgument('clipByGlobalNorm', 'limit', limit, checks.number({ above: 0, infinite: true }))
  return stateless(`clip by global norm ${limit}`, (gradients: TensorsByPath) => {
    const norm = globalNorm(Object.values(gradients))
    return Object.fromEntries(
      Object.entries(gradients).map(([path, gradient]) => [
        path,
        elementwise(clipped, [gradient, norm], [limit]),
      ]),
    )
  })
}
