/** Retrieval: which of the rows in memory are learnt again. */
import { type Check, checks } from '@burgeon/tensor'
import type { RecallContext } from '../../journal/step-context.ts'
import type { Batch } from '../../stream/batch.ts'
import type { Draw } from '../memory/reservoir.ts'

/** The rows to choose from. */
export interface Candidates {
  /** Number of rows in memory, at places 0 … size − 1. */
  readonly size: number
  readonly draw: Draw
  /**
   * Different places, each row with the same chance times the factor of its domain
   * (`RecallContext.domainFactors`). Who chooses otherwise leaves these factors aside.
   *
   * @param count In 0 … size. Fewer come where too few rows have a factor above 0.
   */
  drawPlaces(count: number): readonly number[]
  /** The rows at some places as a batch. */
  batchOf(places: readonly number[]): Batch
}

/** Chooses rows for a step. It keeps nothing from one step to the next. */
export interface Retrieval {
  readonly name: string
  /** Returns `count` different places, or fewer. `count` is 1 … size. */
  choose(
    count: number,
    candidates: Candidates,
    context: RecallContext,
  ): readonly number[] | Promise<readonly number[]>
}

/** Any object of the role. */
export const aRetrieval: Check<Retrieval> = checks.role('a retrieval', 'name', 'choose')
