/**
 * Online elastic weight consolidation (Kirkpatrick et al. 2017, eq. 3; online form: Schwarz et al. 2018, section 3.1;
 * the Laplace view: Huszár 2018):
 *
 *   penalty = strength/2 · Σᵢ Fᵢ·(θᵢ − θ*ᵢ)²,   F ← decay·F + F_new,   θ* ← θ at each consolidation.
 */
import { valueAndGrad } from '@burgeon/autograd'
import type { Gpt } from '@burgeon/gpt'
import {
  add,
  addInto,
  argmax,
  assign,
  crossEntropy,
  elementwise,
  expression,
  fill,
  keyFromSeed,
  multiply,
  OptionError,
  type PlainTensor,
  randomUniform,
  type RandomState,
  RandomStream,
  scope,
  sum,
  type Tensor,
  TensorMirror,
  type TensorsByPath,
} from '@burgeon/tensor'
import { type Batch, inputsOf, rowOf, targetsOf } from '../stream/batch.ts'
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
  readonly importance: Readonly<Record<string, PlainTensor>>
  readonly anchor: Readonly<Record<string, PlainTensor>>
  readonly random: RandomState
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
 * The Fisher information is that of the model's own predictions: labels are drawn from the model, not taken from the
 * data, and gradients are squared per sequence, never per batch, so the estimate does not depend on how sequences are
 * batched (van de Ven 2025). It is per token: F = E[(∇ Σₜ log pₜ)²]/T.
 */
export function onlineEwc(options: EwcOptions): Penalty {
  const { strength, decay = 1, seed = 0 } = options
  if (!(strength > 0 && decay >= 0 && decay <= 1)) {
    throw new OptionError(
      `onlineEwc: got strength ${strength} and decay ${decay}; expected strength > 0 and 0 ≤ decay ≤ 1.`,
    )
  }
  const importance = new TensorMirror('ewc importance', 'squaredGradient')
  const anchor = new TensorMirror('ewc anchor', 'value')
  let random = new RandomStream(keyFromSeed(seed)).named('ewc')
  return {
    name: `online EWC, strength ${strength}`,
    mirrors: [importance, anchor],
    loss(weights) {
      const terms = anchor.paths.map((path) => {
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
      const saved = state as State
      importance.restore(saved.importance, parameters)
      anchor.restore(saved.anchor, parameters)
      random = RandomStream.fromState(saved.random)
    },
  }
}

/**
 * The diagonal Fisher information per token, estimated with one label per position drawn from the model.
 *
 * @param sample Sequences to judge by; each contributes equally.
 * @param nextKey Keys for the draws.
 * @returns One tensor per parameter, of its shape, ≥ 0.
 */
export function fisherInformation(
  model: Gpt,
  sample: Batch,
  nextKey: () => readonly [number, number],
): TensorsByPath {
  const weights = model.parameters.tensors()
  const total = Object.fromEntries(
    Object.entries(weights).map(([path, w]) => [path, fill(w.device, w.shape, 0)]),
  )
  for (let row = 0; row < sample.rows; row++) {
    scope(() => {
      const { gradient, count } = scoreOfRow(model, weights, sample, row, nextKey())
      for (const [path, slope] of Object.entries(gradient)) {
        addInto(total[path], multiply(multiply(slope, slope), 1 / (count * sample.rows)))
      }
    })
  }
  return total
}

/** ∇ Σₜ log p(yₜ) for one sequence, with yₜ drawn from the model (Gumbel-max). */
function scoreOfRow(
  model: Gpt,
  weights: TensorsByPath,
  sample: Batch,
  row: number,
  key: readonly [number, number],
): { gradient: TensorsByPath; count: number } {
  const { length } = sample
  const one: Batch = { rows: 1, length, tokens: rowOf(sample, row), domains: [sample.domains[row]] }
  const spec = { shape: [1, length], dtype: 'i32' } as const
  const tokens = model.device.tensor(inputsOf(one), spec)
  const present = targetsOf(one).map((target) => (target < 0 ? 0 : 1))
  const mask = model.device.tensor(present, { shape: [length], dtype: 'f32' })
  const { gradient } = valueAndGrad((w: TensorsByPath) => {
    const logits = model.forward(tokens, w) // [T, V]
    const noise = randomUniform(model.device, key, logits.shape)
    const drawn = argmax(elementwise(noisy, [logits, noise])) // i32 [T]
    return sum(multiply(crossEntropy(logits, drawn), mask))
  })(weights)
  return {
    gradient,
    count: Math.max(
      1,
      present.reduce((a, b) => a + b, 0),
    ),
  }
}
