/** Measurements of the inside of a model for a growth policy. Plain data: they stand in the journal. */

/** Measurements of the MLP of one block, on the rows that the model had just learnt. */
export interface BlockSignals {
  /** Block id. */
  readonly block: string
  /** Share of the block's weights in the squared gradient norm of all weights, in [0, 1]. */
  readonly gradientShare: number
  /**
   * The largest gradient norm, in nats, that the incoming weights of one more unit could have: of a unit
   * whose outgoing weights are as long as those of the present units are in the whole model (GradMax, Evci et
   * al. 2022, section 3.2).
   */
  readonly gradMax: number
  /**
   * How many directions the activations of the hidden units fill, from 0 to `maxRank` (Roy & Vetterli 2007).
   */
  readonly effectiveRank: number
  /** As many as there are units, or one less than there were tokens, if those are fewer. */
  readonly maxRank: number
  /** Share of units that are hardly active on any token, in [0, 1] (Sokar et al. 2023, τ = 0.025). */
  readonly dormant: number
  /**
   * Their numbers, as `pruneUnits` takes them: of a block with experts, units that are dormant in all of
   * them.
   */
  readonly dormantUnits: readonly number[]
}

/** All blocks at one time. */
export interface Measurement {
  /** Predictions that it was made on. */
  readonly tokens: number
  /** Norm of the gradient by all weights, in nats. */
  readonly gradientNorm: number
  /** From the input to the output. */
  readonly blocks: readonly BlockSignals[]
}
