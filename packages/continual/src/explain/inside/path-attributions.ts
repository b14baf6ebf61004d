/** Attributions along a straight path: how much each number of an input adds to what is made of it. */
import { pullBack, recordTape } from '@burgeon/autograd'
import {
  add,
  checkArgument,
  checkOptions,
  checks,
  type ChecksOf,
  formatShape,
  multiply,
  OptionError,
  sameShape,
  scope,
  ShapeError,
  subtract,
  sum,
  type Tensor,
} from '@burgeon/tensor'
import { ExplanationError } from '../../errors.ts'
import { gaussLegendre } from './gauss-legendre.ts'

/** How exactly attributions are taken. */
export interface PathOptions {
  /** Points at which gradients are taken, in each stretch of the path, from 1 to 256. 32 unless given. */
  readonly nodes?: number
  /**
   * Largest gap, as a share of the difference, or of a tenth of the absolute attributions where that is
   * more; above 0. 0.01 unless given.
   */
  readonly maxGap?: number
}

/** Attributions of the numbers of an input. */
export interface PathAttributions {
  /** One for each number of the input, in its order; they sum to `difference`, but for `gap`. */
  readonly values: Float64Array
  /** f(to) − f(from). */
  readonly difference: number
  /** |Σ values − difference|: the error of the integral. */
  readonly gap: number
  /** Points at which gradients were taken. */
  readonly nodes: number
}

/** A stretch of the path. */
interface Stretch {
  readonly from: number
  readonly to: number
  readonly values: Float64Array
  readonly gap: number
}

/** Share of the absolute attributions that stands for a difference in which they cancel each other out. */
const cancelling = 0.1
/** Stretches that the path is cut into, at most: where these do not do, it is no smooth function. */
const maxStretches = 16
/** Numbers of points that go through `f` at once. */
const atOnce = 2 ** 19

/** Checks of `PathOptions`. */
export const pathChecks: ChecksOf<PathOptions> = {
  nodes: checks.integer({ from: 1, to: 256 }),
  maxGap: checks.number({ above: 0 }),
}

/**
 * Integrated gradients (Sundararajan et al. 2017, eq. 1) of any function: (toᵢ − fromᵢ) times the mean over
 * the straight path of the gradient. They sum to the difference of the function at its ends, so the sum tells
 * the error of the integral, of each stretch of the path too: the stretch with the largest error is cut
 * in two until that of the whole is small.
 *
 * @param f Computes N numbers `[N]` from N inputs `[N, …shape]`, each from its own input alone.
 * @param from Where the path begins, `f32`: an input of which nothing is to be said.
 * @param to The input, of the same shape.
 * @throws ExplanationError if the gap stays above `maxGap`; ShapeError for ends of two shapes.
 * @example
 * ```ts
 * const squares = (points: Tensor) => sum(square(points), { axes: [1] })
 * const { values } = await pathAttributions(squares, zeros(x.shape), x)
 * console.log(values) // x², number by number
 * ```
 */
