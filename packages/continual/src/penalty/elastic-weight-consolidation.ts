/**
 * Online elastic weight consolidation (Kirkpatrick et al. 2017, eq. 3; online form: Schwarz et al. 2018,
 * section 3.1; the Laplace view: Huszár 2018):
 *
 *   penalty = strength/2 · Σᵢ Fᵢ·(θᵢ − θ*ᵢ)²,   F ← decay·F + F_new,   θ* ← θ at each consolidation.
 */
import { sumOfSquaredGradients } from '@burgeon/autograd'
import { Gpt } from '@burgeon/gpt'
import {
  add,
  addInto,
  argmax,
  assign,
  checkArgument,
  checkOptions,
  checkState,
  checks,
  concatenate,
  crossEntropy,
  elementwise,
  expression,
  fill,
  keyFromSeed,
  multiply,
  OptionError,
  type PlainTensors,
  type RandomState,
  RandomStream,
  randomUniform,
  scope,
  type StateChecks,
  StateError,
  sum,
  type Tensor,
  TensorMirror,
  type TensorsByPath,
} from '@burgeon/tensor'
import { aModel, type Model } from '../model/model.ts'
import { aBatch, type Batch, isTokenBatch, rowsBetween } from '../stream/batch.ts'
import { batchTensors } from '../stream/batch-tensors.ts'
import type { Penalty } from './penalty.ts'

/** How strongly EWC holds on. */
export interface EwcOptions {
  /** λ: how much a unit of importance-weighted squared movement costs, in nats per token; > 0. */
  readonly strength: number
  /** γ: how much earlier importance counts after a consolidation, in [0, 1]; 1 unless given. */
  readonly decay?: number
  /**
   * Importance of slices that growth adds, before the next consolidation. New weights that begin at 0, as the
   * outgoing ones of a new unit do, decide at once what the new part does: with `borrowed` they get the mean
   * importance of the old slices beside them, with `plastic` none, so that new room may spoil what is known.
   * New weights that are random at first have no importance yet, and new parameters none to borrow from.
   * Default `borrowed`.
   */
  readonly fresh?: 'borrowed' | 'plastic'
  /** 0 unless given; for the labels drawn from the model. */
  readonly seed?: number
}

interface State {
  readonly importance: PlainTensors
  readonly anchor: PlainTensors
  readonly random: RandomState
}

const stateChecks: StateChecks<State> = {
  importance: checks.object('tensors by path'),
  anchor: checks.object('tensors by path'),
  random: checks.object('the state of a random stream'),
}

const { constant, input, log, subtract } = expression
// importance · (θ − θ*)²
const pull = expression.multiply(
  input(0),
  expression.multiply(subtract(input(1), input(2)), subtract(input(1), input(2))),
)
// Gumbel noise from uniform u: −log(−log u), with u kept off 0
const gumbel = expression.negate(
  log(expression.negate(log(expression.maximum(input(1), constant(2 ** -25))))),
)
const noisy = expression.add(input(0), gumbel)

/**
 * Protects weights in proportion to their diagonal Fisher information.
 *
 * The Fisher information is that of the model's own predictions: labels are drawn from the model, not taken
 * from the data, and gradients are squared per sequence, never per batch, so the estimate does not depend on
 * how sequences are batched (van de Ven 2025). It is per token: F = E[(∇ Σₜ log pₜ)²]/T.
 */
export function onlineEwc(options: EwcOptions): Penalty {
  checkOptions('onlineEwc', options, {
    strength: checks.required(checks.number({ above: 0 })),
    decay: checks.number({ from: 0, to: 1 }),
    fresh: checks.oneOf('borrowed', 'plastic'),
    seed: checks.seed,
  })
  const { strength, decay = 1, fresh: freshSlices = 'borrowed', seed = 0 } = options
  const ofNew = freshSlices === 'borrowed' ? 'borrowed' : 'zero'
  const importance = new TensorMirror('ewc importance', 'importance', () => true, true, ofNew)
  const anchor = new TensorMirror('ewc anchor', 'value', () => true, true)
  let random = new RandomStream(keyFromSeed(seed)).named('ewc')
  return {
    name: `online EWC, strength ${strength}`,
    mirrors: [importance, anchor],
    waitsForConsolidation: true,
    loss(weights) {
      // A copy that has no gradient yet has an anchor, and no importance before the next consolidation.
      const terms = importance.paths.map((path) => {
        const [f, star] = [importance.get(path) as Tensor, anchor.get(path) as Tensor]
        return sum(elementwise(pull, [f, weights[path], star]))
      })
      return terms.length === 0
        ? null
        : multiply(
            terms.reduce((a, b) => add(a, b)),
            strength / 2,
          )
    },
    consolidate(model, sample) {
      scope(() => {
        const fresh = fisherInformation(model, sample, () => [random.uint32(), random.uint32()])
        for (const { path, tensor } of model.parameters) {
          const old = importance.get(path)
          const total = old === undefined ? fresh[path] : add(multiply(old, decay), fresh[path])
          importance.set(path, total)
          const copy = fill(tensor.device, tensor.shape, 0)
          assign(copy, tensor)
          anchor.set(path, copy)
        }
      })
    },
    toState: async (): Promise<State> => ({
      importance: await importance.toState(),
      anchor: await anchor.toState(),
      random: random.toState(),
    }),
    restore(state, parameters) {
      const saved = checkState<State>('onlineEwc', state, stateChecks)
      importance.checkState(saved.importance, parameters)
      anchor.checkState(saved.anchor, parameters)
      const adrift = Object.keys(saved.importance).find((path) => !Object.hasOwn(saved.anchor, path))
      if (adrift !== undefined) {
        throw new StateError(
          `onlineEwc: the saved state has the importance of ${adrift} and no anchor; expected both. Is the file whole?`,
        )
      }
      random = RandomStream.fromState(saved.random)
      importance.restore(saved.importance, parameters)
      anchor.restore(saved.anchor, parameters)
    },
  }
}

