/** A profile as a table of text. */
import type { Profile, ProfileRow } from './profile.ts'

/** Options of the table of a profile. */
export interface ProfileTableOptions {
  /** A row for each op and shapes of its inputs. Default false. */
  readonly byShape?: boolean
  /** Maximum number of rows; the rest is summed up in one more row. Default: all. */
  readonly most?: number
}

const heading = [
  'op',
  'calls',
  'ms',
  'of time',
  'MFLOP',
  'GFLOP/s',
  'MB read',
  'MB written',
  'GB/s',
  'of peak',
]

/** The parts of a profile that the table shows. */
type Told = Pick<
  Profile,
  'rows' | 'total' | 'milliseconds' | 'millisecondsBetween' | 'events' | 'droppedEvents'
>

/** Formats rows by time, then the rest, all ops and the time between them: the columns add up. */
export function profileTable(
  profile: Told,
  { byShape = false, most = Number.POSITIVE_INFINITY }: ProfileTableOptions,
): string {
  const rows = profile.rows({ byShape })
  const shown = rows.slice(0, most)
  const others = rows.slice(most)
  const line = cellsOf(profile.milliseconds)
  const table = align([
    heading,
    ...shown.map(line),
    ...(others.length > 0 ? [line(together(others))] : []),
    line(profile.total),
    ['between ops', '', ...timeCells(profile.millisecondsBetween, profile.milliseconds)],
  ])
  if (profile.droppedEvents === 0) return table
  return `${table}\nThe trace holds the first ${profile.events.length} of ${profile.total.calls} calls.`
}

function together(rows: readonly ProfileRow[]): ProfileRow {
  const total = (of: (row: ProfileRow) => number): number => rows.reduce((sum, row) => sum + of(row), 0)
  return {
    name: `${rows.length} more`,
    calls: total(({ calls }) => calls),
    milliseconds: total(({ milliseconds }) => milliseconds),
    flops: total(({ flops }) => flops),
    bytesRead: total(({ bytesRead }) => bytesRead),
    bytesWritten: total(({ bytesWritten }) => bytesWritten),
    flopsPerSecond: undefined,
    bytesPerSecond: undefined,
    fractionOfPeak: undefined,
  }
}

const cellsOf =
  (whole: number) =>
  (row: ProfileRow): string[] => [
    row.name,
    String(row.calls),
    ...timeCells(row.milliseconds, whole),
    inUnits(row.flops, 1e6, 2),
    inUnits(row.flopsPerSecond, 1e9, 1),
    inUnits(row.bytesRead, 1e6, 2),
    inUnits(row.bytesWritten, 1e6, 2),
    inUnits(row.bytesPerSecond, 1e9, 1),
    row.flops > 0 ? percent(row.fractionOfPeak, 0) : '',
  ]

const timeCells = (milliseconds: number, whole: number): string[] => [
  milliseconds.toFixed(3),
  percent(whole > 0 ? milliseconds / whole : undefined, 1),
]

/** Formats an amount in a unit; empty for an unknown amount and for 0. */
const inUnits = (amount: number | undefined, unit: number, digits: number): string =>
  amount === undefined || amount === 0 ? '' : (amount / unit).toFixed(digits)

const percent = (fraction: number | undefined, digits: number): string =>
  fraction === undefined ? '' : `${(100 * fraction).toFixed(digits)} %`

/** Aligns numbers to the right, names to the left. */
function align(table: readonly (readonly string[])[]): string {
  const widths = heading.map((_, i) => Math.max(...table.map((row) => row[i]?.length ?? 0)))
  const lineOf = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')
  return table.map((row) => lineOf(row).trimEnd()).join('\n')
}
