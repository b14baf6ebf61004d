/** What a look at the health of a learner has found. Plain data. */

/** One check. */
export interface HealthFinding {
  /** What was looked at: `finite weights`, for example. */
  readonly name: string
  /** Whether it is as expected. */
  readonly ok: boolean
  readonly seen: number
  /** What was expected, for people. */
  readonly expected: string
  /** The part or the block that it is about; where several are wrong, the first. */
  readonly where: string
}

/** What the next look compares with. */
export interface HealthRecord {
  /** Updates made by then. */
  readonly step: number
  /** Root mean square of the weights of each block, and of what is outside of blocks. */
  readonly weights: Readonly<Record<string, number>>
  /** A number for the state of each detector. */
  readonly detectors: Readonly<Record<string, number>>
}

/** All checks, and what to compare with the next time. */
export interface HealthReport {
  readonly findings: readonly HealthFinding[]
  readonly record: HealthRecord
}
