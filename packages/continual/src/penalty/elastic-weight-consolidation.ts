/**
 * Elastic weight consolidation (Kirkpatrick et al. 2017, eq. 3; online form: Schwarz et al. 2018, section
 * 3.1; the Laplace view: Huszár 2018): penalty = strength/2 · Σᵢ Fᵢ·(θᵢ − θ*ᵢ)².
 */
import {
  add,
  checkOptions,
  checkState,
  checks,
  elementwise,
  expression,
  keyFromSeed,
  type RandomState,
  RandomStream,
  scope,
  type StateChecks,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { Model } from '../model/model.ts'
import type { Batch } from '../stream/batch.ts'
import {
  aFreshImportance,
  anchoredChecks,
  type AnchoredState,
  AnchoredWeights,
  type FreshImportance,
} from './anchored-weights.ts'
import {
  aFisherKind,
  empiricalFisherInformation,
  exactFisherInformation,
  fisherInformation,
  type FisherKind,
} from './fisher-information.ts'
import type { Penalty } from './penalty.ts'

/** How strongly EWC holds on. */
export interface EwcOptions {
  /**
   * λ: how much a unit of importance-weighted squared movement costs, in nats per token; > 0. The penalty
   * has ½ before it: a paper or a library without it means half of this λ.
   */
  readonly strength: number
  /**
   * The Fisher information: `sampled` has one label per prediction drawn from the model, `exact` every label
   * weighted by the model's probability, at one pass per label, `empirical` the labels of the data. Default
   * `sampled`.
   */
  readonly fisher?: FisherKind
  /**
   * Importance of what growth adds, before the next consolidation. New weights that begin at 0, as the
   * outgoing ones of a new unit do, decide at once what the new part does. Default `borrowed`.
   *
   * - `borrowed`: those get the mean importance of the old slices beside them. Weights that are random at
   *   first, new tokens and whole new parameters, such as those of a new layer, get none.
   * - `measured`: right after the growth the Fisher information of the grown model is measured on rows of
   *   memory, for all that is new. It costs what a consolidation costs.
   * - `plastic`: none, so that new room may spoil what is known.
   */
  readonly fresh?: FreshImportance
  /** Rows of memory that importance is judged by, a positive integer. Default 32. */
  readonly rows?: number
  /** For the labels drawn from the model. Default 0. */
  readonly seed?: number
}

/** How strongly online EWC holds on, and how long. */
export interface OnlineEwcOptions extends EwcOptions {
  /** γ: how much earlier importance counts after a consolidation, in [0, 1]; 1 unless given. */
  readonly decay?: number
}

interface State extends AnchoredState {
  readonly random: RandomState
}

const stateChecks: StateChecks<State> = {
  ...anchoredChecks,
  random: checks.object('the state of a random stream'),
}

const ewcChecks = {
  strength: checks.required(checks.number({ above: 0 })),
  fisher: aFisherKind,
  fresh: aFreshImportance,
  rows: checks.integer({ from: 1 }),
  seed: checks.seed,
}

const { constant, divide, input, maximum, subtract } = expression
// inputs: anchor θ̄, weight θ, earlier importance F, new importance f; θ̄ + f/(F + f)·(θ − θ̄)
const weightedMean = expression.add(
  input(0),
  expression.multiply(
    divide(input(3), maximum(expression.add(input(2), input(3)), constant(2 ** -126))),
    subtract(input(1), input(0)),
  ),
)

/**
 * Protects weights in proportion to their diagonal Fisher information, with one anchor for each consolidation
 * (Kirkpatrick et al. 2017): the penalty is that of all of them, λ/2 · Σₖ Σᵢ Fₖᵢ·(θᵢ − θ*ₖᵢ)².
 *
 * Anchors are not kept one by one. A sum of squares around several points is, but for a constant, one square
 * around their mean weighted by importance, so that `F ← F + Fₖ` and `θ* ← θ* + Fₖ/F·(θ − θ*)` have the same
 * gradient at any number of consolidations; the constant is left out of the penalty.
 */
export function ewc(options: EwcOptions): Penalty {
  checkOptions('ewc', options, ewcChecks)
  return consolidated('ewc', `EWC, ${described(options)}`, options, (held, fresh, model) => {
    for (const { path, tensor } of model.parameters) {
      const [old, anchor] = [held.importance.get(path), held.anchor.get(path)]
      const isNew = old === undefined || anchor === undefined
      const inputs = isNew ? [] : [anchor, tensor, old, fresh[path]]
      held.anchor.set(path, isNew ? add(tensor, 0) : elementwise(weightedMean, inputs))
      held.importance.set(path, old === undefined ? fresh[path] : add(old, fresh[path]))
    }
  })
}

/**
 * Protects weights in proportion to their diagonal Fisher information, with one anchor, the weights at the
 * latest consolidation: F ← decay·F + F_new, θ* ← θ.
 *
 * By default the Fisher information is that of the model's own predictions: labels are drawn from the model,
 * not taken from the data, and gradients are squared per sequence, never per batch, so the estimate does not
 * depend on how sequences are batched (van de Ven 2025). It is per token: F = E[(∇ Σₜ log pₜ)²]/T.
 */
export function onlineEwc(options: OnlineEwcOptions): Penalty {
  checkOptions('onlineEwc', options, { ...ewcChecks, decay: checks.number({ from: 0, to: 1 }) })
  const { decay = 1 } = options
  return consolidated('onlineEwc', `online EWC, ${described(options)}`, options, (held, fresh, model) => {
    held.accumulate(fresh, decay)
    held.anchorAt(model.parameters)
  })
}

const described = ({ strength, fisher = 'sampled' }: EwcOptions): string =>
  `strength ${strength}${fisher === 'sampled' ? '' : `, ${fisher} Fisher information`}`

/** EWC of either form. @param take Takes up what was measured at a consolidation. */
function consolidated(
  who: string,
  name: string,
  { strength, fisher = 'sampled', fresh = 'borrowed', rows, seed = 0 }: EwcOptions,
  take: (held: AnchoredWeights, fresh: TensorsByPath, model: Model) => void,
): Penalty {
  const held = new AnchoredWeights(who, 'ewc', fresh)
  let random = new RandomStream(keyFromSeed(seed)).named('ewc')
  const informationOf = (model: Model, sample: Batch): TensorsByPath => {
    if (fisher === 'exact') return exactFisherInformation(model, sample)
    if (fisher === 'empirical') return empiricalFisherInformation(model, sample)
    return fisherInformation(model, sample, () => [random.uint32(), random.uint32()])
  }
  const measured = (model: Model, sample: Batch): TensorsByPath => held.kept(informationOf(model, sample))
  return {
    name,
    mirrors: held.mirrors,
    waitsForConsolidation: true,
    ...(rows && { sampleRows: rows }),
    loss: (weights) => held.loss(weights, strength),
    consolidate(model, sample) {
      scope(() => take(held, measured(model, sample), model))
    },
    ...held.afterGrowth(measured),
    toState: async (): Promise<State> => ({ ...(await held.toState()), random: random.toState() }),
    restore(state, parameters) {
      const saved = checkState<State>(who, state, stateChecks)
      held.checkState(saved, parameters)
      random = RandomStream.fromState(saved.random)
      held.restore(saved, parameters)
    },
  }
}
