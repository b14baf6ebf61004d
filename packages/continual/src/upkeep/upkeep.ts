/** Upkeep: what a learner does for itself after an update. */
import type { LearnerEvent } from '../journal/event.ts'
import type { Part } from '../part.ts'
import type { StepContext } from '../journal/step-context.ts'

/** The role that acts after a step: on drift, to protect, to grow, to freeze. */
export interface Upkeep extends Part {
  /** Returns what it did, in order; nothing where it did nothing. */
  afterStep(context: StepContext): readonly LearnerEvent[] | Promise<readonly LearnerEvent[]>
}
