/** Grows when the compute that goes into a step would buy more in a larger model. */
import { flopsPerToken, type GptConfig } from '@burgeon/gpt'
import { type GrowthRequest, priceOf } from '@burgeon/gpt/growth'
import { checkOptions, checks, fields, type StateChecks } from '@burgeon/tensor'
import { count } from '../../saved-state.ts'
import type { GrowthPolicy, GrowthSignals } from '../growth-policy.ts'
import { layerOnTop } from '../requests/usual-request.ts'
import { leastSquares } from '../measure/least-squares.ts'
import { excessOf } from '../within-budget.ts'

/** How the rate of learning is measured, and what is asked for. */
export interface ComputeOptions {
  /**
   * Steps that are left alone at the beginning, after a growth and after a drift, and the fewest in either
   * half that is judged; from 8.
   */
  readonly window: number
  /** The rates must differ by so many standard errors of each, ≥ 0; 2 unless given. */
  readonly significance?: number
  /**
   * Makes the request; one for a copy of the last block on top of it unless given, which keeps the function.
   * Where predictions may be worse for a moment, `{ kind: 'copyLayers', order: 'beside', writes: 'shared' }`
   * ends better (`npm run bench -- small-start`).
   */
  readonly request?: (config: GptConfig) => GrowthRequest
}

/** Means over a stretch of steps. */
interface Stretch {
  readonly steps: number
  /** ln of the compute so far. */
  readonly compute: number
  /** ln of the loss. */
  readonly loss: number
}

/** Plain JSON. */
interface State {
  /** Steps since the beginning, the last growth or the last drift. */
  readonly steps: number
  /**
   * Operations of training per token, summed since the beginning or the last drift: the compute but for the
   * number of tokens in a step.
   */
  readonly compute: number
  /**
   * All that is judged, oldest first: stretches of as many steps each, but for the last, which may not be
   * full yet.
   */
  readonly course: readonly Stretch[]
  /** Steps of a full stretch. */
  readonly span: number
}

const stretchChecks: StateChecks<Stretch> = {
  steps: count,
  compute: checks.number(),
  loss: checks.number(),
}
const stateChecks: StateChecks<State> = {
  steps: count,
  compute: checks.number({ from: 0 }),
  course: checks.list('stretches', fields<Stretch>('a stretch', stretchChecks)),
  span: checks.integer({ from: 1 }),
}

const beginning: State = { steps: 0, compute: 0, course: [], span: 1 }
/** Stretches that are remembered: when there are more, two become one. */
const maxStretches = 64

/**
 * Staged training (Shen et al. 2022, section 3.3): grow when the loss falls more slowly for the compute spent
 * than that of the larger model would at the same loss. What the larger one would do is not known, so it is
 * estimated by this run alone:
 *
 * - With C the compute so far, losses follow L ∝ C^−α as long as a model has room (Kaplan et al. 2020, eq.
 *   1.3); α is the slope of ln L over ln C. It is fitted twice to what the model has lived since it has its
 *   size: to the first half, and to the second. For the present model −dL/dC = α₂·L/C.
 * - A model that has room would go on with α₁. (The best α of the whole run would be too much to ask: what no
 *   model can learn flattens every curve with time.) The larger one needs κ times the operations for a token,
 *   so at the same loss and after as many tokens its curve stands at κ·C, and −dL/dC = α₁·L/(κ·C).
 * - So it grows when α₂ < α₁/κ, each taken `significance` standard errors towards the other: the dearer the
 *   growth, the later.
 *
 * The first `window` steps do not count: there the loss falls steeply while a model of any size learns how
 * frequent tokens are. Steps are taken to have equally many tokens. After a drift alarm all begins anew, for
 * the losses are of another stream.
 *
 * @throws OptionError for options out of range.
 */
export function growByCompute(options: ComputeOptions): GrowthPolicy<State> {
  checkOptions('growByCompute', options, {
    window: checks.required(checks.integer({ from: 8 })),
    significance: checks.number({ from: 0 }),
    request: checks.callback('a function of a configuration'),
  })
  const { window, significance = 2, request: requestFor = layerOnTop } = options
  /** The exponent over some stretches, and how far off it may be. */
  const exponentOf = (course: readonly Stretch[]): { alpha: number; error: number } => {
    const [computes, losses] = [course.map(({ compute }) => compute), course.map(({ loss }) => loss)]
    const { slope, standardError } = leastSquares(computes, losses)
    return { alpha: -slope, error: significance * standardError }
  }
  return {
    name: `by compute, from ${window} steps on`,
    initial: beginning,
    stateCheck: fields<State>('a course', stateChecks),
    decide(signals, budget, before) {
      const state = lived(signals, before, window)
      const stay = (reason: string) => ({ request: null, reason, state })
      if (state.steps <= window) return stay('still settling')
      const full = state.course.filter(({ steps }) => steps === state.span)
      const half = Math.floor(full.length / 2)
      if (half * state.span < window || half < 4) return stay('too few losses yet')
      const [early, late] = [full.slice(0, half), full.slice(-half)].map(exponentOf)
      const request = requestFor(signals.config)
      const { before: small, after: large } = priceOf(signals.config, request)
      const dearer = large.flopsPerToken.training / small.flopsPerToken.training
      const reason =
        `at this size the loss fell with compute to the power of ${early.alpha.toFixed(3)} at first and ${late.alpha.toFixed(3)} lately; ` +
        `a step of the larger model takes ${dearer.toFixed(2)} times the work`
      if (!(late.alpha + late.error < (early.alpha - early.error) / dearer)) return stay(reason)
      if (excessOf(signals, request, budget) !== null) return stay(`the budget is spent (${reason})`)
      return { request, reason, state }
    },
  }
}

/** The state with the latest step in it. */
function lived(
  { config, losses, stepsSinceGrowth, stepsSinceDrift }: GrowthSignals,
  before: State,
  window: number,
): State {
  const loss = losses.at(-1)
  if (loss === undefined) return before
  const known = stepsSinceDrift === 0 ? beginning : before
  const compute = known.compute + flopsPerToken(config).training
  const steps = stepsSinceGrowth <= known.steps ? stepsSinceGrowth : known.steps + 1
  if (steps <= window) return { ...beginning, steps, compute }
  // A loss of 0 has no exponent.
  if (!(loss > 0)) return { ...known, steps, compute }
  const now = { steps: 1, compute: Math.log(compute), loss: Math.log(loss) }
  const last = known.course.at(-1)
  const course =
    last !== undefined && last.steps < known.span
      ? [...known.course.slice(0, -1), together(last, now)]
      : [...known.course, now]
  if (course.length <= maxStretches) return { ...known, steps, compute, course }
  const pairs = Array.from({ length: Math.ceil(course.length / 2) }, (_, i) => course.slice(2 * i, 2 * i + 2))
  const merged = pairs.map(([first, second]) => (second === undefined ? first : together(first, second)))
  return { steps, compute, course: merged, span: 2 * known.span }
}

function together(a: Stretch, b: Stretch): Stretch {
  const steps = a.steps + b.steps
  const meanOf = (x: number, y: number): number => (a.steps * x + b.steps * y) / steps
  return { steps, compute: meanOf(a.compute, b.compute), loss: meanOf(a.loss, b.loss) }
}
