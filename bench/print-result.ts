/** How the result of a benchmark is printed. */
import { type BenchmarkResult, format } from './benchmark.ts'

/** Prints rows and checks as tables. */
export function printResult({ rows, checks }: BenchmarkResult): void {
  const cells = rows.map((row) => [
    row.case,
    row.metric,
    `${format(row.value)} ${row.unit}`.trim(),
    row.peer ?? '',
    row.peerValue === undefined ? '' : `${format(row.peerValue)} ${row.unit}`.trim(),
    row.ratio === undefined ? '' : `${row.ratio.toFixed(2)}×`,
  ])
  console.log(aligned([['case', 'metric', 'value', 'peer', "peer's", 'ratio'], ...cells]))
  console.log()
  const outcomes = checks.map(({ name: what, value, bound, holds }) => [
    holds ? 'holds' : 'FAILS',
    what,
    format(value),
    bound,
  ])
  console.log(aligned([['', 'check', 'value', 'bound'], ...outcomes]))
}

/** Lines of cells, each column as wide as its widest. */
export function aligned(table: readonly (readonly string[])[]): string {
  const widths = table[0].map((_, i) => Math.max(...table.map((row) => row[i].length)))
  return table
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
