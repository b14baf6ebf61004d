/** Learning rates for a stream whose end is not known (Ibrahim et al. 2024). */
import { checkOptions, checks, OptionError } from '@burgeon/tensor'
import { peakRate, type Schedule, steps, warmUp } from './schedule.ts'

const positiveRate = checks.required(checks.number({ above: 0 }))

/** The shape of `infiniteSchedule`. */
export interface InfiniteOptions {
  /** Steps of the linear rise, ≥ 0. */
  readonly warmup: number
  /** Step from which the rate is constant, ≥ warmup. */
  readonly constantFrom: number
  readonly peak: number
  /** Positive. */
  readonly constant: number
  /** A last fall, for a model that is to be used; none unless given, and then the constant has no end. */
  readonly anneal?: {
    /** Step from which the rate falls, ≥ constantFrom. */
    readonly from: number
    /** Step at which it reaches `final` (and stays there), > from. */
    readonly total: number
    /** Positive. */
    readonly final: number
  }
}

/**
 * The infinite learning-rate schedule of Ibrahim et al. (2024): linear warm-up to `peak`, half a cosine down
 * to `constant`, and that for as long as there is data. From a step on it may fall as
 * constant·(final/constant)^(share done), for a model to be used; the run itself goes on from a checkpoint of
 * before.
 *
 * @throws OptionError for steps out of order or a rate that is not positive.
 */
export function infiniteSchedule(options: InfiniteOptions): Schedule {
  checkOptions('infiniteSchedule', options, {
    warmup: steps,
    constantFrom: steps,
    peak: peakRate,
    constant: positiveRate,
    anneal: checks.object('an object with from, total and final'),
  })
  const { warmup, constantFrom, peak, constant, anneal } = options
  if (anneal) {
    checkOptions('infiniteSchedule: anneal', anneal, { from: steps, total: steps, final: positiveRate })
  }
  const { from, total, final } = anneal ?? { from: Infinity, total: Infinity, final: constant }
  const inOrder = constantFrom >= warmup && from >= constantFrom
  if (!inOrder || (anneal !== undefined && !(total > from))) {
    throw new OptionError(
      `infiniteSchedule: got warmup ${warmup}, constantFrom ${constantFrom} and anneal from ${from} to ${total}; ` +
        'expected 0 ≤ warmup ≤ constantFrom ≤ anneal.from < anneal.total.',
    )
  }
  const rise = warmUp(peak, warmup)
  return (step) => {
    if (step < warmup) return rise(step)
    if (step < constantFrom) return cosine(peak, constant, (step - warmup) / (constantFrom - warmup))
    if (step < from) return constant
    return constant * (final / constant) ** Math.min(1, (step - from) / (total - from))
  }
}

/** The shape of `reWarmedCosine`. */
export interface ReWarmedOptions {
  /** Steps at which new data begin, rising, each > 0; the first data begin at step 0. */
  readonly restarts: readonly number[]
  /** Steps of each linear rise, ≥ 0. */
  readonly warmup: number
  /** Steps after which the cosine has reached `final`, counted from each beginning, > warmup. */
  readonly total: number
  readonly peak: number
  readonly final: number
}

/**
 * Re-warming and re-decaying (Ibrahim et al. 2024): where new data begin, the rate rises again, linearly from
 * where it stands to `peak`, and then falls to `final` on half a cosine. A restart may come before the last
 * fall has ended. Only the schedule starts again: the optimizer's ages go on.
 *
 * @throws OptionError for steps out of order.
 */
export function reWarmedCosine(options: ReWarmedOptions): Schedule {
  checkOptions('reWarmedCosine', options, {
    restarts: checks.required(checks.list('a list of positive integers', checks.integer({ from: 1 }))),
    warmup: steps,
    total: steps,
    peak: peakRate,
    final: peakRate,
  })
  const { warmup, total, peak, final } = options
  const begins = [0, ...options.restarts]
  if (!(total > warmup)) {
    throw new OptionError(
      `reWarmedCosine: got warmup ${warmup} and total ${total}; expected 0 ≤ warmup < total.`,
    )
  }
  if (!begins.every((begin, i) => begin > (begins[i - 1] ?? -1))) {
    throw new OptionError(
      `reWarmedCosine: got restarts ${options.restarts.join(', ')}; expected positive integers, each above the last.`,
    )
  }
  const rateSince = (begin: number, before: number, step: number): number => {
    const done = step - begin
    if (done < warmup) return before + (peak - before) * ((done + 1) / warmup)
    return cosine(peak, final, Math.min(1, (done - warmup) / (total - warmup)))
  }
  // The rate just before each beginning, from which the rise sets out.
  const before = [0]
  for (let i = 1; i < begins.length; i++) before.push(rateSince(begins[i - 1], before[i - 1], begins[i] - 1))
  return (step) => {
    const latest = begins.findLastIndex((begin) => begin <= step)
    return rateSince(begins[latest], before[latest], step)
  }
}

/** From `high` to `low` on half a cosine. */
function cosine(high: number, low: number, done: number): number {
  return low + (high - low) * 0.5 * (1 + Math.cos(Math.PI * done))
}
