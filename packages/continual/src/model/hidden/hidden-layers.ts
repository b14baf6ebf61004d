/** Hidden layers: units that read with incoming weights, and write with outgoing ones. */
import type { RandomStream, Tensor } from '@burgeon/tensor'
import type { Batch } from '../../stream/batch.ts'

/** A parameter with a slice for each unit of a layer. */
export interface UnitParameter {
  readonly path: string
  /** Dimension that belongs to the units, counted from 0. */
  readonly axis: number
  /** Whether it carries what the units write, and not what they read. */
  readonly isOutgoing: boolean
}

/** A layer of hidden units. */
export interface HiddenLayer {
  /** `blocks.b0.mlp` of a GPT, `layers.0` of a dense network. */
  readonly name: string
  /** Number of units. */
  readonly size: number
  /** Path of the incoming weights `[inputs, units]`; what happens to their columns happens to the units. */
  readonly incoming: string
  /** Path of the outgoing weights `[units, outputs]`. */
  readonly outgoing: string
  /** Path of the bias that is added to what the units write; null where there is none. */
  readonly outgoingBias: string | null
  /** Everything that has a slice for each unit, weights and biases. */
  readonly parameters: readonly UnitParameter[]
}

/** What has to be known of a model whose hidden units are looked at, or begin again. */
export interface HiddenLayers {
  /** From the input to the output. */
  readonly layers: readonly HiddenLayer[]
  /**
   * Predicts a batch. Returns the activations of each layer, `f32 [N, units]`, for the N predictions that
   * count; they belong to the scope that is open.
   */
  activations(batch: Batch): readonly Tensor[]
  /** Draws all numbers of a parameter as a new model has them; null where those are not random. */
  drawn(path: string, random: RandomStream): Float32Array | null
  /** Keeps others from changing the model until it is let go of; null where nobody needs to be kept. */
  hold(): Disposable | null
}
