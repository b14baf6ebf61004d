/** Upkeep: what a learner does for itself after an update. */
import type { LearnerEvent } from '../journal/event.ts'
import type { Model } from '../model/model.ts'
import type { Part } from '../part.ts'
import type { StepContext } from '../journal/step-context.ts'

/**
 * The role that acts after a step: on drift, to protect, to grow, to freeze. Some need a model of one kind.
 */
export interface Upkeep<M extends Model = Model> extends Part {
  /** Returns what it did, in order; nothing where it did nothing. */
  afterStep(context: StepContext<M>): readonly LearnerEvent[] | Promise<readonly LearnerEvent[]>
}
