/** A learner as plain data. */
import type { GptState } from '@burgeon/gpt'
import type { LearnerEvent } from './step-report.ts'

/** Everything a learner knows, as plain data: what a checkpoint holds. */
export interface LearnerState {
  /** Names of the parts it was built from, to notice a different build. */
  readonly parts: readonly string[]
  readonly model: GptState
  readonly optimizer: unknown
  readonly penalties: readonly unknown[]
  /** Of the rehearsal, or of the latest rows where nothing is rehearsed. */
  readonly rehearsal: unknown
  readonly detector: unknown
  /** None of a learner that was saved by an earlier version. */
  readonly watches?: readonly unknown[]
  readonly policy: unknown
  /** None of a learner that was saved by an earlier version. */
  readonly vocabulary?: unknown
  /** None of a learner that was saved by an earlier version. */
  readonly freezing?: unknown
  readonly step: number
  readonly losses: readonly number[]
  readonly lastGrowth: number
  readonly lastDrift: number | null
  readonly journal: readonly LearnerEvent[]
}
