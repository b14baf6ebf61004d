import { subtract, sum, type TensorsByPath } from '@burgeon/tensor'
import { adapt, mapPaths } from './adapt.ts'
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
 * Reptile (Nichol, Achiam & Schulman 2018, algorithm 2): as gradient the mean of w − w̃, from where the inner
 * steps have led back to where they began. No gradient is taken through them. With `sgd(ε)` the update is the
 * paper's, w ← w + ε·mean(w̃ − w).
 *
 * @param tasks Their support losses lead; their query losses are only reported, in `value`.
 * @param options With one inner step it is joint training; take several.
 * @throws As `maml`.
 */
export function reptile(
  tasks: readonly MetaTask[],
  weights: TensorsByPath,
  options: Omit<MetaOptions, 'firstOrder'>,
): MetaGradients {
  checkMeta('reptile', tasks, weights, options)
  const { rate, ...inner } = options
  return meanOverTasks(tasks, (task) => {
    const before = beginningOf(task, weights)
    const after = adapt(supportOf(task), before, rate, { ...inner, firstOrder: true })
    const gradient = mapPaths(Object.keys(weights), (path) => {
      const way = subtract(before[path], after[path])
      return task.copies === undefined ? way : sum(way, { axes: [0] })
    })
    return { value: queryOf(task, after), gradient }
  })
}
