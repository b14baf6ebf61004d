/** Asks the growth policy after every step, and has its request carried out. */
import { stateBytesOf } from '@burgeon/gpt/growth'
import {
  checks,
  checkState,
  foldIn,
  optional,
  type RandomKey,
  type Mirror,
  type StateChecks,
} from '@burgeon/tensor'
import type { LearnerEvent } from '../journal/event.ts'
import { plainData } from '../saved-state.ts'
import type { StepContext } from '../journal/step-context.ts'
import type { Trying, Verdict } from './trying.ts'
import type { Upkeep } from './upkeep.ts'
import { carryOut, type GrowthGround, type ReasonedRequest, refusalEvent } from './carry-out.ts'
import { type GrowthSite, siteOf } from './growth-site.ts'
import type { GrowthBudget, GrowthDecision, GrowthPolicy, GrowthSignals } from '../growth/growth-policy.ts'
import {
  asItIs,
  aTriedGrowth,
  type GrowthTrial,
  requestDue,
  type TriedGrowth,
} from '../growth/growth-trial.ts'
import type { AnyConfig, AnyRequest } from '../growth/price-in.ts'
import { barWithin, excessOf } from '../growth/within-budget.ts'
import type { Measurement } from '../growth/measure/measurement.ts'

/** A policy for a model of either kind. */
type AnyPolicy = GrowthPolicy<unknown, AnyConfig>

/** Limits of the growth of a learner's model, and the mirrors that must follow it. */
export interface GrowthMeans {
  readonly budget: GrowthBudget
  readonly mirrors: readonly Mirror[]
  /** For new weights; each step has a key of its own. */
  readonly key: RandomKey
  /** A clock in milliseconds, for the record. */
  readonly now?: () => number
}

/** Makes the context of `carryOut` in a step. */
export function groundOf(
  { budget, mirrors, key, now }: GrowthMeans,
  { step, model, fresh }: StepContext,
): GrowthGround {
  const ground = { step, budget, model, mirrors, recent: fresh, key: foldIn(key, step) }
  return now === undefined ? ground : { ...ground, now }
}

/** Upkeep that has growth tried, where the policy wants that. */
export type GrowthRunner = Upkeep & Trying

interface State {
  readonly policy: unknown
  readonly lastGrowth: number
  /** Requests that are tried, or wait for it; none unless given. */
  readonly tried?: TriedGrowth | undefined
}

const stateChecks: StateChecks<State> = {
  policy: plainData,
  lastGrowth: checks.integer({ from: 0 }),
  tried: optional(aTriedGrowth),
}

/**
 * Keeps the state of a policy. A policy that throws, or returns something else than a decision, is an event:
 * the batch has been learnt by then, and its state stays as it was.
 *
 * @param hasVocabulary Whether tokens come from a growing vocabulary, which alone may add to them: its
 *   tokenizer must know each.
 * @param control What a controller says, if there is one.
 */
