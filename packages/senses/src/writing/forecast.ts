/** What comes next in a series, by what a model writes behind it. */
import { checkArgument, checkOptions, type ChecksOf, checks } from '@burgeon/tensor'
import { labelOf } from '../codec.ts'
import { edgesOf } from '../codecs/series/levels.ts'
import { readScales } from '../codecs/series/past-scale.ts'
import { checkSeries, series, type Series } from '../codecs/series/series.ts'
import { beforePiece } from '../sense.ts'
import { SenseError } from '../sense-error.ts'
import {
  aWritingModel,
  drawingChecks,
  type DrawingOptions,
  type WritingModel,
  writtenBehind,
} from './generate-sense.ts'
import { quantileOf } from './quantile-of.ts'

/** How far and how sure. */
export interface ForecastOptions extends Omit<DrawingOptions, 'topK' | 'topP'> {
  /** Moments ahead, a positive integer. */
  readonly steps: number
  /** Share of what comes that the band shall hold, in (0, 1). Default 0.9. */
  readonly level?: number
  /** Continuations that are drawn, 2 or more. Default 50. */
  readonly samples?: number
  /** Moments before those that are read which their scale is taken from. Default 512. */
  readonly past?: number
}

/** What may come, of each channel moment by moment; NaN where every continuation says that nothing comes. */
export interface Forecast {
  readonly median: readonly Float64Array[]
  readonly lower: readonly Float64Array[]
  readonly upper: readonly Float64Array[]
}

const optionChecks: ChecksOf<ForecastOptions> = {
  temperature: checks.number({ above: 0 }),
  seed: drawingChecks.seed,
  signal: drawingChecks.signal,
  steps: checks.required(checks.integer({ from: 1 })),
  level: checks.number({ above: 0, below: 1 }),
  samples: checks.integer({ from: 2 }),
  past: checks.integer({ from: 0 }),
}

/**
 * What comes next in a series: the median of continuations that are drawn, and a band between their quantiles
 * (1 ∓ level)/2, from the lower edge of the one level to the upper edge of the other. `adaptiveBand` makes
 * it hold what it promises.
 *
 * @param model A model that has grown the sense of such a series: `learner.model`.
 * @param piece What was measured so far. Of more moments than fit into the context the first count as past.
 * @throws OptionError for a model without the sense, and for options outside their range; SenseError for what
 *   is no series, or more steps than the context has room for.
 * @example
 * ```ts
 * const degrees = Float64Array.of(20.1, 20.4, 20.2, 20.9)
 * const { median, lower, upper } = await forecast(model, { channels: [degrees] }, { steps: 24 })
 * ```
 */
export async function forecast(
  model: WritingModel,
  piece: Series,
  options: ForecastOptions,
): Promise<Forecast> {
  checkArgument('forecast', 'model', model, aWritingModel)
  checkSeries(piece)
  checkOptions('forecast', options, optionChecks)
  const { steps, level = 0.9, samples = 50, past = 512, ...drawing } = options
  const { bytes, size } = series.encode(withinRoom(piece, model.config.context - steps - 2, past))
  const [channels] = size
  const prompt = [...beforePiece('forecast', model.config, labelOf(series, size), ''), ...bytes]
  const prompts = Array.from({ length: samples }, () => prompt)
  const rows = await writtenBehind(model, prompts, steps * channels, drawing)
  const scales = readScales(bytes, channels)
  const [median, lower, upper] = [0, 1, 2].map(() =>
    Array.from({ length: channels }, () => new Float64Array(steps)),
  )
  for (let c = 0; c < channels; c++) {
    for (let step = 0; step < steps; step++) {
      const edges = rows.map((row) => edgesOf(row[step * channels + c], scales[c]))
      const known = edges.filter(({ value }) => !Number.isNaN(value))
      const at = (share: number, of: 'value' | 'from' | 'to'): number =>
        quantileOf(
          known.map((edge) => edge[of]).toSorted((a, b) => a - b),
          share,
        )
      median[c][step] = at(0.5, 'value')
      lower[c][step] = at((1 - level) / 2, 'from')
      upper[c][step] = at((1 + level) / 2, 'to')
    }
  }
  return { median, lower, upper }
}

/** The last moments of a piece, so many at most; those before are past. */
function withinRoom({ channels, past = [] }: Series, room: number, most: number): Series {
  if (room < 1) {
    throw new SenseError(
      'too-large',
      `forecast: got a context with room for ${Math.max(0, room)} moments before the steps; expected one at least. Ask for fewer steps.`,
    )
  }
  const cut = Math.max(0, channels[0].length - room)
  const before = channels.map((values, i) => {
    const all = Float64Array.from([...(past[i] ?? []), ...values.subarray(0, cut)])
    return all.slice(Math.max(0, all.length - most))
  })
  return { channels: channels.map((values) => values.slice(cut)), past: before }
}
