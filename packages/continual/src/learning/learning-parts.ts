/** Everything that one update is made with. */
import type { GradientTransform, LossScale } from '@burgeon/autograd/optim'
import { type Gpt, isBelow } from '@burgeon/gpt'
import type { TensorsByPath } from '@burgeon/tensor'
import type { LookAhead } from '../meta/look-ahead.ts'
import type { Penalty } from '../penalty/penalty.ts'

/** Everything that an update is made with. */
export interface LearningParts {
  readonly model: Gpt
  /** Begins with the loss scale, and holds the look-ahead. */
  readonly optimizer: GradientTransform
  readonly penalties: readonly Penalty[]
  /** Takes the gradients after inner steps. Not beside a loss scale. */
  readonly lookAhead?: LookAhead
  /** Multiplies the loss. */
  readonly lossScale?: LossScale
  /** Whether blocks are computed again on the way back instead of being kept. */
  readonly checkpointBlocks: boolean
  /**
   * Shares of their rate that the lowest blocks learn with (see `Freezing`); with 0 their backward pass is
   * left out.
   */
  readonly shares: readonly number[]
  /** Updates in a row that the loss scale has skipped just before this one. */
  readonly overflows: number
  /** Updates made before this one. */
  readonly step: number
}

/** Number of blocks that do not learn. */
export const frozenBlocks = (shares: readonly number[]): number =>
  shares.filter((share) => share === 0).length

/** The weights that learn: all but those of frozen blocks. */
export function learningWeights({ model, shares }: LearningParts): TensorsByPath {
  const isFrozen = isBelow(model.config, frozenBlocks(shares))
  return Object.fromEntries(Object.entries(model.parameters.tensors()).filter(([path]) => !isFrozen(path)))
}
