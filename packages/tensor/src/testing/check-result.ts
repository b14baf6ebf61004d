/** What contract suites return. */

/** One statement about the part that was checked, and whether it holds. */
export interface CheckResult {
  readonly statement: string
  readonly holds: boolean
  /** What was seen; worth reading when it does not hold. */
  readonly detail: string
}
