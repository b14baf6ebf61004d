/** A model that learns a series, and then tells what comes next while it goes on learning. */
import { adamw, chain, clipByGlobalNorm, warmUpCosine } from '@burgeon/autograd/optim'
import { joinBatches, Learner, type TokenBatch } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { adaptiveBand, type Forecast, forecast, sense, senseRequest, series } from '@burgeon/senses'
import { type Device, keyFromSeed, RandomStream } from '@burgeon/tensor'
import type { MeasuredSeries } from './measured-series.ts'
import { lossesOf } from './row-losses.ts'

/** How a life learns and is asked. */
export interface ForecastingOptions {
  readonly seed: number
  /** Moments that are read. */
  readonly moments: number
  /** Moments ahead. */
  readonly steps: number
  /** Steps of learning from the first part of the series, each of so many rows. */
  readonly learning: number
  readonly rows: number
  readonly rate: number
  /** Forecasts of the rest, at equal distances. */
  readonly forecasts: number
  readonly samples: number
  readonly device: Device
}

/** What a life has come to. Plain data. */
export interface Forecasting {
  readonly parameters: number
  /** Mean absolute error beside that of the value a season ago, and of the last value, on the same moments. */
  readonly scaledError: number
  readonly besideLast: number
  /** Share of what came within the band as it was drawn, and as it was adapted; with its mean width beside. */
  readonly drawn: number
  readonly adapted: number
  readonly width: number
  /** Of the moments of the rest the share in labelled windows, and that among the 1 % most surprising ones. */
  readonly labelled: number
  readonly found: number
}

/** Share of a series that is learnt from before anything is forecast, and the moments that scales are taken from. */
const [learnt, scaleFrom] = [0.6, 512]

export async function learnSeries(of: MeasuredSeries, options: ForecastingOptions): Promise<Forecasting> {
  const { seed, moments, steps, learning, rows, rate, forecasts, samples, device } = options
  const { length } = of.channels[0]
  const [first, span] = [Math.floor(learnt * length), moments + steps]
  const piece = (from: number, to: number) => ({
    channels: of.channels.map((values) => values.slice(from, to)),
    past: of.channels.map((values) => values.slice(Math.max(0, from - scaleFrom), from)),
  })
  const sizes = { context: span + 2, embed: 64, heads: 4, layers: 2 }
  const model = Gpt.create(sizes, { seed, device })
  await grow(model, senseRequest(series, piece(0, span)), { mirrors: [], key: [seed, 1] })
  const warmup = Math.ceil(learning / 20)
  const learningRate = warmUpCosine({ peak: rate, warmup, total: learning, final: rate / 10 })
  const learner = new Learner({
    ...{ model, seed },
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate, weightDecay: 0.01 })),
  })
  const row = (from: number, to: number): TokenBatch =>
    withoutHeader(sense(model.config, series, piece(from, to)), of)
  const random = new RandomStream(keyFromSeed(seed)).named('windows')
  const room = Math.max(1, first - span)
  for (let step = 0; step < learning; step++) {
    await learner.observe(
      joinBatches(
        Array.from({ length: rows }, () => random.below(room)).map((from) => row(from, from + span)),
      ),
    )
  }
  const band = adaptiveBand({ level: 0.9, rate: 0.3 })
  const sum = { model: 0, season: 0, last: 0, width: 0, drawn: 0, adapted: 0, came: 0 }
  const stride = Math.max(1, (length - first - steps) / forecasts)
  const surprise = new Map<number, number>()
  for (let i = 0; i < forecasts; i++) {
    const at = Math.floor(first + i * stride)
    if (at + steps > length || (i > 0 && at === Math.floor(first + (i - 1) * stride))) continue
    const next = await forecast(model, piece(at - moments, at), { steps, samples, seed: i })
    const came = of.channels.map((values) => values.subarray(at, at + steps))
    const adapted = band.around(next)
    of.channels.forEach((values, c) => {
      const scale = scaleOf(values.subarray(0, first))
      for (let step = 0; step < steps; step++) {
        const value = came[c][step]
        if (Number.isNaN(value) || Number.isNaN(next.median[c][step])) continue
        sum.came++
        sum.model += Math.abs(value - next.median[c][step]) / scale
        sum.season += Math.abs(value - seasonAgo(values, at, step, of.season)) / scale
        sum.last += Math.abs(value - values[at - 1]) / scale
        sum.width += (adapted.upper[c][step] - adapted.lower[c][step]) / scale
        if (isWithin(next, c, step, value)) sum.drawn++
        if (isWithin(adapted, c, step, value)) sum.adapted++
      }
    })
    band.update(next, came)
    // All moments up to the next forecast are predicted from those before, and then learnt.
    const end = Math.min(length, Math.floor(first + (i + 1) * stride))
    for (let to = at; to < end; ) {
      const until = Math.min(end, to + steps)
      const own = row(until - span, until)
      for (const [moment, bits] of surprises(model, own, of.channels.length, until))
        if (moment >= to) surprise.set(moment, bits)
      await learner.observe(own)
      to = until
    }
  }
  const most = [...surprise.keys()].toSorted((a, b) => (surprise.get(b) ?? 0) - (surprise.get(a) ?? 0))
  const top = most.slice(0, Math.max(1, Math.round(most.length / 100)))
  const { size } = model.parameters
  model.dispose()
  return {
    parameters: size,
    ...{ scaledError: sum.model / sum.season, besideLast: sum.model / sum.last },
    ...{ drawn: sum.drawn / sum.came, adapted: sum.adapted / sum.came, width: sum.width / sum.came },
    labelled: shareOf(most, of.failures),
    found: shareOf(top, of.failures),
  }
}

/** The value at the same place of the last season that is known. */
const seasonAgo = (values: Float64Array, at: number, step: number, season: number): number =>
  values[at + step - season * Math.ceil((step + 1) / season)]

/** The mean step of a series, by which errors of several channels are made alike. */
function scaleOf(values: Float64Array): number {
  let [sum, count] = [0, 0]
  for (let t = 1; t < values.length; t++) {
    const step = Math.abs(values[t] - values[t - 1])
    if (!Number.isNaN(step)) [sum, count] = [sum + step, count + 1]
  }
  return sum / count || 1
}

const isWithin = ({ lower, upper }: Forecast, c: number, step: number, value: number): boolean =>
  value >= lower[c][step] && value <= upper[c][step]

const shareOf = (moments: readonly number[], of: ReadonlySet<number>): number =>
  moments.filter((moment) => of.has(moment)).length / Math.max(1, moments.length)

/** A row whose header is read and not learnt: no series says what it was measured by. */
export function withoutHeader(row: TokenBatch, { channels }: MeasuredSeries): TokenBatch {
  const weights = row.weights?.map((weight, i) => (i < 16 * channels.length ? 0 : weight))
  return { ...row, ...(weights && { weights }) }
}

/** The bits of each moment of a row, whose last one is before `end`. */
function surprises(model: Gpt, row: TokenBatch, channels: number, end: number): Map<number, number> {
  const losses = lossesOf(model, row)
  const found = new Map<number, number>()
  const moments = (row.length - 16 * channels) / channels
  for (let m = 0; m < moments; m++) {
    const from = 16 * channels + m * channels
    const nats = losses.subarray(from, from + channels).reduce((a, b) => a + b, 0)
    found.set(end - moments + m, nats / Math.LN2)
  }
  return found
}
