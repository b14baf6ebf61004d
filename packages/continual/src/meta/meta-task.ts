/** Tasks to learn from how to learn, and sums over several of them. */
import {
  add,
  broadcastTo,
  checkArgument,
  checkOptions,
  checks,
  formatShape,
  multiply,
  OptionError,
  scope,
  ShapeError,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { adaptChecks, type AdaptOptions, mapPaths, type TaskLoss } from './adapt.ts'

/**
 * A task: what its learner practises on, and what it is judged by afterwards.
 *
 * Several tasks of one form can stand side by side in one (`copies`), which is far quicker than one after
 * another: both losses then get weights with a new first axis of that length, one copy for each task, and
 * return one number for each.
 */
export interface MetaTask {
  /** The loss of the inner steps: a scalar, or `f32 [copies]`. */
  readonly support: TaskLoss
  /** The loss after them, which the meta-gradient is of: a scalar, or `f32 [copies]`. */
  readonly query: (weights: TensorsByPath) => Tensor
  /** How many tasks stand side by side, a whole number ≥ 1; none, and no new axis, unless given. */
  readonly copies?: number
}

/** Gradient of a batch of tasks by the weights that they all begin with. */
export interface MetaGradients {
  /** Mean query loss of the tasks after adaptation, a scalar. */
  readonly value: Tensor
  /** Gradient by path: any `GradientTransform` takes it. */
  readonly gradient: TensorsByPath
}

/** An inner loop with one rate for all weights. */
export interface MetaOptions extends AdaptOptions {
  /** α, positive. */
  readonly rate: number
}

const aCount = checks.integer({ from: 1 })

/** Throws OptionError for invalid tasks, weights or options of an inner loop. */
export function checkMeta(
  who: string,
  tasks: readonly MetaTask[],
  weights: TensorsByPath,
  options: MetaOptions,
): void {
  checkTasks(who, tasks, weights)
  checkOptions(who, options, { ...adaptChecks, rate: checks.required(checks.number({ above: 0 })) })
}

/** Throws OptionError for invalid tasks or weights. */
export function checkTasks(who: string, tasks: readonly MetaTask[], weights: TensorsByPath): void {
  checkArgument(who, 'tasks', tasks, checks.list('a list of tasks', aTask))
  if (tasks.length === 0) throw new OptionError(`${who}: got no tasks; expected one or more.`)
  for (const [i, task] of tasks.entries()) {
    checkOptions(`${who}: tasks[${i}]`, task, {
      support: checks.required(checks.callback('a function of weights')),
      query: checks.required(checks.callback('a function of weights')),
      copies: aCount,
    })
  }
  checkArgument(who, 'weights', weights, checks.tensorsByPath)
  if (Object.keys(weights).length === 0)
    throw new OptionError(`${who}: got no weights; expected one or more.`)
}

const aTask = checks.object<MetaTask>('a task')

/**
 * The same weights once for each of several tasks side by side.
 *
 * @param copies A whole number ≥ 1.
 * @returns Tensors of the shapes `[copies, …]`.
 * @throws OptionError for another number.
 */
export function copiesOf(weights: TensorsByPath, copies: number): TensorsByPath {
  checkArgument('copiesOf', 'weights', weights, checks.tensorsByPath)
  checkArgument('copiesOf', 'copies', copies, aCount)
  return mapPaths(Object.keys(weights), (path) =>
    broadcastTo(weights[path], [copies, ...weights[path].shape]),
  )
}

/** Weights that a task's inner loop begins with. */
export function beginningOf({ copies }: MetaTask, weights: TensorsByPath): TensorsByPath {
  return copies === undefined ? weights : copiesOf(weights, copies)
}

/**
 * The practice loss of all tasks that stand side by side. Each depends on its own copy alone, so gradients do
 * not mix.
 */
export function supportOf(task: MetaTask): TaskLoss {
  return (weights, step) => total('support', task.support(weights, step), task)
}

/** The judging loss of all tasks that stand side by side. */
export function queryOf(task: MetaTask, weights: TensorsByPath): Tensor {
  return total('query', task.query(weights), task)
}

function total(what: string, loss: Tensor, { copies }: MetaTask): Tensor {
  if (copies === undefined) return loss
  if (loss.size === copies) return sum(loss)
  throw new ShapeError(
    `meta task: the ${what} loss is ${formatShape(loss.shape)} for ${copies} copies; expected one number for each, [${copies}].`,
  )
}

/**
 * Means over the tasks. The graph of one task lives at a time; their gradients are added in order.
 *
 * @param gradientsOf Sums over the copies of one task.
 */
export function meanOverTasks(
  tasks: readonly MetaTask[],
  gradientsOf: (task: MetaTask) => MetaGradients,
): MetaGradients {
  const count = tasks.reduce((all, { copies = 1 }) => all + copies, 0)
  return scope(() => {
    const each = tasks.map((task) => scope(() => gradientsOf(task)))
    const meanOf = (tensors: readonly Tensor[]): Tensor =>
      multiply(
        tensors.reduce((a, b) => add(a, b)),
        1 / count,
      )
    const paths = Object.keys(each[0].gradient)
    return {
      value: meanOf(each.map(({ value }) => value)),
      gradient: mapPaths(paths, (path) => meanOf(each.map(({ gradient }) => gradient[path]))),
    }
  })
}
