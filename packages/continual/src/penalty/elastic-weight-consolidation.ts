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
import { aBatch, type Batch, batchOfRows, rowOf } from '../stream/batch.ts'
import { batchTensors } from '../stream/batch-tensors.ts'
import type { Penalty } from './penalty.ts'

/** How strongly EWC holds on. */
export interface EwcOptions {
  /** λ: how much a unit of importance-weighted squared movement costs, in nats per token; > 0. */
  readonly strength: number
  /** γ: how much earlier importance counts after a consolidation, in [0, 1]; 1 unless given. */
  readonly decay?: number
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
    seed: checks.seed,
  })
  const { strength, decay = 1, seed = 0 } = options
  const importance = new TensorMirror('ewc importance', 'importance', () => true, true)
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
  model: Gpt,
  sample: Batch,
  nextKey: () => readonly [number, number],
): TensorsByPath {
  checkArgument('fisherInformation', 'model', model, checks.instance('a Gpt', Gpt))
  checkArgument('fisherInformation', 'sample', sample, aBatch)
  checkArgument('fisherInformation', 'nextKey', nextKey, checks.callback())
  const weights = model.parameters.tensors()
  const { rows, length } = sample
  const total = Object.fromEntries(
    Object.entries(weights).map(([path, w]) => [path, fill(w.device, w.shape, 0)]),
  )
  const tokens = Math.min(maxTokens, maxLogits / model.config.vocabulary)
  const together = Math.max(1, Math.floor(tokens / length))
  for (let row = 0; row < rows; row += together) {
    const part = rowsOf(sample, row, Math.min(rows, row + together))
    const keys = part.domains.map(() => nextKey())
    for (const key of keys) checkArgument('fisherInformation', 'a key of nextKey', key, checks.key)
    scope(() => {
      for (const [path, squares] of Object.entries(squaredScores(model, weights, part, keys))) {
        addInto(total[path], multiply(squares, 1 / rows))
      }
    })
  }
  return total
}

const rowsOf = (sample: Batch, from: number, to: number): Batch => {
  const rows = Array.from({ length: to - from }, (_, i) => rowOf(sample, from + i))
  return batchOfRows(rows, sample.domains.slice(from, to), sample.length)
}

/** Σₙ (∇ Σₜ log p(yₙₜ))²/Tₙ over sequences of Tₙ predictions, with yₙₜ drawn from the model (Gumbel-max). */
function squaredScores(
  model: Gpt,
  weights: TensorsByPath,
  part: Batch,
  keys: readonly (readonly [number, number])[],
): TensorsByPath {
  const { device, config } = model
  const { rows, length } = part
  const { tokens, targetTokens } = batchTensors(device, part)
  const noise = concatenate(
    keys.map((key) => randomUniform(device, key, [length, config.vocabulary])),
    0,
  )
  const mask = device.tensor(rootShares(part, targetTokens), { shape: [rows * length], dtype: 'f32' })
  const loss = (w: TensorsByPath): Tensor => {
    const logits = model.forward(tokens, w) // [B·T, V]
    const drawn = argmax(elementwise(noisy, [logits, noise])) // i32 [B·T]
    return sum(multiply(crossEntropy(logits, drawn), mask))
  }
  return sumOfSquaredGradients(loss, { examples: rows })(weights).squares
}

/** 1/√Tₙ where a prediction counts, 0 elsewhere: the root, because gradients are squared. */
function rootShares({ rows, length }: Batch, targets: Int32Array): Float64Array {
  const shares = new Float64Array(rows * length)
  for (let row = 0; row < rows; row++) {
    const own = targets.subarray(row * length, (row + 1) * length)
    const count = own.reduce((total, target) => total + Number(target >= 0), 0)
    own.forEach((target, t) => {
      if (target >= 0) shares[row * length + t] = 1 / Math.sqrt(count)
    })
  }
  return shares
}