export function growthRunner(
  policy: AnyPolicy,
  means: GrowthMeans,
  hasVocabulary: boolean,
  control?: { readonly isSaturated: boolean },
): GrowthRunner {
  const { name } = policy
  const { budget, mirrors } = means
  let state: State = { policy: policy.initial, lastGrowth: 0 }

  const signalsOf = (
    { step, model, losses, stepsSinceDrift }: StepContext,
    { config, keptBytes }: GrowthSite,
  ): GrowthSignals<AnyConfig> => ({
    step,
    losses,
    stepsSinceGrowth: step - state.lastGrowth,
    stepsSinceDrift,
    ...(control && { isSaturated: control.isSaturated }),
    config,
    parameters: model.parameters.size,
    stateBytes: stateBytesOf(mirrors, model.parameters.size),
    keptBytes,
  })

  const growIn = async (
    context: StepContext,
    asked: Omit<ReasonedRequest, 'policy'>,
  ): Promise<LearnerEvent> => {
    const event = await carryOut({ policy: name, ...asked }, groundOf(means, context))
    if (event.kind === 'growth') state = { ...state, lastGrowth: context.step }
    return event
  }
  /** In a trial the policy is not asked: what is due is carried out, and nothing else. */
  const growTried = async (context: StepContext, tried: TriedGrowth): Promise<LearnerEvent[]> => {
    const request = requestDue(tried)
    if (request === null) return []
    state = { ...state, tried: { ...tried, isDone: true } }
    return [await growIn(context, { request, reason: `${tried.reason}; tried as ${tried.arm}` })]
  }
  const drop = (): void => {
    const { tried: _, ...rest } = state
    state = rest
  }

  policy.connect?.({
    get: () => state.policy,
    set: (changed) => (state = { ...state, policy: changed }),
  })

  return {
    name,
    async afterStep(context) {
      if (state.tried !== undefined) return growTried(context, state.tried)
      const { step, model, fresh } = context
      const site = siteOf(model, fresh)
      const signals = signalsOf(context, site)
      const isMeasured = attempt(() => policy.measures?.(signals, budget, state.policy) === true)
      if (isMeasured.value && site.measure === undefined)
        return [refusalEvent(name, step, { reason: noBlocks })]
      const measured = isMeasured.value ? await site.measure?.() : undefined
      const seen = measured === undefined ? {} : { measured }
      const decided = attempt(() => policy.decide({ ...signals, ...seen }, budget, state.policy))
      const fault = isMeasured.fault ?? decided.fault ?? faultIn(decided.value)
      if (fault !== undefined) {
        const reason = `growth: the policy ${fault}; expected a request or null, a reason and a state.`
        return [refusalEvent(name, step, { reason, ...seen })]
      }
      const decision = decided.value as GrowthDecision<unknown, AnyConfig>
      const { request, reason, held, isApproved = false } = decision
      state = { ...state, policy: decision.state }
      if (request === null && held !== undefined) return [heldEvent(held, name, step, { reason, ...seen })]
      if (request === null) return consideredEvents(name, step, reason, seen.measured)
      if (hasVocabulary && addsTokens(kindOf(request))) {
        const refusal =
          'growth: got a vocabulary request beside a growing vocabulary; expected its own growth alone, for its tokenizer must know every token.'
        return [refusalEvent(name, step, { reason: refusal, ...seen })]
      }
      if (policy.trial !== undefined) {
        const candidates = affordable(policy.trial.candidates(request, signals.config), signals, budget)
        if (Object.keys(candidates).length === 0) {
          return [refusalEvent(name, step, { reason: 'growth: no candidate is within the budget.', ...seen })]
        }
        state = { ...state, tried: { asked: step, reason, candidates, arm: null, isDone: false } }
        return consideredEvents(name, step, `${reason}; growth is tried`, seen.measured)
      }
      const event = await growIn(context, { request, reason, isApproved })
      return [{ ...event, data: { ...event.data, ...seen } } as LearnerEvent]
    },
    proposed() {
      const { tried } = state
      if (policy.trial === undefined || tried === undefined) return null
      const { steps, isAveraged } = policy.trial
      return { arms: [asItIs, ...Object.keys(tried.candidates)], steps, isAveraged, measuresProgress: true }
    },
    take(arm) {
      if (state.tried) state = { ...state, tried: { ...state.tried, arm, isDone: false } }
    },
    judge(outcome): Verdict {
      // Only what is tried is judged.
      const [trial, tried] = [policy.trial as GrowthTrial<AnyConfig>, state.tried as TriedGrowth]
      const { goesOn, reason } = trial.decide(outcome)
      const { asked, candidates } = tried
      const data = { goesOn, reason, asked, candidates, outcome }
      return {
        goesOn,
        event: {
          kind: 'growth tried',
          step: outcome.step,
          part: name,
          summary: `growth tried. ${reason}`,
          data,
        },
        settle: drop,
      }
    },
    drop,
    toState: (): State => state,
    restore(saved) {
      const {
        policy: own,
        lastGrowth,
        tried,
      } = checkState<State>(`growth policy ${name}`, saved, stateChecks)
      if (policy.stateCheck) {
        checkState(`growth policy ${name}`, { state: own }, { state: policy.stateCheck })
      }
      state = { policy: own, lastGrowth, ...(tried && { tried }) }
    },
  }
}

const noBlocks =
  'growth: the policy wants the blocks measured, and the model is a dense network, which has none; expected a policy that does without.'

/** The candidates that can be carried out within the budget; all others would be refused. */
function affordable(
  candidates: TriedGrowth['candidates'],
  signals: GrowthSignals<AnyConfig>,
  budget: GrowthBudget,
): TriedGrowth['candidates'] {
  const fits = (request: AnyRequest): boolean =>
    attempt(() => excessOf(signals, request, budget) ?? barWithin(signals, request, budget)).value === null
  return Object.fromEntries(Object.entries(candidates).filter(([, request]) => fits(request)))
}

/** The event of a policy that had the blocks measured and decided to stay as it is. */
function consideredEvents(
  part: string,
  step: number,
  reason: string,
  measured: Measurement | undefined,
): LearnerEvent[] {
  if (measured === undefined) return []
  const summary = `no growth. ${reason}`
  return [{ kind: 'growth considered', step, part, summary, data: { reason, measured } }]
}

/** The event of a request that waits, or was refused by whom the policy asked. */
function heldEvent(
  kind: NonNullable<GrowthDecision<unknown>['held']>,
  part: string,
  step: number,
  data: { readonly reason: string; readonly measured?: Measurement },
): LearnerEvent {
  if (kind === 'growth refused') return refusalEvent(part, step, data)
  return { kind, step, part, summary: data.reason, data }
}

/** Calls a function of the user's: returns its value, or how it failed. */
function attempt<T>(body: () => T): { readonly value?: T; readonly fault?: string } {
  try {
    return { value: body() }
  } catch (error) {
    return { fault: `failed with ${describe(error)}` }
  }
}

function faultIn(decision: unknown): string | undefined {
  if (typeof decision !== 'object' || decision === null) return `decided ${describe(decision)}`
  const { request, reason, held } = decision as Partial<GrowthDecision<unknown>>
  if (typeof reason !== 'string') return `gave ${describe(reason)} as its reason`
  if (request === undefined) return 'gave no request'
  return held === undefined || held === 'growth waits' || held === 'growth refused'
    ? undefined
    : `held a request as ${describe(held)}`
}

/** Reading it may run code of whoever made it. */
const addsTokens = (kind: unknown): boolean => kind === 'growVocabulary' || kind === 'addSense'

const kindOf = (request: unknown): unknown => attempt(() => (request as { kind?: unknown }).kind).value

function describe(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
