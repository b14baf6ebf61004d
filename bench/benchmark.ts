/** The form of a benchmark, and how its result is printed and kept. Check, then time, then ratio. */

/** One measured number, with the peer's where there is one. */
export interface BenchmarkRow {
  readonly case: string
  readonly metric: string
  readonly value: number
  readonly unit: string
  /** Value of every seed, in order, where `value` is their mean. */
  readonly values?: readonly number[]
  readonly peer?: string
  readonly peerValue?: number
  /** Times better than the peer: above 1 is ours. */
  readonly ratio?: number
}

/** A bound that the benchmark exists to hold. */
export interface BenchmarkCheck {
  readonly name: string
  readonly value: number
  readonly bound: string
  readonly holds: boolean
}

export interface BenchmarkResult {
  readonly rows: readonly BenchmarkRow[]
  readonly checks: readonly BenchmarkCheck[]
  /** The same at a glance, printed and not kept: its head, and then a row of as many cells for each case. */
  readonly table?: readonly (readonly string[])[]
  /** In SVG, where a table does not tell it. */
  readonly picture?: string
}

export interface BenchmarkOptions {
  /** A small version that ends within two minutes. */
  readonly quick: boolean
  readonly seeds: number
  /** Whether settings are being chosen: by other data than those that are reported. */
  readonly tuning?: boolean
  /** Steps of a life, where somebody wants other ones than are usual. */
  readonly steps?: number
  /** Folder with data sets, where a benchmark needs one. */
  readonly data?: string
  /** Folder of a pretrained model, where a benchmark can take one in the place of its own. */
  readonly model?: string
  /** For what is said along the way. */
  readonly note: (line: string) => void
  /**
   * Runs one life of many, or returns what an interrupted run of the same commit kept of it. The outcome is plain
   * JSON, and its name differs from that of every other life of the benchmark.
   */
  readonly once: <T>(life: string, run: () => Promise<T>) => Promise<T>
}

/** The command line does not say what the benchmark needs. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Runs one benchmark. Registered in `run.ts`. */
export type Benchmark = (options: BenchmarkOptions) => Promise<BenchmarkResult>

/** A check that `value` is at most `limit`. */
export function atMost(name: string, value: number, limit: number): BenchmarkCheck {
  return { name, value, bound: `≤ ${format(limit)}`, holds: value <= limit }
}

/** A check that `value` is at least `limit`. */
export function atLeast(name: string, value: number, limit: number): BenchmarkCheck {
  return { name, value, bound: `≥ ${format(limit)}`, holds: value >= limit }
}

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length

/**
 * A check that one life ends worse than another by more than the seeds explain: the mean of the differences,
 * seed by seed, is at least two of their standard deviations. It cannot hold with one seed.
 */
export function worseBeyondSeeds(
  name: string,
  worse: readonly number[],
  better: readonly number[],
): BenchmarkCheck {
  const differences = worse.map((value, seed) => value - better[seed])
  return atLeast(`${name}, in standard deviations`, inDeviations(differences), 2)
}

/**
 * A check that one life ends better than another on average: the mean of the differences, seed by seed, is at
 * least two of its standard errors. It cannot hold with one seed.
 */
export function betterBeyondError(
  name: string,
  better: readonly number[],
  worse: readonly number[],
): BenchmarkCheck {
  const differences = worse.map((value, seed) => value - better[seed])
  return atLeast(`${name}, in standard errors`, inDeviations(differences) * Math.sqrt(differences.length), 2)
}

/** Mean of some values in units of their standard deviation; 0 for a single one, which has none. */
function inDeviations(values: readonly number[]): number {
  if (values.length < 2) return 0
  const middle = mean(values)
  const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1)
  return middle / Math.sqrt(variance)
}

/** The rows with how far their seeds lie apart, the highest less the lowest. */
export const withSpread = (rows: readonly BenchmarkRow[]): (BenchmarkRow & { readonly spread?: number })[] =>
  rows.map((row) =>
    row.values === undefined ? row : { ...row, spread: Math.max(...row.values) - Math.min(...row.values) },
  )

/** Four significant digits, without an exponent where that is readable. */
export function format(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en')
  return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6 ? value.toPrecision(4) : value.toExponential(2)
}
