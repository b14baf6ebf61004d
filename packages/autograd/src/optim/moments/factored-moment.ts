/** The squares of gradients, of a matrix by row and column alone: Adafactor's second moment. */
import {
  assign,
  elementwise,
  type Expression,
  expression,
  mean,
  type Mirror,
  type ParameterStore,
  type PlainTensors,
  StateError,
  type Tensor,
  TensorMirror,
} from '@burgeon/tensor'
import { type Age, byAge } from './ages.ts'
import { checkedRowAxes, type RowAxes } from './as-matrix.ts'
import { unlessNonFinite } from '../non-finite/non-finite.ts'

/** The state of a `FactoredMoment`, as plain data. */
export interface FactoredMomentState {
  /** Row axes of every parameter that is read as a matrix. */
  readonly rowAxes: Readonly<Record<string, number>>
  readonly rows: PlainTensors
  readonly columns: PlainTensors
  readonly overall: PlainTensors
  readonly whole: PlainTensors
}

const { add, constant, divide, input, multiply, scalar, sqrt, subtract } = expression
const mix = (share: Expression): Expression =>
  unlessNonFinite(input(2), add(input(0), multiply(share, subtract(input(1), input(0)))), input(0))
// inputs: average, fresh, flag and, where ages differ, the share of what is fresh
const [ofOneAge, ofManyAges] = [mix(scalar(0)), mix(input(3))]
// ε₁ of algorithm 6
const squared = add(multiply(input(0), input(0)), constant(1e-30))
// inputs: g, R, C, mean: R·C/mean in an order that does not leave the range of single precision
const overFactors = divide(input(0), sqrt(multiply(input(1), divide(input(2), input(3)))))
const overWhole = divide(input(0), sqrt(input(1)))

/** 1 − β̂₂ at step t: the average of the first step is its square alone (section 7.2). */
const freshAt = (t: number): number => t ** -0.8

/**
 * V̂ = R·C/mean: means of squared gradients by row and by column, and one over all (Shazeer & Stern 2018,
 * algorithm 4). The paper has sums, and ΣR for the whole; means say the same and stay comparable when an axis
 * grows. Vectors keep a square for each number.
 *
 * Growth: R follows the axes of rows, C those of columns, and the mean over all stays. So V̂ of what was
 * there before does not move, and new rows and columns, which begin at 0, are at the age of 1 what their
 * first gradients are.
 */
export class FactoredMoment {
  readonly mirrors: readonly Mirror[]
  readonly #rowAxesOf: RowAxes
  #rowAxes = new Map<string, number>()
  readonly #rows: TensorMirror
  readonly #columns: TensorMirror
  readonly #overall: TensorMirror
  readonly #whole: TensorMirror

