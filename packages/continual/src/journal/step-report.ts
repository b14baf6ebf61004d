/** Measurements of one step of a learner. Plain data. */
import type { LearnerEvent } from './event.ts'

/** Report of one call of `learner.observe`. */
export interface StepReport {
  /** Updates made, this one included. */
  readonly step: number
  /** Loss of the new tokens before they were learnt: the prequential loss, in nats per token (or example). */
  readonly loss: number
  /** The same in bits, per byte that the tokens stand for; of examples, for each. */
  readonly bitsPerByte: number
  /**
   * The same with what a recall remembered mixed in; rows that are held back count as they are. Absent where
   * nothing recalls.
   */
  readonly mixedBitsPerByte?: number
  /** The prequential loss of each new row, in nats per token (or example). */
  readonly rowLosses: readonly number[]
  readonly domains: readonly string[]
  /** New rows that were predicted and not learnt (`Probes`); absent where there are none. */
  readonly heldBackRows?: number
  /** New tokens, or examples, predicted; learnt, too, but for those that were held back. */
  readonly tokens: number
  /** Bytes that these stand for; none of examples. */
  readonly bytes: number
  /** Old rows learnt beside the new ones. */
  readonly rehearsedRows: number
  /** Amount that penalties and rehearsal added to the loss, by name, in nats per token (or example). */
  readonly penalties: Readonly<Record<string, number>>
  /** Global norm of the gradients before any transform; infinite or NaN in a step with an `overflow`. */
  readonly gradientNorm: number
  /** Global norm of the change of the weights. 0 in a step with an `overflow`, or all of whose rows
   * were held back; never in another. */
  readonly updateNorm: number
  /** Learnt numbers after the step. */
  readonly parameters: number
  readonly events: readonly LearnerEvent[]
}
