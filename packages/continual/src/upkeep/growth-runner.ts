/** Asks the growth policy after every step, and has its request carried out. */
import { stateBytesOf } from '@burgeon/gpt/growth'
import { checks, checkState, foldIn, type RandomKey, type Mirror, type StateChecks } from '@burgeon/tensor'
import type { LearnerEvent } from '../journal/event.ts'
import { plainData } from '../saved-state.ts'
import type { StepContext } from '../journal/step-context.ts'
import type { Upkeep } from './upkeep.ts'
import { carryOut, type GrowthGround, refusalEvent } from './carry-out.ts'
import { type GrowthSite, siteOf } from './growth-site.ts'
import type { GrowthBudget, GrowthDecision, GrowthPolicy, GrowthSignals } from '../growth/growth-policy.ts'
import type { AnyConfig } from '../growth/price-in.ts'
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

interface State {
  readonly policy: unknown
  readonly lastGrowth: number
}

const stateChecks: StateChecks<State> = { policy: plainData, lastGrowth: checks.integer({ from: 0 }) }

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
): Upkeep {
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

  policy.connect?.({
    get: () => state.policy,
    set: (changed) => (state = { ...state, policy: changed }),
  })

  return {
    name,
    async afterStep(context) {
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
      const { request, reason, state: after } = decided.value as GrowthDecision<unknown, AnyConfig>
      state = { ...state, policy: after }
      const { held } = decided.value as GrowthDecision<unknown, AnyConfig>
      if (request === null && held !== undefined) return [heldEvent(held, name, step, { reason, ...seen })]
      if (request === null) return consideredEvents(name, step, reason, seen.measured)
      if (hasVocabulary && kindOf(request) === 'growVocabulary') {
        const refusal =
          'growth: got a vocabulary request beside a growing vocabulary; expected its own growth alone, for its tokenizer must know every token.'
        return [refusalEvent(name, step, { reason: refusal, ...seen })]
      }
      const event = await carryOut({ policy: name, request, reason }, groundOf(means, context))
      if (event.kind === 'growth') state = { ...state, lastGrowth: step }
      return [{ ...event, data: { ...event.data, ...seen } } as LearnerEvent]
    },
    toState: (): State => state,
    restore(saved) {
      const { policy: own, lastGrowth } = checkState<State>(`growth policy ${name}`, saved, stateChecks)
      if (policy.stateCheck) {
        checkState(`growth policy ${name}`, { state: own }, { state: policy.stateCheck })
      }
      state = { policy: own, lastGrowth }
    },
  }
}

const noBlocks =
  'growth: the policy wants the blocks measured, and the model is a dense network, which has none; expected a policy that does without.'

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
const kindOf = (request: unknown): unknown => attempt(() => (request as { kind?: unknown }).kind).value

function describe(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
