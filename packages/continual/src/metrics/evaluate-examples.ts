/** How well a model does on examples, without learning from them. */
import { checkArgument, checkOptions, checks, OptionError, scope, type TensorsByPath } from '@burgeon/tensor'
import { aModel, lossesOf, type Model } from '../model/model.ts'
import { anExampleBatch, type ExampleBatch, rowsBetween } from '../stream/batch.ts'
import { batchTensors } from '../stream/batch-tensors.ts'

/** How examples are judged. */
export interface EvaluateExamplesOptions {
  /** Classes that can be meant, as where the task is known; all unless given. */
  readonly among?: readonly number[]
  /** Rows that are computed together, ≥ 1; 500 unless given. */
  readonly rows?: number
  /** Weights in the place of those of the model, such as their `movingAverage`. */
  readonly weights?: TensorsByPath
}

/** How well a model does on some examples. */
export interface ExampleEvaluation {
  readonly rows: number
  /** Mean loss of an example. */
  readonly loss: number
  /** Share of the examples whose class has the largest output; null where numbers are predicted. */
  readonly accuracy: number | null
}

/**
 * Predicts examples. Changes nothing.
 *
 * @throws OptionError for examples that are none, weights that are not all, or `among` for a model that
 *   predicts numbers.
 */
export async function evaluateExamples(
  model: Model,
  examples: ExampleBatch,
  options: EvaluateExamplesOptions = {},
): Promise<ExampleEvaluation> {
  const who = 'evaluateExamples'
  checkArgument(who, 'model', model, aModel)
  checkArgument(who, 'examples', examples, anExampleBatch)
  checkOptions(who, options, {
    among: checks.list('a list of classes', checks.integer({ from: 0 })),
    rows: checks.integer({ from: 1 }),
    weights: checks.tensorsByPath,
  })
  const { among, rows: together = 500, weights } = options
  const lacking = weights && [...model.parameters].find(({ path }) => !Object.hasOwn(weights, path))
  if (lacking) {
    throw new OptionError(
      `${who}: got weights without ${lacking.path}; expected one for every parameter of the model.`,
    )
  }
  const areNumbers = model.predicts === 'numbers'
  if (areNumbers && among) throw new OptionError(`${who}: got among for a model that predicts numbers.`)
  if (among?.length === 0) throw new OptionError(`${who}: got no classes in among; expected one or more.`)
  let [loss, right] = [0, 0]
  for (let from = 0; from < examples.rows; from += together) {
    const part = rowsBetween(examples, from, Math.min(examples.rows, from + together))
    const found = scope(() => {
      const { inputs, targets } = batchTensors(model.device, part, model.predicts)
      const outputs = model.forward(inputs, weights)
      return { outputs, losses: lossesOf(model, outputs, targets) }
    })
    using outputs = found.outputs
    using losses = found.losses
    for (const each of Array.from(await losses.read())) loss += each
    if (areNumbers) continue
    const numbers = await outputs.read()
    const width = outputs.shape[1]
    const classes = among ?? Array.from({ length: width }, (_, c) => c)
    part.targets.forEach((target, row) => {
      const best = classes.reduce((a, b) => (numbers[row * width + b] > numbers[row * width + a] ? b : a))
      if (best === target) right++
    })
  }
  const { rows } = examples
  return { rows, loss: loss / rows, accuracy: areNumbers ? null : right / rows }
}
