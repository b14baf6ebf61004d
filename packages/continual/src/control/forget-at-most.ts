/** A bound on forgetting, by dual ascent on rows that are held back. */
import { checkArgument, checks, fields, optional } from '@burgeon/tensor'
import type { ProbeLosses } from '../journal/probe-losses.ts'
import { count, entriesOf, none } from '../saved-state.ts'
import type { Controller } from './controller.ts'

interface State {
  /** What forgetting of each domain has come to cost: the multiplier of its constraint, ≥ 0. */
  readonly multipliers: Entries
  /** What is forgotten of each domain, over the latest measurements, in bits. */
  readonly forgotten: Entries
  /** Means of the prequential loss over more and more steps, in bits; null before the first. */
  readonly lately: number | null
  readonly before: number | null
  readonly usually: number | null
  /**
   * Since when too much is forgotten, and it becomes no less: a step, and what was forgotten then of the
   * domain of which it was most; null while not. States of version 0.1 have no `stuckAt`.
   */
  readonly stuckSince: number | null
  readonly stuckAt?: number | null
}

type Entries = readonly (readonly [domain: string, value: number])[]

/** By how much a multiplier rises for each bit that is forgotten too much, at each measurement. */
const riseOfMultiplier = 0.5
/** What a bit that is forgotten too much costs beside it, at once and no longer than it is. */
const priceOfBit = 10
/** Above it the share of old rows hardly rises: 1 − ½e⁻⁴ is 0.99. */
const highestPrice = 4
/** Share of the rehearsal while nothing is forgotten. */
const atRest = 0.5
/** Weight of a measurement among those before it. */
const ofMeasurement = 0.5
/** Steps of the three means of the loss. */
const [few, some, many] = [20, 60, 400]
const largestNeed = 2
/** What a domain that costs nothing counts, as a price, where old rows are drawn. */
const least = 0.1

/** Steps in which what is forgotten does not become less, after which rehearsal can do no more. */
const stuckSteps = 500
/** By what part it has to become less to count as that. */
const progress = 0.2
/** Share of the rehearsal above which there is hardly more to be had. */
const almostAll = 0.9

const initial: State = {
  ...{ multipliers: [], forgotten: [], lately: null, before: null, usually: null },
  stuckSince: null,
  stuckAt: null,
}
const atLeastZero = checks.number({ from: 0 })
const loss = checks.either(checks.number(), none)

/**
 * Keeps what is forgotten of every domain at or below ε, by dual ascent on rows that are held back: each
 * domain d has a multiplier μ_d ← [μ_d + ½(f_d − ε)]₊ for what is forgotten of it, f_d, measured by
 * `strategy.probes` (primal–dual continual learning; Elenter, NaderiAlizadeh, Javidi and Ribeiro 2023,
 * section 4), and a price p_d = [μ_d + 10(f_d − ε)]₊ ≤ 4, which acts at once (proportional and integral
 * control of a multiplier; Stooke, Achiam and Abbeel 2020, algorithm 2). Old rows are rehearsed at
 * 1 − ½e^(−Σp) of the share that the rehearsal has, each with a chance ∝ p_d + 0.1, and penalties count
 * 1 + Σp times. While the loss falls from above what it usually is, the learning rate is up to three times
 * as high; where it rises and stays, as in noise, it is not. Where nine tenths of the rehearsal are used,
 * more than ε is forgotten, and that has not become less by a fifth in 500 steps, it is saturated (see
 * `growOnConflict`).
 *
 * @param epsilon Most bits per byte (of examples: bits for each) that may be forgotten of a domain, > 0.
 *   Default 0.02.
 * @throws OptionError for an ε that is not above 0.
 * @example
 * ```ts
 * const strategy = {
 *   rehearsal: reservoirReplay({ capacity: 500, share: 1 }),
 *   probes: heldBack(),
 *   controller: forgetAtMost(0.02),
 * }
 * ```
 */
