/** Growth that has to prove itself on the next rows before it stands. */
import type { GptConfig } from '@burgeon/gpt'
import { type Check, checkOptions, checks, fields, OptionError } from '@burgeon/tensor'
import { significanceOf, type TriedArm, type TrialOutcome } from '../../journal/trials/trial-outcome.ts'
import { count, none } from '../../saved-state.ts'
import { asItIs, requireUntried } from '../growth-trial.ts'
import { aGrowthPolicy, type GrowthPolicy, type GrowthSignals } from '../growth-policy.ts'
import type { AnyConfig, RequestTo } from '../price-in.ts'

/** When growth is tried, what, and how it is judged. */
export interface GrowByTrialOptions<S, C extends AnyConfig = GptConfig> {
  /** Says when. What it asks for is the candidate `as asked`. */
  readonly when: GrowthPolicy<S, C>
  /** Other candidates by name, such as one for each axis. None unless given. */
  readonly candidates?: Readonly<Record<string, (config: C) => RequestTo<C>>>
  /** Steps of a trial, ≥ 2. Default 100. */
  readonly steps?: number
  /**
   * Steps after the end of a trial in which none is begun, ≥ 0. Where nothing grew, twice as many as after
   * the trial before, if nothing grew then either; 16 times as many at most. Default 400.
   */
  readonly patience?: number
  /** Standard errors by which a candidate has to be better than not growing, ≥ 0. Default 2. */
  readonly significance?: number
}

interface State<S> {
  readonly inner: S
  /** The step of the last request; null before the first. */
  readonly asked: number | null
  /** Trials in a row before it after which nothing grew. */
  readonly inVain: number
}

/** Most doublings of the patience. */
const mostDoublings = 4

/** The candidate that the other policy asks for. */
const asAsked = 'as asked'

/**
 * Where another policy would grow, tries what would come of it: for some steps the model goes on as it is,
 * then each candidate lives the same rows from the same weights, grown after the first of them. A candidate
 * stands where it predicts the rows that `strategy.probes` holds back better than the model that has not
 * grown, by a paired test over these rows, and by more than its operations would have brought without
 * growing: what the model gains in the trial as it is, times the share of operations that the candidate takes
 * beyond it. Of several the one with the largest gain beyond that stands; else nothing has grown. Weights are
 * judged by their mean over the last half of the trial. What pays only after more steps than a trial has is
 * not seen.
 *
 * In a learner without rows held back nothing would be judged: it refuses the policy. Inside `firstOf`,
 * `budgeted` or `onApproval` nothing would be tried, so these refuse it; it takes them for `when`.
 *
 * @throws OptionError for options outside their ranges, or a policy that is tried itself.
 * @example
 * ```ts
 * const growth = growByTrial({
 *   when: growOnPlateau({ window: 200, patience: 400 }),
 *   candidates: { layer: ({ blocks }) => ({ kind: 'addLayer', at: blocks.length, how: 'copy' }) },
 * })
 * ```
 */
export function growByTrial<S, C extends AnyConfig = GptConfig>(
  options: GrowByTrialOptions<S, C>,
): GrowthPolicy<State<S>, C> {
  checkOptions('growByTrial', options, {
    when: checks.required(aGrowthPolicy as Check<unknown> as Check<GrowthPolicy<S, C>>),
    candidates: checks.record('functions of a configuration, by name', checks.callback()),
    steps: checks.integer({ from: 2 }),
    patience: checks.integer({ from: 0 }),
    significance: checks.number({ from: 0 }),
  })
  const { when, candidates: others = {}, steps = 100, patience = 400, significance = 2 } = options
  requireUntried('growByTrial', when)
  const taken = [asItIs, asAsked].find((name) => Object.hasOwn(others, name))
  if (taken !== undefined) {
    throw new OptionError(`growByTrial: got a candidate called "${taken}"; expected another name.`)
  }
  const rests = (moment: Moment, { asked, inVain }: State<S>): boolean => {
    if (asked === null) return false
    const doublings = hasGrownSince(asked, moment) ? 0 : Math.min(inVain, mostDoublings)
    return moment.step <= asked + steps + patience * 2 ** doublings
  }
  return {
    name: `${when.name}, by trial`,
    ...(when.waitsForDrift && { waitsForDrift: true }),
    ...(when.waitsForSaturation && { waitsForSaturation: true }),
    initial: { inner: when.initial, asked: null, inVain: 0 },
    stateCheck: fields<State<S>>('a state, a step and a count', {
      inner: when.stateCheck ?? (checks.anything as Check<S>),
      asked: checks.either(count, none),
      inVain: count,
    }),
    connect: ({ get, set }) =>
      when.connect?.({ get: () => get().inner, set: (inner) => set({ ...get(), inner }) }),
    trial: {
      ...{ steps, isAveraged: true },
      candidates: (request, config) => ({
        [asAsked]: request,
        ...Object.fromEntries(Object.entries(others).map(([name, of]) => [name, of(config)])),
      }),
      decide: (outcome) => judged(outcome, significance),
    },
    measures: (signals, budget, state) =>
      !rests(signals, state) && (when.measures?.(signals, budget, state.inner) ?? false),
    decide(signals, budget, state) {
      if (rests(signals, state)) return { request: null, reason: 'the last trial is not long ago', state }
      const { state: inner, ...decision } = when.decide(signals, budget, state.inner)
      const isAsked = decision.request !== null
      return { ...decision, state: { ...(isAsked ? askedAgain(signals, state) : state), inner } }
    },
  }
}

/** When growth was last seen. */
type Moment = Pick<GrowthSignals, 'step' | 'stepsSinceGrowth'>

const hasGrownSince = (asked: number, { step, stepsSinceGrowth }: Moment): boolean =>
  step - stepsSinceGrowth > asked

/** What is on record of requests once there is another one. */
function askedAgain<S>(moment: Moment, { asked, inVain }: State<S>): Pick<State<S>, 'asked' | 'inVain'> {
  const isInVain = asked !== null && !hasGrownSince(asked, moment)
  return { asked: moment.step, inVain: isInVain ? inVain + 1 : 0 }
}

/** A candidate's gain beyond what its operations would have brought without growing. */
interface Judged {
  readonly arm: TriedArm
  readonly gain: number
}

function judged(
  { arms: [first, ...others], progress }: TrialOutcome,
  significance: number,
): { readonly goesOn: string; readonly reason: string } {
  const price = Math.max(0, progress ?? 0)
  const all = others.map((arm): Judged => {
    const gain = arm.gain - price * (arm.operations / first.operations - 1)
    return { arm, gain: arm.bits === null ? -Infinity : gain }
  })
  const [best] = all
    .filter(({ gain, arm: { error } }) => gain > 0 && significanceOf({ gain, error }) > significance)
    .toSorted((a, b) => b.gain - a.gain)
  const told = all.map(({ arm, gain }) =>
    arm.bits === null
      ? `${arm.arm} failed`
      : `${arm.arm} ${gain.toFixed(4)} bits, t ${significanceOf({ gain, error: arm.error }).toFixed(1)}`,
  )
  const goesOn = best?.arm.arm ?? first.arm
  return {
    goesOn,
    reason: `${goesOn === first.arm ? 'nothing grows' : `${goesOn} stands`} (${told.join(', ')})`,
  }
}
