import { elementwise, expression, OptionError } from '@burgeon/tensor'
import { type GradientTransform, stateless } from './gradient-transform.ts'
import { gradient, moment, oneMoment } from './one-moment.ts'
import { type Schedule, scheduleOf } from './schedule.ts'
import { warmingUp } from './warming-up.ts'

/** What `sgd` shall remember. */
export interface SgdOptions {
  /** How much of the last step's direction is kept, in [0, 1); 0 unless given. */
  readonly momentum?: number
  /** Looks ahead by the momentum (Sutskever et al. 2013, eq. 4); false unless given. */
  readonly nesterov?: boolean
  /** Steps, ≥ 0, over which the rate of whatever is newborn (the whole model at first) rises to the schedule's; 0 unless given. */
  readonly warmUp?: number
}

const { abs, add, constant, input, less, multiply, scalar, select } = expression
const plain = select(less(abs(input(0)), constant(Infinity)), multiply(input(0), scalar(0)), constant(0))
const direction = add(multiply(scalar(1), moment), gradient)
const ahead = add(multiply(scalar(1), direction), gradient)

/**
 * Gradient descent: Δ = −rate·g; with momentum μ, m ← μ·m + g and Δ = −rate·m (Polyak 1964), or −rate·(g + μ·m) when it looks
 * ahead. Nothing changes where g is infinite or NaN.
 *
 * @throws OptionError for a momentum outside [0, 1), or for looking ahead without one.
 */
export function sgd(learningRate: number | Schedule, options: SgdOptions = {}): GradientTransform {
  const { momentum = 0, nesterov = false, warmUp = 0 } = options
  if (!(momentum >= 0 && momentum < 1) || (nesterov && momentum === 0)) {
    throw new OptionError(
      `sgd: got momentum ${momentum}${nesterov ? ' with nesterov' : ''}; expected 0 ≤ momentum < 1, and above 0 with nesterov.`,
    )
  }
  const rate = scheduleOf(learningRate)
  if (momentum > 0) {
    const descent = oneMoment({
      name: nesterov ? 'sgd with Nesterov momentum' : 'sgd with momentum',
      next: direction,
      change: multiply(scalar(0), nesterov ? ahead : direction),
      scalarsOf: ({ step }) => [-rate(step), momentum],
    })
    return warmingUp(descent, warmUp)
  }
  const descent = stateless('sgd', (gradients, { step }) => {
    const factor = -rate(step)
    return Object.fromEntries(
      Object.entries(gradients).map(([path, slope]) => [path, elementwise(plain, [slope], [factor])]),
    )
  })
  return warmingUp(descent, warmUp)
}
