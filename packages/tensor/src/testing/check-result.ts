/** The results of contract suites. */

/** One statement about the part that was checked, and whether it holds. */
export interface CheckResult {
  readonly statement: string
  readonly holds: boolean
  /** The observation; worth reading when the statement does not hold. */
  readonly detail: string
}
