/**
 * The diagonal of the Fisher information, squared gradients per sequence and never of a batch mean, which
 * would depend on the size of the batch (van de Ven 2025).
 */
import { sumOfSquaredGradients } from '@burgeon/autograd'
import {
  argmax,
  type Check,
  checkArgument,
  checks,
  concatenate,
  crossEntropy,
  type Device,
  elementwise,
  exp,
  expression,
  multiply,
  negate,
  OptionError,
  type RandomKey,
  randomUniform,
  scope,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { Model } from '../model/model.ts'
import type { Batch } from '../stream/batch.ts'
import { addAll, type JudgedRows, meanOverRows, zerosLike } from './mean-over-rows.ts'

/** Whose labels the gradients are of. */
export type FisherKind = 'exact' | 'sampled' | 'empirical'

/** Check of a kind of Fisher information. */
export const aFisherKind: Check<FisherKind> = checks.oneOf('exact', 'sampled', 'empirical')

const { constant, input, log } = expression
// Gumbel noise from uniform u: −log(−log u), with u kept off 0
const gumbel = expression.negate(
  log(expression.negate(log(expression.maximum(input(1), constant(2 ** -25))))),
)
const noisy = expression.add(input(0), gumbel)

/**
 * The diagonal Fisher information per token, estimated with one label per position drawn from the model:
 * F = E[(∇ Σₜ log p(yₜ))²]/T with yₜ from the model. No estimate is less costly, and none of the model's own
 * is noisier.
 *
 * Sequences are worked on together, some thousand tokens at a time, and their gradients squared one by one
 * all the same.
 *
 * @param sample Sequences to judge by; each contributes equally.
 * @param nextKey Keys for the draws, one for each sequence in order: how many are worked on together changes
 *   no draw.
 * @returns One tensor per parameter, of its shape, ≥ 0.
 * @throws OptionError for a model that predicts numbers.
 */
export function fisherInformation(model: Model, sample: Batch, nextKey: () => RandomKey): TensorsByPath {
  checkArgument('fisherInformation', 'nextKey', nextKey, checks.callback())
  return meanOverRows('fisherInformation', model, sample, (judged) => {
    const { rows, length, outputs, rootShares } = judged
    const keys = Array.from({ length: rows }, nextKey)
    for (const key of keys) checkArgument('fisherInformation', 'a key of nextKey', key, checks.key)
    const noise = concatenate(
      keys.map((key) => randomUniform(model.device, key, [length, outputs])),
      0,
    )
    return squares('fisherInformation', judged, (logits) => {
      const drawn = argmax(elementwise(noisy, [logits, noise])) // i32 [N], Gumbel-max
      return multiply(crossEntropy(logits, drawn), rootShares)
    })
  })
}

/**
 * The empirical Fisher information per token: as `fisherInformation`, with the labels of the data in the
 * place of the model's (Kunstner et al. 2019 say what that is not). It vanishes where the data is learnt by
 * heart, and is large where it is not learnt at all.
 *
 * @throws As `fisherInformation`.
 */
export function empiricalFisherInformation(model: Model, sample: Batch): TensorsByPath {
  const who = 'empiricalFisherInformation'
  return meanOverRows(who, model, sample, (judged) =>
    squares(who, judged, (logits) => multiply(crossEntropy(logits, judged.targets), judged.rootShares)),
  )
}

/**
 * The exact Fisher information per token: every label in its turn, weighted by the model's own probability,
 * F = E[Σₜ Σ_y p(y)·(∇ log p(yₜ = y))²]/T. Labels at different places are drawn apart from each other, so the
 * products between places are 0 in the mean, and each place is squared by itself.
 *
 * It takes a forward and a backward pass for every place of a row and every output: for a classifier as many
 * as it has classes, for a language model far more than `fisherInformation`, whose mean it is.
 *
 * @throws As `fisherInformation`.
 */
export function exactFisherInformation(model: Model, sample: Batch): TensorsByPath {
  const who = 'exactFisherInformation'
  return meanOverRows(who, model, sample, (judged) => {
    const { weights, inputs, rows, length, outputs, rootShares } = judged
    requireClasses(who, model)
    const [total, logits] = [zerosLike(weights), model.forward(inputs, weights)]
    for (let place = 0; place < length; place++) {
      const isHere = model.device.tensor(
        Float64Array.from({ length: rows * length }, (_, i) => Number(i % length === place)),
        { shape: [rows * length], dtype: 'f32' },
      )
      const shares = multiply(rootShares, isHere)
      for (let label = 0; label < outputs; label++) {
        scope(() => {
          const labels = filled(model.device, rows * length, label)
          // √p, which the square makes p; −log p is the loss of the label.
          const root = exp(multiply(negate(crossEntropy(logits, labels)), 0.5))
          const weighted = multiply(root, shares)
          const ofLabel = squares(who, judged, (own) => multiply(crossEntropy(own, labels), weighted))
          addAll(total, ofLabel, 1)
        })
      }
    }
    return total
  })
}

const filled = (device: Device, length: number, value: number): Tensor =>
  device.tensor(new Int32Array(length).fill(value), { shape: [length], dtype: 'i32' })

/** Σₙ (∇ Σₜ lossₙₜ)² of losses `[N]` that are made of the logits `[N, C]`. */
function squares(
  who: string,
  { model, weights, inputs, rows }: JudgedRows,
  lossOf: (logits: Tensor) => Tensor,
): TensorsByPath {
  requireClasses(who, model)
  const loss = (w: TensorsByPath): Tensor => sum(lossOf(model.forward(inputs, w)))
  return sumOfSquaredGradients(loss, { examples: rows })(weights).squares
}

function requireClasses(who: string, { predicts }: Model): void {
  if (predicts !== 'numbers') return
  throw new OptionError(`${who}: got a model that predicts numbers; expected one that predicts classes.`)
}
