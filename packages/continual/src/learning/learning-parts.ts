/** Everything that one update is made with. */
import type { GradientTransform, LossScale } from '@burgeon/autograd/optim'
import { Gpt, isBelow, type LoraAdapter } from '@burgeon/gpt'
import type { ParameterStore, RandomKey, TensorsByPath } from '@burgeon/tensor'
import type { ContextLabels } from '../context/context-labels.ts'
import type { Knobs } from '../control/knobs.ts'
import type { LookAhead } from '../meta/look-ahead.ts'
import type { GradientExchange } from '../exchange/gradient-exchange.ts'
import type { Intake } from '../model/intake.ts'
import type { Model } from '../model/model.ts'
import type { Penalty } from '../penalty/penalty.ts'
import type { Rehearsal } from '../rehearsal/rehearsal.ts'

/** Everything that an update is made with. */
export interface LearningParts {
  readonly model: Model
  readonly intake: Intake
  /** Learns in the place of the model, which stays as it is then. */
  readonly adapter?: LoraAdapter
  /** Stand before the rows. */
  readonly context?: ContextLabels
  /** Decides what an adapter drops in this step, and which labels are left out. */
  readonly dropoutKey: RandomKey
  /** Begins with the loss scale, and holds the look-ahead. */
  readonly optimizer: GradientTransform
  readonly penalties: readonly Penalty[]
  /** May add to the loss what its rows cost. */
  readonly rehearsal?: Rehearsal
  /** Whether a part uses the outputs of the model. */
  readonly keepsLogits: boolean
  /** Takes the gradients after inner steps. Not beside a loss scale. */
  readonly lookAhead?: LookAhead
  /** Takes gradients together with other machines. Not beside a look-ahead. */
  readonly exchange?: GradientExchange
  /** Multiplies the loss. */
  readonly lossScale?: LossScale
  /** Whether blocks are computed again on the way back instead of being kept. */
  readonly checkpointBlocks: boolean
  /**
   * Shares of their rate that the lowest blocks learn with (see `Freezing`); with 0 their backward pass is
   * left out.
   */
  readonly shares: readonly number[]
  /** Factors of rates, penalties and what is recalled. */
  readonly knobs: Knobs
  /** Updates in a row that the loss scale has skipped just before this one. */
  readonly overflows: number
  /** Updates made before this one. */
  readonly step: number
}

/** Number of blocks that do not learn. */
export const frozenBlocks = (shares: readonly number[]): number =>
  shares.filter((share) => share === 0).length

/** The parameters that learn, or some of them: those of the adapter, or of the model. */
export const taught = ({ adapter, model }: LearningParts): ParameterStore => (adapter ?? model).parameters

/** The weights that learn: all but those of frozen blocks; with an adapter its own alone. */
export function learningWeights({ model, adapter, shares }: LearningParts): TensorsByPath {
  if (adapter !== undefined) return adapter.weights
  const count = frozenBlocks(shares)
  if (count === 0 || !(model instanceof Gpt)) return model.parameters.tensors()
  const isFrozen = isBelow(model.config, count)
  return Object.fromEntries(Object.entries(model.parameters.tensors()).filter(([path]) => !isFrozen(path)))
}
