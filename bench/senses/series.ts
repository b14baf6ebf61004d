/**
 * `npm run bench -- series --data DIR [--seeds N] [--quick] [--tuning] [--lives FILE]`: series of numbers, learnt as
 * bytes.
 *
 * Seven measured series and one that is made and changes its regime: each is learnt up to three fifths and then
 * forecast twelve moments ahead, sixty times, while learning goes on. Errors beside those of a seasonal naive
 * forecast; how much of what comes the 90 % band holds, as it is drawn and as `adaptiveBand` makes it; and how often
 * the 1 % most surprising moments lie in windows that are labelled as failures, beside how long those windows are.
 *
 * Settings were chosen on seed 11.
 */
import { openWasm } from '@burgeon/tensor/wasm'
import type { Benchmark } from '../benchmark.ts'
import { type Forecasting, type ForecastingOptions, learnSeries } from './forecasting.ts'
import { madeSeries, measuredSeries } from './measured-series.ts'
import { seriesChecks, seriesRows } from './series-result.ts'

const forecasts: Omit<ForecastingOptions, 'seed' | 'device'> = {
  ...{ moments: 64, steps: 12, learning: 400, rows: 8, rate: 2e-3, forecasts: 60, samples: 20 },
}

export const series: Benchmark = async ({ data, seeds, quick, tuning, note, once }) => {
  const measured = measuredSeries(data ?? '')
  const device = openWasm()
  const lived = new Map<string, Forecasting[]>()
  const first = tuning ? 11 : 1
  for (let seed = first; seed < first + (quick || tuning ? 1 : seeds); seed++) {
    const settings = { ...forecasts, seed, device, ...(quick && { learning: 20, forecasts: 6 }) }
    for (const each of [...measured, madeSeries(seed)]) {
      const life = await once(`${each.name}, seed ${seed}`, () => learnSeries(each, settings))
      note(
        `${each.name}, seed ${seed}: ${life.scaledError.toFixed(3)} beside seasonal naive, ${(100 * life.adapted).toFixed(1)} % within`,
      )
      lived.set(each.name, [...(lived.get(each.name) ?? []), life])
    }
  }
  return {
    rows: [...lived].flatMap(([name, lives]) => seriesRows(name, lives)),
    checks: quick ? [] : seriesChecks(lived),
  }
}
