/** What was done in a sleep. Plain data. */
import type { HealthFinding } from './health-finding.ts'

/** What became of one job. */
export interface SleptJob {
  /** Name of the job. */
  readonly job: string
  /** Whether what it did stays; false where it was undone, to the bit, or did not begin. */
  readonly kept: boolean
  /** What it did, or why that was undone, or why it did not begin. */
  readonly reason: string
  /**
   * What it looks after, as a number, before and after it; null where nothing was measured. Of a job that
   * changes weights the mean over domains of what rows that are held back cost, in bits per byte (or
   * example).
   */
  readonly before: number | null
  readonly after: number | null
  /** The same of each domain, of a job that changes weights. */
  readonly domains?: Readonly<Record<string, { readonly before: number; readonly after: number }>>
  /** What it has found, of one that looks at the learner. */
  readonly findings?: readonly HealthFinding[]
  /** Floating-point operations that it took, looks at the rows that are held back included. */
  readonly operations: number
}

/** A sleep, job by job. */
export interface SleepReport {
  readonly jobs: readonly SleptJob[]
  /** Operations of all jobs. */
  readonly operations: number
  /** Most operations that they might take. */
  readonly budget: number
}
