import { checkOptions, type ChecksOf, checks, elementwise, expression, OptionError } from '@burgeon/tensor'
import { finiteOnly } from '../non-finite/finite-only.ts'
import type { GradientTransform } from '../transforms/gradient-transform.ts'
import { CopyPaces, paceFactor, pacingSteps, usualPacing } from '../moments/copy-paces.ts'
import { finite, gradient, moment, oneMoment, pace } from '../moments/one-moment.ts'
import { withPaces } from '../moments/with-paces.ts'
import { aRate, type Schedule, scheduleOf } from '../schedules/schedule.ts'
import { warmingUp, warmUpSteps } from '../schedules/warming-up.ts'

/** How `sgd` shall step. */
export interface SgdOptions {
  /** A number ≥ 0, or a schedule over the steps of the run. */
  readonly learningRate: number | Schedule
  /** How much of the last step's direction is kept, in [0, 1); 0 unless given. */
  readonly momentum?: number
  /** Looks ahead by the momentum (Sutskever et al. 2013, eq. 4); false unless given. */
  readonly nesterov?: boolean
  /**
   * Steps, ≥ 0, over which the rate of whatever is new (the whole model at first) rises to the schedule's; 0
   * unless given.
   */
  readonly warmUp?: number
  /**
   * Steps, ≥ 0 or Infinity, over which slices that growth copied come from the pace that leaves the sum of
   * what they do where it would have gone, to the pace of all others; 200 unless given.
   */
  readonly copyPacing?: number
}

const moreChecks: ChecksOf<Omit<SgdOptions, 'learningRate'>> = {
  momentum: checks.number({ from: 0, below: 1 }),
  nesterov: checks.boolean,
  warmUp: warmUpSteps,
  copyPacing: pacingSteps,
}

const optionChecks: ChecksOf<SgdOptions> = { learningRate: checks.required(aRate), ...moreChecks }

const { add, input, multiply, scalar } = expression
const plain = finite(multiply(input(0), scalar(0)))
const paced = finite(multiply(input(0), multiply(scalar(0), input(1))))
const direction = add(multiply(scalar(1), moment), gradient)
const ahead = add(multiply(scalar(1), direction), gradient)

/**
 * Numbers below it, and moments and changes that do not exceed it, stay in single precision however they are
 * rounded.
 */
const most = 2 ** 127

/**
 * Gradient descent: Δ = −rate·g; with momentum μ, m ← μ·m + g and Δ = −rate·m (Polyak 1964), or −rate·(g +
 * μ·m) when it looks ahead. Refuses gradients that are not finite, or that would make a moment or a change
 * leave single precision: (1 − μ)·2¹²⁷/max(1, rate) or more.
 *
 * @param options As of the other optimizers; a learning rate alone is short for `{ learningRate }`.
 * @param more Beside a learning rate alone, the other options.
 * @throws OptionError for options out of range, or for looking ahead without momentum.
 * @example
 * ```ts
 * const optimizer = sgd({ learningRate: 0.1, momentum: 0.9 })
 * ```
 */
export function sgd(
  options: SgdOptions | number | Schedule,
  more: Omit<SgdOptions, 'learningRate'> = {},
): GradientTransform {
  const isRate = typeof options === 'number' || typeof options === 'function'
  if (isRate) checkOptions('sgd', more, moreChecks)
  const given: SgdOptions = isRate ? { learningRate: options, ...more } : options
  checkOptions('sgd', given, optionChecks)
  const { momentum = 0, nesterov = false, warmUp = 0, copyPacing = usualPacing } = given
  if (nesterov && momentum === 0) {
    throw new OptionError('sgd: got nesterov without momentum; expected a momentum above 0 with it.')
  }
  const rate = scheduleOf(given.learningRate, 'sgd')
  if (momentum > 0) {
    const largest = most * (1 - momentum)
    const descent = oneMoment({
      name: nesterov ? 'sgd with Nesterov momentum' : 'sgd with momentum',
      next: direction,
      change: multiply(scalar(0), nesterov ? ahead : direction),
      pacedChange: multiply(multiply(scalar(0), pace), nesterov ? ahead : direction),
      steps: 'proportional',
      copyPacing,
      rateAt: rate,
      largest,
      largestAt: (learningRate) => largest / Math.max(1, learningRate),
      scalarsOf: (learningRate) => [-learningRate, momentum],
    })
    return warmingUp(descent, warmUp)
  }
  const paces = new CopyPaces('sgd paces of copies', copyPacing)
  const descent = finiteOnly({
    name: 'sgd',
    mirrors: [paces],
    rateAt: rate,
    largestAt: (learningRate) => most / Math.max(1, learningRate),
    transform: (gradients, { rate: learningRate }) =>
      Object.fromEntries(
        Object.entries(gradients).map(([path, gradient]) => {
          const own = paces.tick(path)
          if (own === null) return [path, elementwise(plain, [gradient], [-learningRate])]
          const factor = paceFactor(gradient.device, gradient.shape.length, own, 'proportional')
          return [path, elementwise(paced, [gradient, factor], [-learningRate])]
        }),
      ),
    ...withPaces(paces, { toState: () => Promise.resolve(null), restore: () => {} }),
  })
  return warmingUp(descent, warmUp)
}
