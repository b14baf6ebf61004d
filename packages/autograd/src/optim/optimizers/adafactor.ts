import {
  checkOptions,
  checkState,
  type ChecksOf,
  checks,
  elementwise,
  type Expression,
  expression,
  globalNorm,
  scope,
} from '@burgeon/tensor'
import { Ages, type AgesState } from '../moments/ages.ts'
import { mostSquare, type RowAxes } from '../moments/as-matrix.ts'
import { FactoredMoment, type FactoredMomentState } from '../moments/factored-moment.ts'
import { finiteOnly, limitAtRate } from '../non-finite/finite-only.ts'
import { type GradientTransform, restorable } from '../transforms/gradient-transform.ts'
import { aRate, type Schedule, scheduleOf } from '../schedules/schedule.ts'
import { hasNonFinite, unlessNonFinite } from '../non-finite/non-finite.ts'
import { warmingUp, warmUpSteps } from '../schedules/warming-up.ts'

/** How `adafactor` shall step. */
export interface AdafactorOptions {
  /** A number ≥ 0, or a schedule; min(10⁻², 1/√t) at update t, counted from 1, unless given. */
  readonly learningRate?: number | Schedule
  /**
   * Whether a step is relative to the parameter, the rate being multiplied by max(10⁻³, RMS(w)); true unless
   * given.
   */
  readonly relative?: boolean
  /** Decoupled weight decay, ≥ 0; 0 unless given. */
  readonly weightDecay?: number
  /** Which parameters decay; all unless given. */
  readonly decays?: (path: string) => boolean
  /**
   * How many leading axes of a parameter of rank 2 or more are the rows; what makes it most nearly square
   * unless given.
   */
  readonly rowAxes?: RowAxes
  /**
   * Steps, ≥ 0, over which the rate of whatever is new (the whole model at first) rises to the schedule's; 0
   * unless given.
   */
  readonly warmUp?: number
}

const optionChecks: ChecksOf<AdafactorOptions> = {
  learningRate: aRate,
  relative: checks.boolean,
  weightDecay: checks.number({ from: 0 }),
  decays: checks.callback('a function of a path'),
  rowAxes: checks.callback('a function of a path and a shape'),
  warmUp: warmUpSteps,
}

interface AdafactorState {
  readonly ages: AgesState
  readonly moment: FactoredMomentState
}

const { add, constant, divide, input, maximum, multiply, scalar } = expression
// inputs: U = g/√V̂, ‖U‖, w, ‖w‖, flag; scalars: −rate, decay, 1/√size. Clipped at RMS(U) = 1 (algorithm 4, d
// of algorithm 6).
const clipped = divide(input(0), maximum(constant(1), multiply(input(1), scalar(2))))
const move = (rate: Expression): Expression =>
  unlessNonFinite(input(4), multiply(rate, add(clipped, multiply(scalar(1), input(2)))), constant(0))
const absolute = move(scalar(0))
// ε₂ of algorithm 6
const relative = move(multiply(scalar(0), maximum(constant(1e-3), multiply(input(3), scalar(2)))))

/** The squares of 2³¹ smaller ones add up to less than single precision holds. */
const largestGradient = 2 ** 48

const defaultRate: Schedule = (step) => Math.min(1e-2, 1 / Math.sqrt(step + 1))

/**
 * Adafactor (Shazeer & Stern 2018, algorithms 4 to 6, without a first moment): Adam's second moment from
 * means over rows and columns, which take R + C numbers for a matrix of R·C. U = g/√V̂; Δ = −α·(U/max(1,
 * RMS(U)) + λ·w), α = rate·max(10⁻³, RMS(w)).
 *
 * The averages go by the age of each row and each column. Refuses gradients that are not finite, or of 2⁴⁸ or
 * more: means of their squares leave single precision. After a loss scale it leaves the whole parameter and
 * its averages alone instead.
 *
 * @throws OptionError for options out of range.
 */
export function adafactor(options: AdafactorOptions = {}): GradientTransform {
  checkOptions('adafactor', options, optionChecks)
  const { weightDecay = 0, decays = () => true, rowAxes = mostSquare, warmUp = 0 } = options
  const rate = scheduleOf(options.learningRate ?? defaultRate, 'adafactor')
  const change = (options.relative ?? true) ? relative : absolute
  // 1 − t^−0.8 does not settle within a life.
  const ages = new Ages('adafactor ages', Infinity)
  const moment = new FactoredMoment('adafactor', rowAxes)
  const optimizer = finiteOnly({
    name: 'adafactor',
    mirrors: [ages, ...moment.mirrors],
    rateAt: rate,
    largestAt: (learningRate) => limitAtRate(learningRate, largestGradient),
    transform(gradients, { parameters, rate: learningRate }) {
      const updates = Object.entries(gradients).map(([path, gradient]) => {
        const age = ages.tick(path)
        const update = scope(() => {
          const flag = hasNonFinite(gradient, largestGradient)
          const w = parameters[path]
          const direction = moment.normalized(path, gradient, flag, age)
          const inputs = [direction, globalNorm([direction]), w, globalNorm([w]), flag]
          const decay = decays(path) ? weightDecay : 0
          return elementwise(change, inputs, [-learningRate, decay, 1 / Math.sqrt(gradient.size)])
        })
        return [path, update] as const
      })
      return Object.fromEntries(updates)
    },
    toState: async (): Promise<AdafactorState> => ({
      ages: ages.toState(),
      moment: await moment.toState(),
    }),
    ...restorable(
      (state, parameters) => {
        const saved = checkState<AdafactorState>('adafactor', state, {
          ages: checks.object('steps of every parameter'),
          moment: checks.object('rowAxes, rows, columns, overall and whole'),
        })
        ages.checkState(saved.ages, parameters)
        moment.checkState(saved.moment, parameters)
        return saved
      },
      (saved, parameters) => {
        ages.restore(saved.ages, parameters)
        moment.restore(saved.moment, parameters)
      },
    ),
  })
  return warmingUp(optimizer, warmUp)
}