  constructor(name: string, rowAxesOf: RowAxes) {
    this.#rowAxesOf = rowAxesOf
    const isRow = (path: string, axis: number): boolean => axis < (this.#rowAxes.get(path) ?? 0)
    const mirror = (of: string, spans: (path: string, axis: number) => boolean): TensorMirror =>
      new TensorMirror(`${name} ${of}`, 'squaredGradient', spans)
    this.#rows = mirror('means of rows', isRow)
    this.#columns = mirror('means of columns', (path, axis) => !isRow(path, axis))
    this.#overall = mirror('means', () => false)
    this.#whole = mirror('squares', () => true)
    // Which axes are rows is settled when a parameter is first seen: growth must not turn a matrix on its
    // side.
    const splits: Mirror = {
      name: `${name} row axes`,
      remap: (plan) => () => {
        const kept = plan.kept?.[splits.name] as Readonly<Record<string, number>> | undefined
        for (const change of plan.changes) {
          const { kind, path } = change
          const copied = kind === 'add' && change.initial.kind === 'copy' ? change.initial.of : undefined
          const ofCopied = copied === undefined ? undefined : this.#rowAxes.get(copied)
          if (kind === 'remove') this.#rowAxes.delete(path)
          else if (ofCopied !== undefined) this.#rowAxes.set(path, ofCopied)
          else if (kept?.[path] !== undefined) this.#rowAxes.set(path, kept[path])
        }
      },
      keep: ({ changes }) => {
        const known = changes.flatMap(({ path }) => {
          const split = this.#rowAxes.get(path)
          return split === undefined ? [] : [[path, split] as const]
        })
        return Promise.resolve(Object.fromEntries(known))
      },
    }
    this.mirrors = [this.#rows, this.#columns, this.#overall, this.#whole, splits]
  }

  /** Takes a gradient into the averages, unless the flag is 1, and returns g/√V̂. */
  normalized(path: string, gradient: Tensor, flag: Tensor, age: Age): Tensor {
    const { shape } = gradient
    const square = elementwise(squared, [gradient])
    if (shape.length < 2) {
      const whole = this.#whole.getOrZero(path, gradient)
      this.#average(whole, square, flag, age)
      return elementwise(overWhole, [gradient, whole])
    }
    const split = this.#rowAxes.get(path) ?? checkedRowAxes('adafactor', path, shape, this.#rowAxesOf)
    this.#rowAxes.set(path, split)
    const axes = shape.map((_, axis) => axis)
    const factors = [this.#rows, this.#columns, this.#overall].map((mirror) =>
      mirror.getOrZero(path, gradient),
    )
    const averaged = [axes.slice(split), axes.slice(0, split), axes]
    factors.forEach((factor, k) => {
      this.#average(factor, mean(square, { axes: averaged[k], keepDims: true }), flag, age)
    })
    return elementwise(overFactors, [gradient, ...factors])
  }

  #average(average: Tensor, fresh: Tensor, flag: Tensor, { oldest, along }: Age): void {
    const { device, shape } = average
    const own = along.filter(({ axis }) => shape[axis] > 1)
    if (own.length === 0) {
      assign(average, elementwise(ofOneAge, [average, fresh, flag], [freshAt(oldest)]))
      return
    }
    const shares = byAge(device, shape.length, own, 'falls', freshAt)
    assign(average, elementwise(ofManyAges, [average, fresh, flag, shares]))
  }

  async toState(): Promise<FactoredMomentState> {
    return {
      rowAxes: Object.fromEntries(this.#rowAxes),
      rows: await this.#rows.toState(),
      columns: await this.#columns.toState(),
      overall: await this.#overall.toState(),
      whole: await this.#whole.toState(),
    }
  }

  /** @throws What `checkState` throws; nothing changes then. */
  restore(state: FactoredMomentState, parameters: ParameterStore): void {
    this.#rowAxes = this.checkState(state, parameters)
    for (const [of, mirror] of this.#factors) mirror.restore(state[of], parameters)
  }

  /**
   * The row axes in a saved state; changes nothing.
   *
   * @throws StateError or ParameterError if the state is not one of these parameters.
   */
  checkState(state: FactoredMomentState, parameters: ParameterStore): Map<string, number> {
    const splits = new Map(Object.entries(state.rowAxes ?? {}))
    for (const [path, split] of splits) {
      if (!(Number.isInteger(split) && split > 0 && split < parameters.get(path).axes.length)) {
        throw new StateError(
          `adafactor: the saved state reads ${path} with ${split} axes of rows; expected from 1 to all but one. Is the file whole?`,
        )
      }
    }
    // What shape a factor must have depends on the row axes that were saved with it.
    const before = this.#rowAxes
    this.#rowAxes = splits
    try {
      for (const [of, mirror] of this.#factors) mirror.checkState(state[of], parameters)
    } finally {
      this.#rowAxes = before
    }
    return splits
  }

  get #factors(): readonly (readonly ['rows' | 'columns' | 'overall' | 'whole', TensorMirror])[] {
    return [
      ['rows', this.#rows],
      ['columns', this.#columns],
      ['overall', this.#overall],
      ['whole', this.#whole],
    ]
  }
}
