/** Chooses among ways to learn by trials of a few steps, judged by rows that are held back. */
import {
  type Check,
  checkOptions,
  checks,
  fields,
  foldIn,
  keyFromSeed,
  OptionError,
  RandomStream,
} from '@burgeon/tensor'
import { type Knobs, knobsOf } from '../control/knobs.ts'
import { significanceOf, type TriedArm, type TrialOutcome } from '../journal/trials/trial-outcome.ts'
import { count, entriesOf } from '../saved-state.ts'
import type { Choice, ChoiceDecision } from './choice.ts'

/** How arms are judged. */
export interface JudgeOptions {
  /**
   * Whether by the mean of their weights over the last half of a trial; true unless given. Without it a trial
   * of a few steps prefers rates that are far too small (Wu, Ren, Liao and Grosse 2018).
   */
  readonly averaged?: boolean
  /** Standard errors by which an arm has to be better than the one that is lived, ≥ 0. Default 2. */
  readonly significance?: number
  /**
   * Bits per prediction that an arm has to gain for every step's worth of operations that one of its steps
   * takes beyond one of the arm that is lived, ≥ 0; one that takes less may be as much worse. Default 0.
   */
  readonly price?: number
}

/** The arms, and how often they are tried. */
export interface ChooseAmongOptions {
  /** Knobs by name; the first is lived at the beginning. At least one. */
  readonly arms: Readonly<Record<string, Partial<Knobs>>>
  /**
   * Steps from the end of a trial to the beginning of the next once trials change nothing, ≥ 1. A quarter of
   * them at the beginning and after a change, then twice as many each time. Default 400.
   */
  readonly every?: number
  /** Steps of a trial, ≥ 1. Default 20. */
  readonly steps?: number
  /**
   * Arms that are tried beside the one that is lived, ≥ 1, once all were tried in the first trial. Where
   * there are more, they are drawn by what trials have said of them (fixed share). Default 2.
   */
  readonly rivals?: number
  readonly judge?: JudgeOptions
  /** For the draw. Default 0. */
  readonly seed?: number
}

interface State {
  readonly incumbent: string
  /** The arms that were better in the last trial, one of which has to be again. */
  readonly candidates: readonly string[]
  /** Step with which the last trial ended, 0 before the first. */
  readonly since: number
  /** Steps from there to the next trial. */
  readonly wait: number
  /** What trials have said of each arm: shares that sum to 1. */
  readonly shares: readonly (readonly [arm: string, share: number])[]
}

/**
 * Of fixed share: e-folds of a share for each bit, and what flows back to all arms after each trial. An arm
 * that was worse by a twentieth of a bit is drawn a twentieth as often.
 */
const [rateOfShares, flowsBack] = [60, 0.05]

/**
 * Every so many steps, and at drift, some arms are tried, the first time soon, for what is chosen early is
 * lived longest: the arm that is lived takes its next steps as ever, then the others take them on the same
 * rows from the same weights, and all are judged by the rows that `strategy.probes` holds back. The arms
 * that are better by a paired test over these rows are tried again at once, and the best of those that are
 * better again goes on from the weights that it has reached there; else all is as if nothing had been tried.
 * Its knobs multiply those of a controller. Which of many arms are tried is drawn by
 * fixed shares (Herbster and Warmuth 1998, figure 2, with the gains of a trial as losses).
 *
 * A trial sees a few steps. A rate that is better only after many more may not be chosen, with averaged
 * weights either.
 *
 * Steps of a fork and of `rehearse` are of the arm that is lived; a rehearsal, or a fork that is kept, ends
 * a trial without a decision. Until eight rows are held back nothing is tried.
 *
 * @throws OptionError without arms, and for options outside their ranges.
 * @example
 * ```ts
 * const strategy = {
 *   rehearsal: reservoirReplay({ capacity: 500 }),
 *   probes: heldBack(),
 *   choice: chooseAmong({ arms: { calm: {}, eager: { rate: 2 }, old: { rehearsalShare: 2 } } }),
 * }
 * ```
 */
