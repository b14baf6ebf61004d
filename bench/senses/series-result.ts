/** What lives of series have come to, as rows and checks. */
import { atLeast, atMost, type BenchmarkCheck, type BenchmarkRow, mean } from '../benchmark.ts'
import type { Forecasting } from './forecasting.ts'

/** Rows of one series. */
export function seriesRows(name: string, lives: readonly Forecasting[]): BenchmarkRow[] {
  const row = (metric: string, unit: string, of: (life: Forecasting) => number): BenchmarkRow => {
    const values = lives.map(of)
    return { case: name, metric, unit, value: mean(values), values }
  }
  const isLabelled = lives.some(({ labelled }) => labelled > 0)
  return [
    row('error beside seasonal naive', '×', ({ scaledError }) => scaledError),
    row('error beside the last value', '×', ({ besideLast }) => besideLast),
    row('within the band, as drawn', '%', ({ drawn }) => 100 * drawn),
    row('within the band, adapted', '%', ({ adapted }) => 100 * adapted),
    ...(isLabelled
      ? [
          row('most surprising moments in labelled windows', '%', ({ found }) => 100 * found),
          row('all moments in labelled windows', '%', ({ labelled }) => 100 * labelled),
        ]
      : []),
  ]
}

/** Checks of all series, the one that is made among them, by their name. */
export function seriesChecks(lives: ReadonlyMap<string, readonly Forecasting[]>): BenchmarkCheck[] {
  const all = [...lives].map(([name, own]) => ({
    isMade: name.startsWith('made'),
    error: mean(own.map(({ scaledError }) => scaledError)),
    adapted: 100 * mean(own.map(({ adapted }) => adapted)),
    drawn: 100 * mean(own.map(({ drawn }) => drawn)),
    labelled: mean(own.map(({ labelled }) => labelled)),
    found: mean(own.map(({ found }) => found)),
  }))
  const measured = all.filter(({ isMade }) => !isMade)
  const [made] = all.filter(({ isMade }) => isMade)
  const windows = measured.filter(({ labelled }) => labelled > 0)
  const surprising = windows.filter(({ labelled, found }) => found >= 2 * labelled)
  return [
    atLeast(
      'series with at most 0.9 × the error of seasonal naive',
      measured.filter(({ error }) => error <= 0.9).length,
      5,
    ),
    atLeast('through a change of regime within the band, per cent', made?.adapted ?? NaN, 88),
    atMost('through a change of regime within the band, per cent', made?.adapted ?? NaN, 92),
    atMost('as drawn, without adapting, per cent', made?.drawn ?? NaN, 88),
    atLeast(
      'files whose most surprising moments lie twice as often in labelled windows as all',
      surprising.length / Math.max(1, windows.length),
      0.6,
    ),
  ]
}
