/** Learning-rate schedules: the rate at each step, as pure functions. */
import {
  type Check,
  checkArgument,
  checkOptions,
  checks,
  OptionError,
  type RequiredCheck,
  shown,
} from '@burgeon/tensor'

/** The learning rate of update `step`, counted from 0. */
export type Schedule = (step: number) => number

/** Check of a learning rate, which every optimizer takes. */
export const aRate: Check<number | Schedule> = checks.either(
  checks.number({ from: 0 }),
  checks.callback<Schedule>('a schedule (a function of the step)'),
)

/** A rate of a schedule. */
export const peakRate: RequiredCheck<number> = checks.required(checks.number({ from: 0 }))
/** A step of a schedule, or a number of them. */
export const steps: RequiredCheck<number> = checks.required(checks.number({ from: 0 }))

/**
 * A number, ≥ 0, stands for itself at every step.
 *
 * @param who Whose rate it is, for messages.
 * @returns The same schedule, which throws OptionError at a step whose rate is negative, NaN or infinite.
 * @throws OptionError for what is no rate.
 */
export function scheduleOf(rate: number | Schedule, who = 'scheduleOf'): Schedule {
  checkArgument(who, 'rate', rate, aRate)
  if (typeof rate === 'number') return () => rate
  return (step) => {
    const now = rate(step)
    if (typeof now === 'number' && now >= 0 && now <= largestRate) return now
    throw new OptionError(
      `${who}: the schedule returned a learning rate of ${shown(now)} for step ${step}; expected a finite number ≥ 0. ` +
        'Nothing was changed.',
    )
  }
}

/** The largest number in single precision. */
const largestRate = (2 - 2 ** -23) * 2 ** 127

/**
 * Linear from `peak / warmup` to `peak` over the first `warmup` steps, then `peak`. Both ≥ 0; throws
 * OptionError for others.
 */
export function warmUp(peak: number, warmup: number): Schedule {
  checkArgument('warmUp', 'peak', peak, peakRate)
  checkArgument('warmUp', 'warmup', warmup, steps)
  return (step) => peak * Math.min(1, (step + 1) / Math.max(1, warmup))
}

/** The shape of `warmUpCosine`. */
export interface CosineOptions {
  /** Steps of the linear rise, ≥ 0. */
  readonly warmup: number
  /** Step at which the cosine reaches `final` (and stays there), > warmup. */
  readonly total: number
  readonly peak: number
  readonly final: number
}

/**
 * Linear warm-up, then half a cosine from `peak` to `final` (Loshchilov & Hutter 2017, eq. 5, without
 * restarts).
 */
export function warmUpCosine(options: CosineOptions): Schedule {
  checkOptions('warmUpCosine', options, { warmup: steps, total: steps, peak: peakRate, final: peakRate })
  const { warmup, total, peak, final } = options
  if (!(total > warmup)) {
    throw new OptionError(
      `warmUpCosine: got warmup ${warmup} and total ${total}; expected 0 ≤ warmup < total.`,
    )
  }
  const rise = warmUp(peak, warmup)
  return (step) => {
    if (step < warmup) return rise(step)
    const done = Math.min(1, (step - warmup) / (total - warmup))
    return final + (peak - final) * 0.5 * (1 + Math.cos(Math.PI * done))
  }
}

/** The shape of `warmUpStableDecay`. */
export interface StableOptions {
  /** Steps of the linear rise, ≥ 0. */
  readonly warmup: number
  /** Step from which the rate falls, ≥ warmup. */
  readonly decayFrom: number
  /** Step at which it reaches `final` (and stays there), > decayFrom. */
  readonly total: number
  readonly peak: number
  readonly final: number
}

/**
 * Linear warm-up, a plateau, and a short fall as 1 − √(share done) (Hägele et al. 2024, section 3): until the
 * fall begins, a run can go on for as long as there is data.
 */
export function warmUpStableDecay(options: StableOptions): Schedule {
  checkOptions('warmUpStableDecay', options, {
    warmup: steps,
    decayFrom: steps,
    total: steps,
    peak: peakRate,
    final: peakRate,
  })
  const { warmup, decayFrom, total, peak, final } = options
  if (!(decayFrom >= warmup && total > decayFrom)) {
    throw new OptionError(
      `warmUpStableDecay: got warmup ${warmup}, decayFrom ${decayFrom} and total ${total}; ` +
        'expected 0 ≤ warmup ≤ decayFrom < total.',
    )
  }
  const rise = warmUp(peak, warmup)
  return (step) => {
    if (step < decayFrom) return rise(step)
    const done = Math.min(1, (step - decayFrom) / (total - decayFrom))
    return final + (peak - final) * (1 - Math.sqrt(done))
  }
}
