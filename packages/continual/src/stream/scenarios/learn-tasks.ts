/** Learns a stream of tasks, and finds out after each how well all of them are known. */
import { checkArgument, checkOptions, checks, type TensorsByPath } from '@burgeon/tensor'
import type { Learner } from '../../learner.ts'
import type { Model } from '../../model/model.ts'
import type { Sink } from '../../sinks/sink.ts'
import { checkExamplesOf, type LabelledExamples, type TaskStream } from './split-tasks.ts'
import { DomainMatrix } from '../../metrics/domain-matrix.ts'
import { evaluateExamples } from '../../metrics/evaluate-examples.ts'

/** Sink of the accuracies, and the weights that are judged. */
export interface LearnTasksOptions {
  /**
   * Takes a record after each task, with a number for every task: `accuracy/0+1`, or `loss/0+1` where numbers
   * are predicted. It stays open.
   */
  readonly sink?: Sink
  /**
   * Weights to judge by, asked for each time; those of the model unless given. With a moving average:
   * `weights: (own) => average.tensors(own)`.
   */
  readonly weights?: (own: TensorsByPath) => TensorsByPath
}

const aLearner = checks.role<Pick<Learner<Model>, 'model' | 'observe' | 'step'>>(
  'a learner',
  ...(['model', 'observe'] as const),
)
const aStream = checks.role<TaskStream>('a stream of tasks', 'tasks', 'boundaries', 'examplesOf')
const aSink = checks.role<Sink>('a sink', 'write')

/**
 * Has a learner observe a stream from its beginning to its end.
 *
 * @param test Examples to judge by, in the form of those of the stream; nothing is learnt from them.
 * @returns The accuracy on every task before the first and after each; the loss where numbers are predicted.
 * @throws OptionError for arguments that are none, and what the learner, the examples or the sink throw.
 * @example
 * ```ts
 * const stream = splitTasks(examples, { tasks: [[0, 1], [2, 3]], rows: 10 })
 * const matrix = await learnTasks(learner, stream, examples)
 * console.log(matrix.finalMean(), matrix.forgetting('bestEver'))
 * ```
 */
export async function learnTasks(
  learner: Pick<Learner<Model>, 'model' | 'observe' | 'step'>,
  stream: TaskStream,
  test: LabelledExamples,
  options: LearnTasksOptions = {},
): Promise<DomainMatrix> {
  const who = 'learnTasks'
  checkArgument(who, 'learner', learner, aLearner)
  checkArgument(who, 'stream', stream, aStream)
  checkExamplesOf(who, test, 'test')
  checkOptions(who, options, { sink: aSink, weights: checks.callback('a function of the weights') })
  const { tasks, boundaries } = stream
  const areNumbers = learner.model.predicts === 'numbers'
  const matrix = new DomainMatrix(
    tasks.map(({ name }) => name),
    { better: areNumbers ? 'lower' : 'higher' },
  )
  const valueOf = async (task: (typeof tasks)[number]): Promise<number> => {
    const { model } = learner
    const weights = options.weights?.(model.parameters.tensors())
    if (weights) checkArgument(who, 'what weights returned', weights, checks.tensorsByPath)
    const { accuracy, loss } = await evaluateExamples(model, stream.examplesOf(task, test), {
      ...(weights && { weights }),
    })
    return accuracy ?? loss
  }
  for (const task of tasks) matrix.recordBaseline(task.name, await valueOf(task))
  let [learnt, ended] = [0, 0]
  for await (const batch of stream) {
    await learner.observe(batch)
    learnt++
    if (learnt !== boundaries[ended]) continue
    const { name: after } = tasks[ended++]
    const scalars: Record<string, number> = {}
    for (const task of tasks) {
      const value = await valueOf(task)
      matrix.record(after, task.name, value)
      scalars[`${areNumbers ? 'loss' : 'accuracy'}/${task.name}`] = value
    }
    await options.sink?.write({ step: learner.step, scalars, events: [] })
  }
  return matrix
}
