/** Layers that have learnt what they can need not learn in every step. */
import type { Gpt } from '@burgeon/gpt'
import { type Check, checks } from '@burgeon/tensor'
import type { Upkeep } from '../upkeep/upkeep.ts'

/**
 * Decides how fast the lowest blocks learn, down to not at all. After a step it judges whether they have
 * converged; a drift alarm or a growth among the events of the step wakes what is frozen.
 */
export interface Freezing extends Upkeep<Gpt> {
  /**
   * Shares of their rate that the lowest blocks learn with, from the lowest on, each in [0, 1] and never
   * below the one before; blocks that are not in it learn as ever. Embeddings and positions go with the
   * lowest. For blocks of share 0 the backward pass is not computed, and nothing about them changes.
   *
   * @param step Updates made before it, from 0.
   */
  sharesAt(step: number): readonly number[]
  /** Plain data with a `kind` field. */
  toState(): unknown
  restore(state: unknown): void
}

/** Any object of the role. */
export const aFreezing: Check<Freezing> = checks.role(
  'a freezing',
  ...(['name', 'sharesAt', 'afterStep', 'toState', 'restore'] as const),
)
