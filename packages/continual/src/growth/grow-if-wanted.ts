/** Asks the policy, and has its wish carried out. */
import type { LearnerEvent } from '../step-report.ts'
import { carryOut, type GrowthGround } from './carry-out.ts'
import type { GrowthDecision, GrowthPolicy, GrowthSignals } from './growth-policy.ts'
import { measureBlocks } from './measure-blocks.ts'

export interface GrowthTurn extends Omit<GrowthGround, 'step'> {
  readonly policy: GrowthPolicy
  readonly policyState: unknown
  readonly signals: GrowthSignals
  /** Whether tokens come from a growing vocabulary, which alone may add to them: its tokenizer must know each. */
  readonly hasVocabulary: boolean
}

/**
 * One decision of a policy, measured for if it asks, and carried out. A policy that throws, or decides what is no decision, is an event: the
 * batch has been learnt by then, and its state stays as it was.
 */
export async function growIfWanted(
  turn: GrowthTurn,
): Promise<{ policyState: unknown; events: LearnerEvent[] }> {
  const { policy, policyState, budget } = turn
  const { step } = turn.signals
  const isMeasured = attempt(() => policy.measures?.(turn.signals, budget, policyState) === true)
  const seen = isMeasured.value ? { measured: await measureBlocks(turn.model, turn.recent) } : {}
  const decided = attempt(() => policy.decide({ ...turn.signals, ...seen }, budget, policyState))
  const fault = isMeasured.fault ?? decided.fault ?? faultIn(decided.value)
  if (fault !== undefined) {
    const reason = `growth: the policy ${fault}; expected a request or null, a reason and a state.`
    const event: LearnerEvent = { kind: 'growth refused', step, policy: policy.name, reason, ...seen }
    return { policyState, events: [event] }
  }
  const { request, reason, state } = decided.value as GrowthDecision<unknown>
  if (request === null) {
    const considered: LearnerEvent[] =
      seen.measured === undefined
        ? []
        : [{ kind: 'growth considered', step, policy: policy.name, reason, measured: seen.measured }]
    return { policyState: state, events: considered }
  }
  if (turn.hasVocabulary && requestAxis(request) === 'vocabulary') {
    const refusal =
      'growth: got a vocabulary request beside a growing vocabulary; expected its own growth alone, for its tokenizer must know every token.'
    return {
      policyState: state,
      events: [{ kind: 'growth refused', step, policy: policy.name, reason: refusal, ...seen }],
    }
  }
  const event = await carryOut({ policy: policy.name, request, reason }, { ...turn, step })
  return { policyState: state, events: [{ ...event, ...seen }] }
}

/** What a function of the user's returns, or how it failed. */
function attempt<T>(body: () => T): { readonly value?: T; readonly fault?: string } {
  try {
    return { value: body() }
  } catch (error) {
    return { fault: `failed with ${describe(error)}` }
  }
}

function faultIn(decision: unknown): string | undefined {
  if (typeof decision !== 'object' || decision === null) return `decided ${describe(decision)}`
  const { request, reason } = decision as Partial<GrowthDecision<unknown>>
  if (typeof reason !== 'string') return `gave ${describe(reason)} as its reason`
  return request === undefined ? 'gave no request' : undefined
}

/** Reading it may run code of whoever made it. */
const requestAxis = (request: unknown): unknown => attempt(() => (request as { axis?: unknown }).axis).value

function describe(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
