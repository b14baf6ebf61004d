/** Judges by rows that are held back what a job did to the weights. */
import type { ProbeLosses } from '../../journal/probe-losses.ts'
import type { SleptJob } from '../../journal/sleep/sleep-report.ts'

/** Standard errors of the mean rise of rows from which on chance does not explain it. */
const beyondChance = 2
/** Bits above the tolerance that chance may explain: what few rows cannot tell is not kept in good faith. */
const mostByChance = 0.05

/**
 * Why a job cannot be kept; null where it can. What is not a number is worse than any. Rows are compared one
 * by one, each with itself: what differs between rows is no noise then.
 */
export function harmOf(before: ProbeLosses, after: ProbeLosses, tolerance: number): string | null {
  const domains = Object.keys(before)
  const risen = domains.map((domain) => risenIn(domain, before, after))
  const all: Risen = {
    ...{ name: 'all together', rise: meanOf(after) - meanOf(before) },
    rows: risen.every(({ rows }) => rows !== null) ? risen.flatMap(({ rows }) => rows ?? []) : null,
  }
  const worse = [...risen, ...(domains.length > 1 ? [all] : [])].filter(
    ({ rise, rows }) => !(rise <= tolerance) && !(rise <= tolerance + mostByChance && isChance(rows)),
  )
  if (worse.length === 0) return null
  const told = worse.map(({ name, rise }) => `${name} is worse by ${rise.toFixed(3)} bits`)
  return `${told.join(', ')}; up to ${tolerance} is kept`
}

/** By how much some rows cost more than before. */
interface Risen {
  readonly name: string
  /** Of the mean, in bits. */
  readonly rise: number
  /** Of each row; null where they were not measured one by one. */
  readonly rows: readonly number[] | null
}

function risenIn(name: string, before: ProbeLosses, after: ProbeLosses): Risen {
  const { bits: then, rowBits: rowsThen = [] } = before[name]
  const { bits: now, rowBits: rowsNow = [] } = after[name]
  const areKnown = rowsThen.length > 0 && rowsThen.length === rowsNow.length
  return { name, rise: now - then, rows: areKnown ? rowsNow.map((bits, i) => bits - rowsThen[i]) : null }
}

/** Whether chance explains the rise of some rows. Of a single one, or ones that are unknown, it does not. */
function isChance(rows: Risen['rows']): boolean {
  if (rows === null || rows.length < 2) return false
  const mean = rows.reduce((sum, rise) => sum + rise, 0) / rows.length
  const squares = rows.reduce((sum, rise) => sum + (rise - mean) ** 2, 0)
  return mean <= beyondChance * Math.sqrt(squares / (rows.length - 1) / rows.length)
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
