/** Layers that have learnt what they can need not learn in every step. */
import type { Gpt } from '@burgeon/gpt'
import type { LearnerEvent } from '../step-report.ts'
import type { Batch } from '../stream/batch.ts'

/** What happened in a step, and in whom. */
export interface FreezingTurn {
  readonly model: Gpt
  /** Updates made so far, this one included. */
  readonly step: number
  /** The rows that were just learnt. */
  readonly recent: Batch
  /** Why frozen layers must wake now: a drift alarm, or growth. */
  readonly disturbance: string | null
}

/** Decides how fast the lowest blocks learn, down to not at all. */
export interface Freezing {
  readonly name: string
  /**
   * What share of their rate the lowest blocks learn with, from the lowest on, each in [0, 1] and never below the one before; blocks that are
   * not in it learn as ever. Embeddings and positions go with the lowest. For blocks of share 0 the backward pass is not computed, and
   * nothing about them changes.
   *
   * @param step Updates made before it, from 0.
   */
  sharesAt(step: number): readonly number[]
  /** Judges after a step. */
  observe(turn: FreezingTurn): Promise<LearnerEvent[]>
  /** Plain data with a `kind` field. */
  toState(): unknown
  /** Takes what `toState` gave. Throws a `StateError` for any other, and is unchanged then. */
  restore(state: unknown): void
}
