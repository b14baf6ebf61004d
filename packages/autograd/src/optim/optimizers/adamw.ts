import {
  adamwFormulas,
  adamwUpdate,
  checkOptions,
  type ChecksOf,
  checks,
  type PlainTensors,
  TensorMirror,
} from '@burgeon/tensor'
import { adamwUpdateByAge } from './adamw-by-age.ts'
import { adamwUpdatePaced } from './adamw-paced.ts'
import { Ages, type AgesState, settledAge } from '../moments/ages.ts'
import { CopyPaces, pacingSteps, usualPacing } from '../moments/copy-paces.ts'
import { withPaces } from '../moments/with-paces.ts'
import { finiteOnly, limitAtRate } from '../non-finite/finite-only.ts'
import { type GradientTransform, restorable } from '../transforms/gradient-transform.ts'
import { aRate, type Schedule, scheduleOf } from '../schedules/schedule.ts'
import { shareAt, warmUpSteps } from '../schedules/warming-up.ts'

/** How `adamw` shall step. */
export interface AdamwOptions {
  /** A number ≥ 0, or a schedule over the steps of the run. */
  readonly learningRate: number | Schedule
  /** In [0, 1); 0.9 unless given. */
  readonly beta1?: number
  /** In [0, 1); 0.999 unless given. */
  readonly beta2?: number
  /** Positive; 1e-8 unless given. */
  readonly epsilon?: number
  /** Decoupled weight decay, ≥ 0; 0.01 unless given. */
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

const optionChecks: ChecksOf<AdamwOptions> = {
  learningRate: checks.required(aRate),
  beta1: checks.number({ from: 0, below: 1 }),
  beta2: checks.number({ from: 0, below: 1 }),
  epsilon: checks.number({ above: 0 }),
  weightDecay: checks.number({ from: 0 }),
  decays: checks.callback('a function of a path'),
  warmUp: warmUpSteps,
  copyPacing: pacingSteps,
}

interface AdamwState extends AgesState {
  readonly first: PlainTensors
  readonly second: PlainTensors
}

/**
 * Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2).
 *
 * Bias correction and warm-up count the steps of each part since its own birth: a block that was added late,
 * or the new columns of a matrix that grew, begin like young ones, and what was there before goes on as if
 * nothing had happened. Refuses gradients that are not finite, or of 2⁶³ or more: their squares leave single
 * precision.
 *
 * @throws OptionError for options out of range.
 */
export function adamw(options: AdamwOptions): GradientTransform {
  checkOptions('adamw', options, optionChecks)
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01, decays = () => true } = options
  const { warmUp = 0, copyPacing = usualPacing } = options
  const rate = scheduleOf(options.learningRate, 'adamw')
  const first = new TensorMirror('adamw first moment', 'gradient')
  const second = new TensorMirror('adamw second moment', 'squaredGradient')
  // From then on both corrections are 1.
  const ages = new Ages('adamw ages', Math.max(settledAge(Math.max(beta1, beta2)), warmUp))
  const paces = new CopyPaces('adamw paces of copies', copyPacing)
  const share = (age: number): number => shareAt(age, warmUp)
  return finiteOnly({
    name: 'adamw',
    mirrors: [first, second, ages, paces],
    rateAt: rate,
    largestAt: (learningRate) => limitAtRate(learningRate, adamwFormulas.largestGradient),
    transform(gradients, { parameters, rate: learningRate }) {
      const updates = Object.entries(gradients).map(([path, gradient]) => {
        const age = ages.tick(path)
        const pace = paces.tick(path)
        const { oldest, along } = age
        const attrs = { learningRate, beta1, beta2, epsilon, weightDecay: decays(path) ? weightDecay : 0 }
        const m = first.getOrZero(path, gradient)
        const v = second.getOrZero(path, gradient)
        if (pace !== null) {
          return [
            path,
            adamwUpdatePaced([parameters[path], gradient, m, v], attrs, age, pace, share),
          ] as const
        }
        if (along.length > 0) {
          return [path, adamwUpdateByAge([parameters[path], gradient, m, v], attrs, along, share)] as const
        }
        const ofAll = { ...attrs, learningRate: learningRate * share(oldest), step: oldest }
        return [path, adamwUpdate(parameters[path], gradient, m, v, ofAll)] as const
      })
      return Object.fromEntries(updates)
    },
    ...withPaces(paces, {
      toState: async (): Promise<AdamwState> => ({
        ...ages.toState(),
        first: await first.toState(),
        second: await second.toState(),
      }),
      ...restorable(
        (state, parameters) => {
          ages.checkState(state, parameters)
          const saved = state as AdamwState
          first.checkState(saved.first, parameters)
          second.checkState(saved.second, parameters)
          return saved
        },
        (saved, parameters) => {
          ages.restore(saved, parameters)
          first.restore(saved.first, parameters)
          second.restore(saved.second, parameters)
        },
      ),
    }),
  })
}
