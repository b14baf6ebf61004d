/**
 * Bands around forecasts that hold as much of what comes as they promise, whatever the series does: adaptive
 * conformal inference (Gibbs and Candès 2021) by tracking the quantile itself (Angelopoulos, Candès and
 * Tibshirani 2023, "Conformal PID Control for Time Series Prediction", equation 4), here on a logarithmic
 * scale: q ← q·exp(η·(miss − α)).
 */
import { type Check, checkArgument, checkOptions, type ChecksOf, checks, OptionError } from '@burgeon/tensor'
import type { Forecast } from './forecast.ts'

/** What a band promises and how fast it learns. */
export interface AdaptiveBandOptions {
  /** Share of what comes that it shall hold, in (0, 1): that of its forecasts. Default 0.9. */
  readonly level?: number
  /**
   * η, above 0: a miss makes a band exp(η·level) times as wide, what it holds exp(−η·(1 − level)) times.
   * Default 0.1.
   */
  readonly rate?: number
}

/** Factors by channel and step. Plain data. */
export interface AdaptiveBandState {
  readonly level: number
  readonly factors: readonly (readonly number[])[]
}

/** What is true of a moment that was forecast: of each channel its values, NaN where one is missing. */
export type Outcome = readonly ArrayLike<number>[]

const optionChecks: ChecksOf<AdaptiveBandOptions> = {
  level: checks.number({ above: 0, below: 1 }),
  rate: checks.number({ above: 0 }),
}
const aForecast: Check<Forecast> = checks.role('a forecast', 'median', 'lower', 'upper')
const someFactors = checks.list(
  'lists of numbers above 0',
  checks.list('numbers above 0', checks.number({ above: 0 })),
)
const aState: Check<AdaptiveBandState> = {
  expected: 'a level, and factors above 0 by channel and step',
  accepts: (value): value is AdaptiveBandState => {
    const { level, factors } = (value ?? {}) as Partial<Record<keyof AdaptiveBandState, unknown>>
    return checks.number({ above: 0, below: 1 }).accepts(level) && someFactors.accepts(factors)
  },
}

/** Factors are kept within these, so that each comes back from wherever it was. */
const [narrowest, widest] = [1e-6, 1e6]

/**
 * Widens or narrows the two sides of a forecast's band, a factor for each channel and step. After T outcomes of
 * any series |share of misses − α| ≤ (ln(10¹²) + η)/(η·T), as long as what comes is 10⁻⁶ to 10⁶ sides away from
 * the median.
 */
export class AdaptiveBand {
  readonly level: number
  readonly #rate: number
  #factors: number[][]

  /** Use `adaptiveBand`. */
  constructor({ level = 0.9, rate = 0.1 }: AdaptiveBandOptions) {
    this.level = level
    this.#rate = rate
    this.#factors = []
  }

  /** The forecast with the band as wide as what came before asks for. */
  around(forecast: Forecast): Forecast {
    checkArgument('AdaptiveBand: around', 'forecast', forecast, aForecast)
    const { median, lower, upper } = forecast
    const moved = (edge: readonly Float64Array[]): Float64Array[] =>
      edge.map((values, c) =>
        values.map((value, step) => median[c][step] + this.#factor(c, step) * (value - median[c][step])),
      )
    return { median, lower: moved(lower), upper: moved(upper) }
  }

  /**
   * Takes in what came, of the first steps or of all.
   *
   * @param forecast As `forecast` made it, not as `around` did.
   * @returns Of each channel and step whether the band held what came; null where that is missing.
   * @throws OptionError for other channels or more steps than were forecast; then nothing is taken in.
   */
  update(forecast: Forecast, came: Outcome): readonly (readonly (boolean | null)[])[] {
    const band = this.around(forecast)
    checkArgument('AdaptiveBand: update', 'came', came, checks.list('a list of numbers', checks.numbers))
    const most = band.median[0]?.length ?? 0
    const wrong = came.find(({ length }) => length > most)
    if (came.length !== band.median.length || wrong !== undefined) {
      throw new OptionError(
        `AdaptiveBand: update: got came of ${came.length} channels and ${(wrong ?? came[0])?.length ?? 0} values for a forecast of ${band.median.length} and ${most} steps; ` +
          'expected as many channels, and no more values than steps.',
      )
    }
    return came.map((values, c) =>
      Array.from(values, (value, step) => {
        const [lower, upper] = [band.lower[c][step], band.upper[c][step]]
        if (Number.isNaN(value) || Number.isNaN(lower)) return null
        const holds = value >= lower && value <= upper
        const moved = this.#factor(c, step) * Math.exp(this.#rate * ((holds ? 0 : 1) - (1 - this.level)))
        this.#factors[c] ??= []
        for (let i = this.#factors[c].length; i < step; i++) this.#factors[c][i] = 1
        this.#factors[c][step] = Math.min(Math.max(moved, narrowest), widest)
        return holds
      }),
    )
  }

  /** As plain data, which JSON keeps. */
  toState(): AdaptiveBandState {
    return { level: this.level, factors: this.#factors.map((own) => [...(own ?? [])]) }
  }

  /** Throws OptionError for what is no state of a band of this level. */
  restore(state: AdaptiveBandState): void {
    checkArgument('AdaptiveBand: restore', 'state', state, aState)
    if (state.level !== this.level) {
      throw new OptionError(
        `AdaptiveBand: restore: got a state of level ${state.level}; expected one of ${this.level}.`,
      )
    }
    this.#factors = state.factors.map((own) => [...own])
  }

  #factor(channel: number, step: number): number {
    return this.#factors[channel]?.[step] ?? 1
  }
}

/**
 * A band that learns by what came how wide it has to be.
 *
 * @throws OptionError for options outside their range.
 * @example
 * ```ts
 * const band = adaptiveBand({ level: 0.9 })
 * const degrees = Float64Array.of(20.1, 20.4, 20.2, 20.9)
 * const next = await forecast(model, { channels: [degrees] }, { steps: 1 })
 * console.log(band.around(next).lower[0][0])
 * band.update(next, [[21.5]])
 * ```
 */
export function adaptiveBand(options: AdaptiveBandOptions = {}): AdaptiveBand {
  checkOptions('adaptiveBand', options, optionChecks)
  return new AdaptiveBand(options)
}
