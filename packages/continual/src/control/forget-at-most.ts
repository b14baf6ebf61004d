/** A bound on forgetting, by dual ascent on rows that are held back. */
import { checkArgument, checks, fields } from '@burgeon/tensor'
import type { ProbeLosses } from '../journal/probe-losses.ts'
import { count, entriesOf, none } from '../saved-state.ts'
import type { Controller, ControlSignals } from './controller.ts'

interface State {
  /** What forgetting of each domain costs: the multiplier of its constraint, ≥ 0. */
  readonly prices: Entries
  /** What is forgotten of each domain, over the latest measurements, in bits. */
  readonly forgotten: Entries
  /** Means of the prequential loss over a few steps and over many, in bits; null before the first. */
  readonly lately: number | null
  readonly usually: number | null
  /** Step of the first of the latest measurements that all found it at its stop; null for none. */
  readonly stuckSince: number | null
}

type Entries = readonly (readonly [domain: string, value: number])[]

/** By how much a price rises for each bit that is forgotten too much, at each measurement. */
const priceRate = 0.5
/** Above it the share of old rows hardly rises: 1 − e⁻⁴ is 0.98. */
const highestPrice = 4
/** Weight of a measurement among those before it. */
const ofMeasurement = 0.5
/** Steps of the two means of the loss. */
const [few, many] = [20, 400]
const [largestNeed, needHalves] = [2, 300]
/** What a domain that costs nothing counts, as a price, where old rows are drawn. */
const least = 0.1

/** Steps at the stop after which it can do no more. */
const stuckSteps = 500

const initial: State = { prices: [], forgotten: [], lately: null, usually: null, stuckSince: null }
const atLeastZero = checks.number({ from: 0 })
const loss = checks.either(checks.number(), none)

/**
 * Keeps what is forgotten of every domain at or below ε, by dual ascent on rows that are held back: each
 * domain d has a price μ_d ← [μ_d + ½(f_d − ε)]₊ for what is forgotten of it, f_d, measured by
 * `strategy.probes` (primal–dual continual learning; Elenter, NaderiAlizadeh, Javidi and Ribeiro 2023,
 * section 4). Where the prices are Σμ, old rows are rehearsed at 1 − e^(−Σμ) of the share that the
 * rehearsal has, each with a chance ∝ μ_d + 0.1, and penalties count 1 + Σμ times. Where the loss has risen
 * above what it usually is, the learning rate is up to three times as high. Nothing is rehearsed while
 * nothing is forgotten. Where a price has been at its stop for 500 steps and more than ε is forgotten
 * still, it is saturated (see `growOnConflict`).
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
    stateCheck: fields<State>('prices, what is forgotten, and two losses', {
      prices: entriesOf('a list of domains and prices', atLeastZero),
      forgotten: entriesOf('a list of domains and bits', atLeastZero),
      lately: loss,
      usually: loss,
      stuckSince: checks.either(count, none),
    }),
    decide(signals, state) {
      const { step, bitsPerByte, probes } = signals
      const measured = probes === null ? state : priced(state, probes, epsilon, step)
      const next: State = {
        ...measured,
        lately: towards(state.lately, bitsPerByte, few),
        usually: towards(state.usually, bitsPerByte, many),
      }
      const price = next.prices.reduce((sum, [, value]) => sum + value, 0)
      const knobs = {
        rehearsalShare: 1 - Math.exp(-price),
        penalty: 1 + price,
        rate: 1 + needOf(next, signals),
        domains: Object.fromEntries(
          next.prices.map(([domain, value]) => [domain, (value + least) / least] as const),
        ),
      }
      const { stuckSince } = next
      const isSaturated = stuckSince !== null && step - stuckSince >= stuckSteps
      const reason = probes === null ? null : reasonOf(next, price)
      return { knobs, reason, isSaturated, state: next }
    },
  }
}

/** Prices after a measurement. */
function priced(state: State, probes: ProbeLosses, epsilon: number, step: number): State {
  const [prices, forgotten] = [new Map(state.prices), new Map(state.forgotten)]
  for (const [domain, { forgotten: bits }] of Object.entries(probes)) {
    const before = forgotten.get(domain) ?? 0
    const smooth = before + ofMeasurement * (bits - before)
    forgotten.set(domain, smooth)
    const price = (prices.get(domain) ?? 0) + priceRate * (smooth - epsilon)
    prices.set(domain, Math.min(highestPrice, Math.max(0, price)))
  }
  const isStuck = [...prices].some(
    ([domain, price]) => price === highestPrice && (forgotten.get(domain) ?? 0) > epsilon,
  )
  return {
    ...state,
    ...{ prices: [...prices], forgotten: [...forgotten] },
    stuckSince: isStuck ? (state.stuckSince ?? step) : null,
  }
}

/** A mean over so many steps, which forgets slowly; of fewer steps at first. */
const towards = (mean: number | null, value: number, steps: number): number =>
  mean === null ? value : mean + (value - mean) / steps

/** By how much the loss lies above what it usually is; less, the longer a change is past. */
function needOf({ lately, usually }: State, { stepsSinceDrift }: ControlSignals): number {
  const rise = Math.max(0, (lately ?? 0) - (usually ?? 0))
  return Math.min(largestNeed, rise) * 2 ** -((stepsSinceDrift ?? 0) / needHalves)
}

function reasonOf({ forgotten, prices }: State, price: number): string {
  const [domain, bits] = forgotten.reduce((most, one) => (one[1] > most[1] ? one : most), [
    'nothing',
    0,
  ] as readonly [string, number])
  const share = (100 * (1 - Math.exp(-price))).toFixed(0)
  const isAtStop = prices.some(([, value]) => value === highestPrice)
  const rest = isAtStop ? '; no more rehearsal can be had' : ''
  return `${bits.toFixed(3)} bits forgotten of ${domain}: ${share} % of the rehearsal${rest}`
}
