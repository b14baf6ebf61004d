/** What one step of a learner measured. Plain data. */
import type { GrowthRecord } from '@burgeon/gpt/growth'
import type { Measurement } from './growth/measurement.ts'

/** What a growth did. What takes it back is in the model's growth log (`ungrowTo`), once, and not here. */
export type JournalledGrowth = Omit<GrowthRecord, 'undo'>

/** Something worth a line in the journal. */
export type LearnerEvent =
  | { readonly kind: 'drift'; readonly step: number; readonly detector: string; readonly bitsPerByte: number }
  | { readonly kind: 'consolidation'; readonly step: number; readonly penalty: string; readonly rows: number }
  /** Slopes did not fit into half precision: the loss scale was halved and nothing was learnt. */
  | { readonly kind: 'overflow'; readonly step: number }
  | {
      readonly kind: 'growth'
      readonly step: number
      readonly policy: string
      readonly reason: string
      readonly record: JournalledGrowth
      /** What the policy had measured, if it did. */
      readonly measured?: Measurement
    }
  | {
      readonly kind: 'growth refused'
      readonly step: number
      readonly policy: string
      readonly reason: string
      readonly measured?: Measurement
    }
  /** So many of the lowest blocks have converged by now, and learn no more as soon as they have settled; 0: all learn again. */
  | {
      readonly kind: 'freezing'
      readonly step: number
      readonly blocks: number
      readonly reason: string
    }
  /** The policy had the blocks measured and decided to stay as it is. */
  | {
      readonly kind: 'growth considered'
      readonly step: number
      readonly policy: string
      readonly reason: string
      readonly measured: Measurement
    }

/** What one call of `learner.observe` did. */
export interface StepReport {
  /** Updates made, this one included. */
  readonly step: number
  /** Loss of the new tokens before they were learnt: the prequential loss, in nats per token. */
  readonly loss: number
  /** The same in bits, per byte that the tokens stand for. */
  readonly bitsPerByte: number
  /** The prequential loss of each new row, in nats per token. */
  readonly rowLosses: readonly number[]
  readonly domains: readonly string[]
  /** New tokens predicted and learnt. */
  readonly tokens: number
  /** Bytes that these stand for. */
  readonly bytes: number
  /** Old rows learnt beside the new ones. */
  readonly rehearsedRows: number
  /** What each penalty added to the loss, by name, in nats per token. */
  readonly penalties: Readonly<Record<string, number>>
  /** Global norm of the gradients before any transform; infinite or NaN in a step with an `overflow`. */
  readonly gradientNorm: number
  /** Global norm of the change of the weights. Never 0 in a step that learnt, 0 in one with an `overflow`. */
  readonly updateNorm: number
  /** Learnt numbers after the step. */
  readonly parameters: number
  readonly events: readonly LearnerEvent[]
}