export function forgetAtMost(epsilon: number = 0.02): Controller<State> {
  checkArgument('forgetAtMost', 'epsilon', epsilon, checks.number({ above: 0 }))
  return {
    name: `forgets at most ${epsilon} bits/byte`,
    initial,
    needsProbes: true,
    maySaturate: true,
    stateCheck: fields<State>('multipliers, what is forgotten, and three losses', {
      multipliers: entriesOf('a list of domains and multipliers', atLeastZero),
      forgotten: entriesOf('a list of domains and bits', atLeastZero),
      lately: loss,
      before: loss,
      usually: loss,
      stuckSince: checks.either(count, none),
      stuckAt: optional(checks.either(atLeastZero, none)),
    }),
    decide({ step, bitsPerByte, probes }, state) {
      const next: State = {
        ...(probes === null ? state : judged(state, probes, epsilon, step)),
        lately: towards(state.lately, bitsPerByte, few),
        before: towards(state.before, bitsPerByte, some),
        usually: towards(state.usually, bitsPerByte, many),
      }
      const prices = pricesIn(next, epsilon)
      const total = prices.reduce((sum, [, price]) => sum + price, 0)
      const rehearsalShare = 1 - (1 - atRest) * Math.exp(-total)
      const domains = Object.fromEntries(
        prices.map(([domain, price]) => [domain, (price + least) / least] as const),
      )
      const { stuckSince } = next
      return {
        knobs: { rehearsalShare, penalty: 1 + total, rate: 1 + needOf(next), domains },
        reason: probes === null ? null : reasonOf(next, prices, rehearsalShare),
        isSaturated: stuckSince !== null && step - stuckSince >= stuckSteps && rehearsalShare >= almostAll,
        state: next,
      }
    },
  }
}

/** The state after a measurement. */
function judged(state: State, probes: ProbeLosses, epsilon: number, step: number): State {
  const [multipliers, forgotten] = [new Map(state.multipliers), new Map(state.forgotten)]
  for (const [domain, { forgotten: bits }] of Object.entries(probes)) {
    const before = forgotten.get(domain) ?? 0
    const smooth = before + ofMeasurement * (bits - before)
    forgotten.set(domain, smooth)
    const multiplier = (multipliers.get(domain) ?? 0) + riseOfMultiplier * (smooth - epsilon)
    multipliers.set(domain, Math.min(highestPrice, Math.max(0, multiplier)))
  }
  const next = { ...state, multipliers: [...multipliers], forgotten: [...forgotten] }
  const worst = next.forgotten.reduce((most, [, bits]) => Math.max(most, bits), 0)
  if (worst <= epsilon) return { ...next, stuckSince: null, stuckAt: null }
  const isLess = worst < (1 - progress) * (state.stuckAt ?? Infinity)
  return isLess ? { ...next, stuckSince: step, stuckAt: worst } : next
}

/** The price of each domain. */
function pricesIn({ multipliers, forgotten }: State, epsilon: number): Entries {
  const bits = new Map(forgotten)
  return multipliers.map(([domain, multiplier]) => {
    const price = multiplier + priceOfBit * ((bits.get(domain) ?? 0) - epsilon)
    return [domain, Math.min(highestPrice, Math.max(0, price))]
  })
}

/** A mean over so many steps, which forgets slowly; of fewer steps at first. */
const towards = (mean: number | null, value: number, steps: number): number =>
  mean === null ? value : mean + (value - mean) / steps

/** By how much the loss lies above what it usually is, as far as it is falling. */
function needOf({ lately, before, usually }: State): number {
  const now = lately ?? 0
  return Math.min(largestNeed, Math.max(0, now - (usually ?? 0)), Math.max(0, (before ?? 0) - now))
}

function reasonOf({ forgotten }: State, prices: Entries, rehearsalShare: number): string {
  const [domain, bits] = forgotten.reduce((most, one) => (one[1] > most[1] ? one : most), [
    'nothing',
    0,
  ] as readonly [string, number])
  const share = (100 * rehearsalShare).toFixed(0)
  const isAtStop = prices.some(([, price]) => price === highestPrice)
  const rest = isAtStop ? '; no more rehearsal can be had' : ''
  return `${bits.toFixed(3)} bits forgotten of ${domain}: ${share} % of the rehearsal${rest}`
}
