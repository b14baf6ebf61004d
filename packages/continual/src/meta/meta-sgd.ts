import { valueAndGrad } from '@burgeon/autograd'
import { checkArgument, checkOptions, checks, type TensorsByPath } from '@burgeon/tensor'
import { adapt, adaptChecks, type AdaptOptions, mapPaths } from './adapt.ts'
import {
  beginningOf,
  checkTasks,
  meanOverTasks,
  type MetaGradients,
  type MetaTask,
  queryOf,
  supportOf,
} from './meta-task.ts'

/** Gradients of a batch of tasks by weights and rates. */
export interface MetaSgdGradients extends MetaGradients {
  /** Gradient by the rates, by path. */
  readonly rates: TensorsByPath
}

/** Keeps the rate of a weight apart from the weight in one tree; no parameter path begins so. */
const rateOf = 'rate of '

/**
 * Meta-SGD (Li et al. 2017, algorithm 1): MAML with a rate of its own for every number of every weight, and
 * gradients by weights and rates together. Rates may become negative, and those learnt for one inner step may
 * be far too large for several. `LearnedRates` keeps them, and follows growth.
 *
 * @param rates Tensors by path, of the weights' shapes or such that broadcast to them.
 * @returns As `maml`, and the gradient by the rates in the structure of `rates`, for a `GradientTransform` of
 *   its own.
 * @throws As `maml`; OptionError if a weight that steps has no rate, ShapeError for one that does not fit.
 * @example
 * ```ts
 * const weights = { x }
 * const rates = new LearnedRates({ initial: 0.01 })
 * const task: MetaTask = { support: (w) => sum(square(w['x'])), query: (w) => sum(square(w['x'])) }
 * const gradients = scope(() => metaSgd([task], weights, rates.of(weights)))
 * ```
 */
export function metaSgd(
  tasks: readonly MetaTask[],
  weights: TensorsByPath,
  rates: TensorsByPath,
  inner: AdaptOptions = {},
): MetaSgdGradients {
  checkTasks('metaSgd', tasks, weights)
  checkArgument('metaSgd', 'rates', rates, checks.tensorsByPath)
  checkOptions('metaSgd', inner, adaptChecks)
  const [paths, ratePaths] = [Object.keys(weights), Object.keys(rates)]
  const both = { ...weights, ...Object.fromEntries(ratePaths.map((path) => [rateOf + path, rates[path]])) }
  const { value, gradient } = meanOverTasks(tasks, (task) =>
    valueAndGrad((all: TensorsByPath) => {
      const w = mapPaths(paths, (path) => all[path])
      const alpha = mapPaths(ratePaths, (path) => all[rateOf + path])
      return queryOf(task, adapt(supportOf(task), beginningOf(task, w), alpha, inner))
    })(both),
  )
  return {
    value,
    gradient: mapPaths(paths, (path) => gradient[path]),
    rates: mapPaths(ratePaths, (path) => gradient[rateOf + path]),
  }
}