export function chooseAmong(options: ChooseAmongOptions): Choice<State> {
  const positive = checks.integer({ from: 1 })
  checkOptions('chooseAmong', options, {
    arms: checks.required(checks.record('knobs by name', checks.object<Partial<Knobs>>('knobs'))),
    ...{ every: positive, steps: positive, rivals: positive, seed: checks.seed },
    judge: checks.object('an object with averaged, significance, price'),
  })
  const { every = 400, steps = 20, rivals: most = 2, judge = {}, seed = 0 } = options
  checkOptions('chooseAmong: judge', judge, {
    averaged: checks.boolean,
    significance: checks.number({ from: 0 }),
    price: checks.number({ from: 0 }),
  })
  const { averaged = true, significance = 2, price = 0 } = judge
  const names = Object.keys(options.arms)
  if (names.length === 0) throw new OptionError('chooseAmong: got no arms; expected one or more.')
  const arms = Object.fromEntries(
    names.map((name) => [name, knobsOf(`chooseAmong: arms: ${name}`, options.arms[name])]),
  )
  const soonest = Math.ceil(every / 4)
  return {
    name: `one of ${names.join(', ')}`,
    ...{ arms, steps, isAveraged: averaged },
    initial: {
      ...{ incumbent: names[0], candidates: [], since: 0, wait: soonest },
      shares: names.map((name) => [name, 1 / names.length] as const),
    },
    stateCheck: stateCheckOf(names),
    incumbentOf: ({ incumbent }) => incumbent,
    rivals({ step, drift }, { incumbent, candidates, since, wait, shares }) {
      if (candidates.length > 0) return candidates
      if (!drift && step - since < wait) return []
      const random = new RandomStream(foldIn(keyFromSeed(seed), step))
      return drawn(
        shares.filter(([name]) => name !== incumbent),
        since === 0 ? names.length : most,
        random,
      )
    },
    decide(outcome, state) {
      const judged = outcome.arms.slice(1).map((arm) => judgedArm(arm, outcome.arms[0], price))
      const better = judged
        .filter(({ gain, errors }) => gain > 0 && errors > significance)
        .toSorted((a, b) => b.errors - a.errors)
      const wait = { soonest, longest: every }
      return decided(
        state,
        outcome,
        better.map(({ arm }) => arm),
        wait,
      )
    },
  }
}

/**
 * What becomes of the state after a trial.
 *
 * @param better The arms that were better than the one that is lived, the best first.
 */
function decided(
  state: State,
  outcome: TrialOutcome,
  better: readonly string[],
  { soonest, longest }: { readonly soonest: number; readonly longest: number },
): ChoiceDecision<State> {
  const { incumbent, candidates } = state
  const repeats = better.length > 0 && candidates.length > 0
  const goesOn = repeats ? better[0] : incumbent
  const wait = repeats ? soonest : Math.min(longest, 2 * state.wait)
  const next = { since: outcome.step, wait, incumbent: goesOn, shares: sharesAfter(state, outcome) }
  const about = outcome.arms.slice(1).map(described).join(', ')
  const reason = repeats
    ? `${goesOn} is better again and goes on`
    : better.length === 0
      ? `${incumbent} goes on`
      : `${better.join(' and ')} better than ${incumbent}, which goes on until that repeats`
  return {
    goesOn,
    reason: `${reason} (${about})`,
    state: { ...next, candidates: repeats ? [] : better },
  }
}

interface Judged {
  readonly arm: string
  /** In bits, less the price of its operations. */
  readonly gain: number
  /** The same in standard errors. */
  readonly errors: number
}

function judgedArm(
  { arm, bits, gain: raw, error, operations }: TriedArm,
  first: TriedArm,
  price: number,
): Judged {
  if (bits === null) return { arm, gain: -Infinity, errors: -Infinity }
  const gain = raw - price * (operations / first.operations - 1)
  return { arm, gain, errors: significanceOf({ gain, error }) }
}

const described = ({ arm, bits, gain, error }: TriedArm): string =>
  bits === null
    ? `${arm} failed`
    : `${arm} ${gain < 0 ? '' : '+'}${gain.toFixed(4)} bits, t ${significanceOf({ gain, error }).toFixed(1)}`

/** Shares after a trial: those that were not tried stand where the arm that is lived stands. */
function sharesAfter({ shares }: State, { arms }: TrialOutcome): State['shares'] {
  const gains = new Map(arms.map(({ arm, gain, bits }) => [arm, bits === null ? -1 : gain]))
  const grown = shares.map(([arm, share]) => share * Math.exp(rateOfShares * (gains.get(arm) ?? 0)))
  const total = grown.reduce((a, b) => a + b, 0)
  return shares.map(([arm], i) => [arm, (1 - flowsBack) * (grown[i] / total) + flowsBack / shares.length])
}

/** Some of the arms, drawn by their shares, or all where there are no more. */
function drawn(shares: State['shares'], most: number, random: RandomStream): readonly string[] {
  if (shares.length <= most) return shares.map(([arm]) => arm)
  const left = [...shares]
  return Array.from({ length: most }, () => {
    let at = random.uniform() * left.reduce((sum, [, share]) => sum + share, 0)
    const found = left.findIndex(([, share]) => (at -= share) < 0)
    const [[arm]] = left.splice(found < 0 ? left.length - 1 : found, 1)
    return arm
  })
}

function stateCheckOf(names: readonly string[]): Check<State> {
  const form = fields<State>('an arm, those that were better, two steps, and a share of each arm', {
    incumbent: checks.oneOf(...names),
    candidates: checks.list('a list of arms', checks.oneOf(...names)),
    since: count,
    wait: checks.integer({ from: 1 }),
    shares: entriesOf('arms and shares', checks.number({ above: 0, to: 1 })),
  })
  return {
    expected: form.expected,
    accepts: (state): state is State =>
      form.accepts(state) && state.shares.map(([arm]) => arm).join() === names.join(),
  }
}