export async function pathAttributions(
  f: (x: Tensor) => Tensor,
  from: Tensor,
  to: Tensor,
  options: PathOptions = {},
): Promise<PathAttributions> {
  const who = 'pathAttributions'
  checkArgument(who, 'f', f, checks.callback())
  checkArgument(who, 'from', from, checks.tensor)
  checkArgument(who, 'to', to, checks.tensor)
  checkOptions(who, options, pathChecks)
  if (!sameShape(from.shape, to.shape)) {
    throw new ShapeError(
      `${who}: got from${formatShape(from.shape)} and to${formatShape(to.shape)}; expected one shape.`,
    )
  }
  const { nodes = 32, maxGap = 0.01 } = options
  const path = pathOf(f, from, to, nodes)
  const [start, end] = [await path.valueAt(0), await path.valueAt(1)]
  let stretches = [await path.stretch(0, 1)]
  for (;;) {
    const values = new Float64Array(to.size)
    for (const stretch of stretches) stretch.values.forEach((value, i) => (values[i] += value))
    const total = values.reduce((a, b) => a + b, 0)
    const gap = Math.abs(total - (end - start))
    const size = values.reduce((a, b) => a + Math.abs(b), 0)
    const allowed = maxGap * Math.max(Math.abs(end - start), cancelling * size)
    if (gap <= allowed) {
      return { values, difference: end - start, gap, nodes: nodes * path.stretches }
    }
    if (stretches.length >= maxStretches || !Number.isFinite(gap)) {
      throw new ExplanationError(
        `integrated gradients: they sum to ${total}, and the difference that they are to explain is ${end - start}; ` +
          `expected a gap of at most ${allowed}. Try another baseline, or more nodes.`,
      )
    }
    const worst = stretches.reduce((a, b) => (b.gap > a.gap ? b : a))
    const middle = (worst.from + worst.to) / 2
    const halves = [await path.stretch(worst.from, middle), await path.stretch(middle, worst.to)]
    stretches = [...stretches.filter((stretch) => stretch !== worst), ...halves]
  }
}

function pathOf(f: (x: Tensor) => Tensor, from: Tensor, to: Tensor, nodes: number) {
  const rule = gaussLegendre(nodes)
  const known = new Map<number, number>()
  let stretches = 0
  /** The inputs at some places of the path, `[N, …shape]`. */
  const pointsAt = (places: readonly number[]): Tensor => {
    const shape = [places.length, ...from.shape.map(() => 1)]
    const along = from.device.tensor(places, { shape, dtype: 'f32' }, 'path')
    return add(multiply(subtract(to, from), along), from)
  }
  const valueAt = async (place: number): Promise<number> => {
    const found = known.get(place)
    if (found !== undefined) return found
    using value = scope(() => checked(f(pointsAt([place])), 1))
    const [number] = await value.read()
    known.set(place, number)
    return number
  }
  return {
    valueAt,
    /** How many were measured. */
    get stretches() {
      return stretches
    },
    async stretch(start: number, end: number): Promise<Stretch> {
      stretches++
      const values = new Float64Array(to.size)
      const each = Math.max(1, Math.floor(atOnce / Math.max(1, to.size)))
      for (let first = 0; first < nodes; first += each) {
        const weights = rule.weights.slice(first, first + each).map((weight) => weight * (end - start))
        const places = rule.nodes.slice(first, first + each).map((node) => start + node * (end - start))
        using part = scope(() => weightedGradient(f, pointsAt(places), weights, subtract(to, from)))
        const numbers = await part.read()
        for (let i = 0; i < values.length; i++) values[i] += numbers[i]
      }
      const difference = (await valueAt(end)) - (await valueAt(start))
      const gap = Math.abs(values.reduce((a, b) => a + b, 0) - difference)
      return { from: start, to: end, values, gap }
    },
  }
}

/** Σ wₙ·∂f/∂xₙ · difference, of the shape of one input. */
function weightedGradient(
  f: (x: Tensor) => Tensor,
  points: Tensor,
  weights: readonly number[],
  difference: Tensor,
): Tensor {
  using recorded = recordTape([points], () => checked(f(points), weights.length))
  const cotangent = points.device.tensor(weights, { shape: [weights.length], dtype: 'f32' }, 'path')
  const gradient = pullBack(recorded.tape, [recorded.result], [cotangent]).get(points.id)
  // A function that does not depend on its input.
  if (gradient === undefined) return multiply(difference, 0)
  return multiply(sum(gradient, { axes: [0] }), difference)
}

function checked(values: unknown, count: number): Tensor {
  if (checks.tensor.accepts(values) && sameShape(values.shape, [count])) return values
  throw new OptionError(
    `pathAttributions: f returned ${checks.tensor.accepts(values) ? formatShape(values.shape) : typeof values} for ${count} inputs; expected a tensor [${count}].`,
  )
}
