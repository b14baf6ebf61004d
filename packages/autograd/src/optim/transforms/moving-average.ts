import {
  assign,
  checkArgument,
  checks,
  elementwise,
  type Expression,
  expression,
  type PlainTensors,
  scope,
  TensorMirror,
  type TensorsByPath,
} from '@burgeon/tensor'
import { Ages, type AgesState, byAge, settledAge } from '../moments/ages.ts'
import { type GradientTransform, restorable } from './gradient-transform.ts'

/** The last stage of a chain, which lets every update pass and remembers an average of the weights. */
export interface MovingAverage extends GradientTransform {
  /**
   * The averages by path, to evaluate a model with; of a parameter that has taken no step yet, what is given.
   * They belong to the average, and the next step or growth changes them.
   */
  tensors(parameters: TensorsByPath): TensorsByPath
}

interface MovingAverageState extends AgesState {
  readonly average: PlainTensors
}

const { abs, add, constant, input, less, multiply, scalar, select, subtract } = expression
// inputs: average, weight, its change and, where ages differ, the share of what is new
const mix = (share: Expression): Expression =>
  select(
    less(abs(input(2)), constant(Infinity)),
    add(input(0), multiply(share, subtract(add(input(1), input(2)), input(0)))),
    input(0),
  )
const [ofOneAge, ofManyAges] = [mix(scalar(0)), mix(input(3))]

/**
 * An exponential moving average of the weights after each update, corrected for its beginning: ā ← ā + (1 −
 * d)/(1 − dᵗ)·(w − ā), which is Adam's correction (Kingma & Ba 2015, section 3 and section 7.2) taken into
 * the average, so that it needs none when it is read. With a decay of 1 the share is 1/t: the plain mean over
 * a life (Polyak & Juditsky 1992). t counts from the birth of each part, and what growth adds is its own
 * average at first.
 *
 * A learner carries it along as the last stage of its optimizer, growth and checkpoints included. A step that
 * was skipped counts as one without change. Inside `accumulate` the average is of whole batches.
 *
 * @param decay In [0, 1]; some 0.999.
 * @throws OptionError for another decay.
 * @example
 * ```ts
 * const average = movingAverage(0.999)
 * const optimizer = chain(adamw({ learningRate: 1e-3 }), average)
 * const weights = { x }
 * const update = optimizer.transform({ x }, { parameters: weights, step: 0 })
 * const smooth = average.tensors(weights)['x']
 * ```
 */
export function movingAverage(decay: number): MovingAverage {
  checkArgument('movingAverage', 'decay', decay, checks.number({ from: 0, to: 1 }))
  const averages = new TensorMirror('moving average', 'value')
  const ages = new Ages('moving average ages', settledAge(decay), 'values')
  const shareAt = (t: number): number => (decay === 1 ? 1 / t : (1 - decay) / (1 - decay ** t))
  return {
    name: `moving average ${decay}`,
    mirrors: [averages, ages],
    transform(updates, { parameters }) {
      for (const [path, update] of Object.entries(updates)) {
        const { oldest, along } = ages.tick(path)
        scope(() => {
          const average = averages.getOrZero(path, update)
          const inputs = [average, parameters[path], update]
          if (along.length === 0) {
            assign(average, elementwise(ofOneAge, inputs, [shareAt(oldest)]))
            return
          }
          const shares = byAge(update.device, update.shape.length, along, 'falls', shareAt)
          assign(average, elementwise(ofManyAges, [...inputs, shares]))
        })
      }
      return updates
    },
    tensors: (parameters) =>
      Object.fromEntries(
        Object.entries(parameters).map(([path, tensor]) => [path, averages.get(path) ?? tensor]),
      ),
    toState: async (): Promise<MovingAverageState> => ({
      ...ages.toState(),
      average: await averages.toState(),
    }),
    ...restorable(
      (state, parameters) => {
        ages.checkState(state, parameters)
        const saved = state as MovingAverageState
        averages.checkState(saved.average, parameters)
        return saved
      },
      (saved, parameters) => {
        ages.restore(saved, parameters)
        averages.restore(saved.average, parameters)
      },
    ),
  }
}
