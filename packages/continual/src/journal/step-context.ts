/** The context of a step, as the parts of a learner see it. It grows by fields, never by parameters. */
import type { Gpt } from '@burgeon/gpt'
import type { LearnerEvent } from './event.ts'
import type { Batch } from '../stream/batch.ts'

/** Before the step: what is about to be learnt. */
export interface RecallContext {
  /** Updates made before it. */
  readonly step: number
  readonly model: Gpt
  /** The new rows, in the tokens that there are now. */
  readonly fresh: Batch
}

/** After the update, while the learner looks after itself. */
export interface StepContext {
  /** Updates made, this one included. */
  readonly step: number
  readonly model: Gpt
  /** The rows that were new in this step, in the tokens that there were then. */
  readonly fresh: Batch
  /** The old rows that were learnt beside them; null if there were none. */
  readonly old: Batch | null
  /** Prequential loss of each new row, in nats per token. */
  readonly rowLosses: readonly number[]
  /** Prequential loss of the new rows, in bits per byte. */
  readonly bitsPerByte: number
  /** The bytes that were predicted. */
  readonly bytes: ArrayLike<number>
  /** Prequential loss of the latest steps, this one last, in nats per byte; at most `lossWindow` of them. */
  readonly losses: readonly number[]
  /** Updates since the last drift alarm, 0 in the step that raised it; null before the first. */
  readonly stepsSinceDrift: number | null
  /** Events of this step so far. */
  readonly events: readonly LearnerEvent[]
}
