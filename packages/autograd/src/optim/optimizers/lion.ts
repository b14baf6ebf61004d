import { checkOptions, type ChecksOf, checks, expression } from '@burgeon/tensor'
import { limitAtRate } from '../non-finite/finite-only.ts'
import type { GradientTransform } from '../transforms/gradient-transform.ts'
import { pacingSteps, usualPacing } from '../moments/copy-paces.ts'
import { gradient, moment, oneMoment, pace, parameter } from '../moments/one-moment.ts'
import { aRate, type Schedule, scheduleOf } from '../schedules/schedule.ts'
import { warmingUp, warmUpSteps } from '../schedules/warming-up.ts'

/** How `lion` shall step. */
export interface LionOptions {
  /** A number ≥ 0, or a schedule; three to ten times smaller than for AdamW. */
  readonly learningRate: number | Schedule
  /** Share of the moment in the direction, in [0, 1); 0.9 unless given. */
  readonly beta1?: number
  /** Decay of the moment, in [0, 1); 0.99 unless given. */
  readonly beta2?: number
  /** Decoupled weight decay, ≥ 0; three to ten times larger than for AdamW; 0 unless given. */
  readonly weightDecay?: number
  /** Which parameters decay; all unless given. */
  readonly decays?: (path: string) => boolean
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

const optionChecks: ChecksOf<LionOptions> = {
  learningRate: checks.required(aRate),
  beta1: checks.number({ from: 0, below: 1 }),
  beta2: checks.number({ from: 0, below: 1 }),
  weightDecay: checks.number({ from: 0 }),
  decays: checks.callback('a function of a path'),
  warmUp: warmUpSteps,
  copyPacing: pacingSteps,
}

const { add, constant, less, multiply, scalar, select, subtract } = expression
const average = (share: typeof gradient): typeof gradient =>
  add(multiply(share, moment), multiply(subtract(constant(1), share), gradient))
const mixed = average(scalar(1))
const sign = select(
  less(constant(0), mixed),
  constant(1),
  select(less(mixed, constant(0)), constant(-1), constant(0)),
)

const decay = multiply(scalar(3), parameter)

/** An average of numbers below it stays in single precision, however it is rounded. */
const largestGradient = 2 ** 127

/**
 * Lion (Chen et al. 2023, algorithm 2): Δ = −rate·(sign(β₁·m + (1 − β₁)·g) + λ·w), then m ← β₂·m + (1 −
 * β₂)·g. Half of AdamW's memory. Refuses gradients that are not finite, or of 2¹²⁷ or more.
 *
 * @throws OptionError for options out of range.
 */
export function lion(options: LionOptions): GradientTransform {
  checkOptions('lion', options, optionChecks)
  const { beta1 = 0.9, beta2 = 0.99, weightDecay = 0, decays = () => true, warmUp = 0 } = options
  const { copyPacing = usualPacing } = options
  const rate = scheduleOf(options.learningRate, 'lion')
  const lion = oneMoment({
    name: 'lion',
    next: average(scalar(2)),
    change: multiply(scalar(0), add(sign, decay)),
    pacedChange: multiply(scalar(0), add(multiply(pace, sign), decay)),
    steps: 'scaleFree',
    copyPacing,
    rateAt: rate,
    largest: largestGradient,
    largestAt: (learningRate) => limitAtRate(learningRate, largestGradient),
    scalarsOf: (learningRate, path) => [-learningRate, beta1, beta2, decays(path) ? weightDecay : 0],
  })
  return warmingUp(lion, warmUp)
}
