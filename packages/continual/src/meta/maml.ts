/** Model-agnostic meta-learning (Finn et al. 2017): weights from which a few gradient steps lead far. */
import { valueAndGrad } from '@burgeon/autograd'
import { checkArgument, checks, type TensorsByPath } from '@burgeon/tensor'
import { adapt } from './adapt.ts'
import {
  beginningOf,
  checkMeta,
  meanOverTasks,
  type MetaOptions,
  type MetaGradients,
  type MetaTask,
  queryOf,
  supportOf,
} from './meta-task.ts'

/**
 * MAML (Finn, Abbeel & Levine 2017, algorithm 1): ∇ of the query loss after adaptation by the weights before
 * it, through the inner steps and so with their second derivatives; with `firstOrder`, without (see
 * `fomaml`). Unlike the paper it takes the mean over tasks, not the sum.
 *
 * @param weights Shared by all tasks. They stay as they are.
 * @returns The mean query loss after adaptation and its gradient, in the structure of the weights.
 * @throws OptionError without tasks or for options out of range; ShapeError if a loss is not a scalar or,
 *   with copies, not one number each.
 * @example
 * ```ts
 * const weights = { x }
 * const task: MetaTask = { support: (w) => sum(square(w['x'])), query: (w) => sum(square(w['x'])) }
 * const optimizer = adamw({ learningRate: 1e-3, weightDecay: 0 })
 * for (let step = 0; step < 100; step++) {
 *   scope(() => {
 *     const { gradient } = maml([task], weights, { rate: 0.01 })
 *     applyUpdates(weights, optimizer.transform(gradient, { parameters: weights, step }))
 *   })
 * }
 * ```
 */
export function maml(
  tasks: readonly MetaTask[],
  weights: TensorsByPath,
  options: MetaOptions,
): MetaGradients {
  checkMeta('maml', tasks, weights, options)
  const { rate, ...inner } = options
  return meanOverTasks(tasks, (task) =>
    valueAndGrad((w: TensorsByPath) =>
      queryOf(task, adapt(supportOf(task), beginningOf(task, w), rate, inner)),
    )(weights),
  )
}

/**
 * First-order MAML (Finn et al. 2017, section 5.2): the gradient of the query loss where the inner steps have
 * led, as if the way there did not depend on the weights. `maml` with `firstOrder`.
 */
export function fomaml(
  tasks: readonly MetaTask[],
  weights: TensorsByPath,
  options: Omit<MetaOptions, 'firstOrder'>,
): MetaGradients {
  checkMeta('fomaml', tasks, weights, options)
  return maml(tasks, weights, { ...options, firstOrder: true })
}

/**
 * ANIL, almost no inner loop (Raghu et al. 2020, section 4): MAML whose inner steps move only the weights
 * that `adapts` picks, usually the head. All weights get a meta-gradient. As `maml`, which takes `adapts`
 * too; here it must be given.
 */
export function anil(
  tasks: readonly MetaTask[],
  weights: TensorsByPath,
  options: MetaOptions & { readonly adapts: (path: string) => boolean },
): MetaGradients {
  checkMeta('anil', tasks, weights, options)
  checkArgument('anil', 'adapts', options.adapts, checks.callback('a function of a path'))
  return maml(tasks, weights, options)
}
