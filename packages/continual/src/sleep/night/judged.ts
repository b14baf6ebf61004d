/** Judges by rows that are held back what a job did to the weights. */
import type { ProbeLosses } from '../../journal/probe-losses.ts'
import type { SleptJob } from '../../journal/sleep/sleep-report.ts'

/** Why a job cannot be kept; null where it can. What is not a number is worse than any. */
export function harmOf(before: ProbeLosses, after: ProbeLosses, tolerance: number): string | null {
  const worse = Object.keys(before).flatMap((domain) => {
    const rise = after[domain].bits - before[domain].bits
    return rise <= tolerance ? [] : [`${domain} is worse by ${rise.toFixed(3)} bits`]
  })
  return worse.length === 0 ? null : `${worse.join(', ')}; up to ${tolerance} is kept`
}

/** What the report of a job says of them. */
export function measuredOf(
  before: ProbeLosses,
  after: ProbeLosses,
): Required<Pick<SleptJob, 'before' | 'after' | 'domains'>> {
  const domains = Object.fromEntries(
    Object.keys(before).map((domain) => [domain, { before: before[domain].bits, after: after[domain].bits }]),
  )
  return { before: meanOf(before), after: meanOf(after), domains }
}

const meanOf = (losses: ProbeLosses): number => {
  const all = Object.values(losses)
  return all.reduce((total, { bits }) => total + bits, 0) / all.length
}
