/** What a trial came to, as those who decide see it. Plain data. */

/** What one way of going on came to. */
export interface TriedArm {
  readonly arm: string
  /**
   * Mean loss over the rows that are held back, each counted once, in bits per prediction; null where its
   * steps failed.
   */
  readonly bits: number | null
  /** By how many bits that mean lies below the first arm's; 0 of the first, and of one that failed. */
  readonly gain: number
  /** Standard error of the gain, by the differences row by row. 0 of the first, and of one that failed. */
  readonly error: number
  /** Floating-point operations of its steps. */
  readonly operations: number
}

/** A trial that has come to its end. */
export interface TrialOutcome {
  /** The step with which it ended. */
  readonly step: number
  /** Rows that it was judged by. */
  readonly rows: number
  /** The arm that was lived first, then the others. */
  readonly arms: readonly TriedArm[]
  /** Floating-point operations beyond those of the life: of the other arms, and of judging. */
  readonly extra: number
  /** By how many bits the first arm has become better in the trial; null where that was not measured. */
  readonly progress: number | null
}

/** Bits by which an arm is better than the first, in standard errors; 0 where no row tells them apart. */
export function significanceOf({ gain, error }: Pick<TriedArm, 'gain' | 'error'>): number {
  return gain === 0 ? 0 : Math.max(-mostErrors, Math.min(mostErrors, gain / error))
}

/** What is beyond it says no more, and JSON knows no ∞. */
const mostErrors = 1e6