/** Tokens, and logits, that one pass over sequences may hold. */
const [maxTokens, maxLogits] = [2 ** 12, 2 ** 25]

/**
 * The diagonal Fisher information per token, estimated with one label per position drawn from the model.
 *
 * Sequences are worked on together, some thousand tokens at a time, and their gradients squared one by one
 * all the same.
 *
 * @param sample Sequences to judge by; each contributes equally.
 * @param nextKey Keys for the draws, one for each sequence in order: how many are worked on together changes
 *   no draw.
 * @returns One tensor per parameter, of its shape, ≥ 0.
 */
export function fisherInformation(
  model: Model,
  sample: Batch,
  nextKey: () => readonly [number, number],
): TensorsByPath {
  checkArgument('fisherInformation', 'model', model, aModel)
  checkArgument('fisherInformation', 'sample', sample, aBatch)
  checkArgument('fisherInformation', 'nextKey', nextKey, checks.callback())
  const weights = model.parameters.tensors()
  const { rows } = sample
  const length = isTokenBatch(sample) ? sample.length : 1
  const outputs = outputsOf(model, sample)
  const total = Object.fromEntries(
    Object.entries(weights).map(([path, w]) => [path, fill(w.device, w.shape, 0)]),
  )
  const tokens = Math.min(maxTokens, maxLogits / outputs)
  const together = Math.max(1, Math.floor(tokens / length))
  for (let row = 0; row < rows; row += together) {
    const part = rowsBetween(sample, row, Math.min(rows, row + together))
    const keys = part.domains.map(() => nextKey())
    for (const key of keys) checkArgument('fisherInformation', 'a key of nextKey', key, checks.key)
    scope(() => {
      for (const [path, squares] of Object.entries(squaredScores(model, weights, part, keys, outputs))) {
        addInto(total[path], multiply(squares, 1 / rows))
      }
    })
  }
  return total
}

/** Outputs for each prediction of a model that predicts classes. */
function outputsOf(model: Model, sample: Batch): number {
  if (model instanceof Gpt) return model.config.vocabulary
  if (model.predicts === 'numbers') {
    throw new OptionError(
      'fisherInformation: got a model that predicts numbers; expected one that predicts classes.',
    )
  }
  return scope(() => model.forward(batchTensors(model.device, rowsBetween(sample, 0, 1)).inputs).shape[1])
}

/** Σₙ (∇ Σₜ log p(yₙₜ))²/Tₙ over sequences of Tₙ predictions, with yₙₜ drawn from the model (Gumbel-max). */
function squaredScores(
  model: Model,
  weights: TensorsByPath,
  part: Batch,
  keys: readonly (readonly [number, number])[],
  outputs: number,
): TensorsByPath {
  const { device } = model
  const { rows } = part
  const { inputs, counted, length } = batchTensors(device, part)
  const noise = concatenate(
    keys.map((key) => randomUniform(device, key, [length, outputs])),
    0,
  )
  const mask = device.tensor(rootShares(rows * length, length, counted), {
    shape: [rows * length],
    dtype: 'f32',
  })
  const loss = (w: TensorsByPath): Tensor => {
    const logits = model.forward(inputs, w) // [B·T, V]
    const drawn = argmax(elementwise(noisy, [logits, noise])) // i32 [B·T]
    return sum(multiply(crossEntropy(logits, drawn), mask))
  }
  return sumOfSquaredGradients(loss, { examples: rows })(weights).squares
}

/** 1/√Tₙ where a prediction counts, 0 elsewhere: the root, because gradients are squared. */
function rootShares(places: number, length: number, counted: readonly number[]): Float64Array {
  const perRow = new Float64Array(places / length)
  for (const i of counted) perRow[Math.floor(i / length)]++
  const shares = new Float64Array(places)
  for (const i of counted) shares[i] = 1 / Math.sqrt(perRow[Math.floor(i / length)])
  return shares
}
