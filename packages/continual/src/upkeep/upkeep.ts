/** Upkeep: what a learner does for itself after an update. */
import { type Check, checks } from '@burgeon/tensor'
import type { LearnerEvent } from '../journal/event.ts'
import type { Model } from '../model/model.ts'
import type { Part } from '../part.ts'
import type { StepContext } from '../journal/step-context.ts'

/**
 * The role that acts after a step: on drift, to protect, to grow, to freeze, to begin again. Some need a
 * model of one kind. A new one shows that it keeps the contract with `checkUpkeep` of
 * `@burgeon/continual/testing`.
 */
export interface Upkeep<M extends Model = Model> extends Part {
  /**
   * Throws OptionError for a model that it could do nothing for; asked when a learner is built. Any passes
   * unless given.
   */
  check?(model: Model): void
  /** Returns what it did, in order; nothing where it did nothing. */
  afterStep(context: StepContext<M>): readonly LearnerEvent[] | Promise<readonly LearnerEvent[]>
}

/** Any object of the role. */
export const anUpkeep: Check<Upkeep> = checks.role('an upkeep part', 'name', 'afterStep')
