import { checkArgument, checks, elementwise, expression, runOp, type TensorsByPath } from '@burgeon/tensor'
import { isWithin, overNorm } from '../../unit-direction.ts'
import { type GradientTransform, stateless } from './gradient-transform.ts'

const { constant, input, multiply, scalar, select } = expression
const most = scalar(0)
// PyTorch adds 10⁻⁶, which suits limits near 1; this share of the limit is the same there, and right for
// limits of any size.
const margin = multiply(most, constant(1e-6))
// inputs: x, ‖all‖, scaled ‖all‖: x·min(1, limit/(‖all‖ + margin)), in an order in which nothing overflows
const clipped = select(isWithin(most, margin), input(0), multiply(overNorm(margin), most))

/**
 * Scales all gradients by one factor so that their global norm is at most `limit` (Pascanu et al. 2013,
 * algorithm 1), also where squares or the norm itself leave the range of single precision. Gradients within
 * the limit keep every bit. The norm stays on the device.
 *
 * @param limit Positive.
 */
export function clipByGlobalNorm(limit: number): GradientTransform {
  checkArgument('clipByGlobalNorm', 'limit', limit, checks.number({ above: 0, infinite: true }))
  return stateless(`clip by global norm ${limit}`, (gradients: TensorsByPath) => {
    // The norm of nothing would have no device.
    if (Object.keys(gradients).length === 0) return {}
    const norms = runOp('globalNorm', Object.values(gradients), {})
    return Object.fromEntries(
      Object.entries(gradients).map(([path, gradient]) => [
        path,
        elementwise(clipped, [gradient, ...norms], [limit]),
      ]),
    )
  })
}
