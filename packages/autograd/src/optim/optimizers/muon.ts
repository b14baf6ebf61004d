import {
  assign,
  checkOptions,
  type ChecksOf,
  checks,
  elementwise,
  expression,
  reshape,
  scope,
  sizeOf,
  TensorMirror,
} from '@burgeon/tensor'
import { checkedRowAxes, mostSquare, type RowAxes } from '../moments/as-matrix.ts'
import { finiteOnly, limitAtRate } from '../non-finite/finite-only.ts'
import type { GradientTransform } from '../transforms/gradient-transform.ts'
import { orthogonalize } from './orthogonalize.ts'
import { aRate, type Schedule, scheduleOf } from '../schedules/schedule.ts'
import { hasNonFinite, unlessNonFinite } from '../non-finite/non-finite.ts'
import { warmingUp, warmUpSteps } from '../schedules/warming-up.ts'

/** How `muon` shall step. */
export interface MuonOptions {
  /**
   * A number ≥ 0, or a schedule. With the scale `adamw` a rate that suits AdamW, with `spectral` some 0.02.
   */
  readonly learningRate: number | Schedule
  /** How much of the last direction is kept, in [0, 1); 0.95 unless given. */
  readonly momentum?: number
  /** Looks ahead by the momentum; true unless given. */
  readonly nesterov?: boolean
  /** Decoupled weight decay, ≥ 0; 0 unless given. */
  readonly weightDecay?: number
  /** Which parameters decay; all unless given. */
  readonly decays?: (path: string) => boolean
  /**
   * Factor on the orthogonal direction of an R × C matrix that maps R inputs to C outputs. `adamw`:
   * 0.2·√max(R, C), which moves a number as far as AdamW does (Liu et al. 2025, section 2.2). `spectral`:
   * √max(1, C/R) (Jordan et al. 2024). `adamw` unless given.
   */
  readonly scale?: 'adamw' | 'spectral'
  /** How many leading axes of a parameter are the rows; what makes it most nearly square unless given. */
  readonly rowAxes?: RowAxes
  /**
   * Steps, ≥ 0, over which the rate of whatever is new (the whole model at first) rises to the schedule's; 0
   * unless given.
   */
  readonly warmUp?: number
}

const optionChecks: ChecksOf<MuonOptions> = {
  learningRate: checks.required(aRate),
  momentum: checks.number({ from: 0, below: 1 }),
  nesterov: checks.boolean,
  weightDecay: checks.number({ from: 0 }),
  decays: checks.callback('a function of a path'),
  scale: checks.oneOf('adamw', 'spectral'),
  rowAxes: checks.callback('a function of a path and a shape'),
  warmUp: warmUpSteps,
}

const { add, constant, input, multiply, scalar } = expression
// inputs: g, m, flag; scalar 0: momentum
const sum = add(multiply(scalar(0), input(1)), input(0))
const kept = unlessNonFinite(input(2), sum, input(1))
const ahead = add(multiply(scalar(0), sum), input(0))
// inputs: orthogonal direction, w, flag; scalars: −rate, scale, decay
const change = unlessNonFinite(
  input(2),
  multiply(scalar(0), add(multiply(scalar(1), input(0)), multiply(scalar(2), input(1)))),
  constant(0),
)

/**
 * Muon: momentum whose direction is made orthogonal by Newton–Schulz steps (Jordan et al. 2024), so that
 * every direction of a matrix learns at one pace. m ← μ·m + g; Δ = −rate·(scale·orthogonalize(g + μ·m) +
 * λ·w).
 *
 * It is for hidden matrices; embeddings, gains and biases want AdamW, see `byPath`. A parameter of rank above
 * 2 is read as a matrix by `rowAxes`. Refuses gradients that are not finite, or of (1 − μ)·2⁶³ or more. After
 * a loss scale it leaves the whole parameter and its moment alone instead.
 *
 * @throws OptionError for options out of range. The transform throws ShapeError for a parameter of rank below
 *   2.
 */
export function muon(options: MuonOptions): GradientTransform {
  checkOptions('muon', options, optionChecks)
  const { momentum = 0.95, nesterov = true, weightDecay = 0, decays = () => true } = options
  const { scale = 'adamw', rowAxes = mostSquare, warmUp = 0 } = options
  const rate = scheduleOf(options.learningRate, 'muon')
  const moments = new TensorMirror('muon moment', 'gradient')
  // However long such gradients last, the norm of what they add up to is finite.
  const largest = 2 ** 63 * (1 - momentum)
  const factorOf = (rows: number, columns: number): number =>
    scale === 'adamw' ? 0.2 * Math.sqrt(Math.max(rows, columns)) : Math.sqrt(Math.max(1, columns / rows))
  const optimizer = finiteOnly({
    name: 'muon',
    mirrors: [moments],
    rateAt: rate,
    largestAt: (learningRate) => limitAtRate(learningRate, largest),
    transform(gradients, { parameters, rate: learningRate }) {
      // All of them before the first moment changes.
      const rowCounts = Object.entries(gradients).map(([path, { shape }]) =>
        checkedRowAxes('muon', path, shape, rowAxes),
      )
      const updates = Object.entries(gradients).map(([path, gradient], i) => {
        const { shape } = gradient
        const rowCount = rowCounts[i]
        const [rows, columns] = [sizeOf(shape.slice(0, rowCount)), sizeOf(shape.slice(rowCount))]
        const moment = moments.getOrZero(path, gradient)
        const update = scope(() => {
          const flag = hasNonFinite(gradient, largest)
          const inputs = [gradient, moment, flag]
          const direction = elementwise(nesterov ? ahead : sum, inputs, [momentum])
          assign(moment, elementwise(kept, inputs, [momentum]))
          const orthogonal = reshape(orthogonalize(reshape(direction, [rows, columns])), shape)
          const scalars = [-learningRate, factorOf(rows, columns), decays(path) ? weightDecay : 0]
          return elementwise(change, [orthogonal, parameters[path], flag], scalars)
        })
        return [path, update] as const
      })
      return Object.fromEntries(updates)
    },
    toState: () => moments.toState(),
    checkState: (state, parameters) => moments.checkState(state, parameters),
    restore: (state, parameters) => moments.restore(state, parameters),
  })
  return warmingUp(optimizer, warmUp)
}
