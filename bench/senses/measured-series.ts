/** Series that were measured, and one that is made, with what is known of each. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTable } from '@burgeon/senses'
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { UsageError } from '../benchmark.ts'

/** A series as the benchmark takes it. */
export interface MeasuredSeries {
  readonly name: string
  readonly channels: readonly Float64Array[]
  /** Moments of a season: what a seasonal naive forecast looks back. */
  readonly season: number
  /** Moments that lie in a window of a labelled failure; none of a series without labels. */
  readonly failures: ReadonlySet<number>
}

/** Files, columns that are measurements, and the season that each has: a year, the solar cycle, a week of trade, a day. */
const files = [
  ['nottem', 12],
  ['sunspot.month', 132],
  ['EuStockMarkets', 5],
  ['machine_temperature_system_failure', 288],
  ['ec2_request_latency_system_failure', 288],
  ['rds_cpu_utilization_cc0c53', 288],
  ['speed_6005', 144],
] as const

type Windows = Readonly<Record<string, readonly (readonly [from: string, to: string])[]>>

/** The seven files of `series`. */
export function measuredSeries(data: string): MeasuredSeries[] {
  const folder = [data, join(data, 'series')].find((place) => existsSync(join(place, 'nottem.csv')))
  if (folder === undefined) {
    throw new UsageError(`series: looked in ${data} and series there; expected series such as nottem.csv.`)
  }
  const windows = JSON.parse(readFileSync(join(folder, 'labelled-windows.json'), 'utf8')) as Windows
  return files.map(([name, season]) => {
    const bytes = readFileSync(join(folder, `${name}.csv`))
    const { names, columns } = readTable(bytes, `${name}.csv`)
    const channels = columns.filter((_, i) => names[i] !== 'rownames' && names[i] !== 'time')
    return { name, channels, season, failures: failuresIn(String(bytes), windows[`${name}.csv`] ?? []) }
  })
}

/** Moments whose time stamp, the first field of their line, lies in a window. */
function failuresIn(text: string, windows: Windows[string]): Set<number> {
  const found = new Set<number>()
  if (windows.length === 0) return found
  const stamps = text
    .trimEnd()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(',')[0])
  stamps.forEach((stamp, moment) => {
    if (windows.some(([from, to]) => stamp >= from.slice(0, 19) && stamp <= to.slice(0, 19)))
      found.add(moment)
  })
  return found
}

/** A season of 24 moments with noise in two coupled channels; behind three quarters it moves and scatters thrice as much. */
export function madeSeries(seed: number, length = 2400): MeasuredSeries {
  const random = new RandomStream(keyFromSeed(seed)).named('series')
  const channels = [new Float64Array(length), new Float64Array(length)]
  for (let t = 0; t < length; t++) {
    const [isLate, season] = [t >= 0.75 * length, Math.sin((t * Math.PI) / 12)]
    const noise = (isLate ? 1.5 : 0.5) * random.normal()
    channels[0][t] = 20 + t / 1000 + 4 * season + (isLate ? 6 : 0) + noise
    channels[1][t] = 5 + 0.5 * channels[0][t] + 0.3 * random.normal()
  }
  return { name: 'made, with a change of regime', channels, season: 24, failures: new Set() }
}
