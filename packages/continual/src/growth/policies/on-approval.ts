/** A policy whose requests somebody looks at before the model grows. */
import type { GptConfig } from '@burgeon/gpt'
import {
  BurgeonError,
  type Check,
  checkArgument,
  checkOptions,
  checks,
  fields,
  OptionError,
} from '@burgeon/tensor'
import { count, none } from '../../saved-state.ts'
import { requireUntried } from '../growth-trial.ts'
import {
  aGrowthPolicy,
  type GrowthBudget,
  type GrowthDecision,
  type GrowthPolicy,
  type GrowthSignals,
  type LiveState,
} from '../growth-policy.ts'
import type { AnyConfig, RequestTo } from '../price-in.ts'
import { barWithin, excessOf } from '../within-budget.ts'

/** A request that waits: for somebody, or, once that was approved, for the next step. */
export interface WaitingGrowth<C extends AnyConfig = GptConfig> {
  /** Counts the requests that waited, from 1. */
  readonly id: number
  /** Updates made when it was asked for; null of one that was asked for by hand. */
  readonly step: number | null
  readonly request: RequestTo<C>
  readonly reason: string
  readonly decision: 'approve' | 'refuse' | null
}

/** The state of a policy on approval, plain data. */
export interface ApprovalState<S, C extends AnyConfig = GptConfig> {
  readonly inner: S
  readonly asks: boolean
  readonly waiting: WaitingGrowth<C> | null
  /** Requests that have waited so far. */
  readonly asked: number
  /** Updates made at the last refusal; null before the first. */
  readonly refusedAt: number | null
}

/** Approves and refuses what a policy asks for. Each throws OptionError before a learner has the policy. */
export interface GrowthApprovals<C extends AnyConfig = GptConfig> {
  /** Whether what the policy asks for waits. */
  readonly asks: boolean
  /** The request that waits; null if none does. */
  readonly waiting: WaitingGrowth<C> | null
  /** Has what the policy asks for wait from now on, or not. */
  ask(asks: boolean): void
  /**
   * Decides on the request that waits. The model grows in the next step, or the journal says that it was
   * refused.
   *
   * @throws OptionError if none of that number waits, or it is decided.
   */
  decide(id: number, decision: 'approve' | 'refuse'): void
  /**
   * Asks for growth by hand: it is carried out in the next step, within the budget of the learner. Returns
   * its number.
   *
   * @throws OptionError while another request waits.
   */
  request(request: RequestTo<C>, reason: string): number
}

/** A policy on approval. */
export interface ApprovedGrowth<S, C extends AnyConfig = GptConfig>
  extends GrowthPolicy<S | ApprovalState<S, C>, C> {
  readonly approvals: GrowthApprovals<C>
}

/** Options of `onApproval`. */
export interface OnApprovalOptions {
  /**
   * Whether all requests wait from the beginning on. Default true; where they do not, those still do that
   * lead beyond `withoutApproval` of the learner's budget.
   */
  readonly asks?: boolean
}

const aDecision = checks.oneOf('approve', 'refuse')

/**
 * The same policy, whose requests wait until `approvals.decide` approves or refuses them. Meanwhile it is not
 * asked. A refusal stands in the journal, and is to the policy like a growth: its patience begins anew. What
 * was approved and has become impossible, or too much for the budget, is refused as well.
 *
 * It has the name of the policy, and takes its state, so that a learner that was saved with the policy alone
 * is restored with this one. Requests that wait, and what was decided, are saved with the learner.
 *
 * @throws OptionError for what is no policy, is tried (`growByTrial`), or is on approval already.
 * @example
 * ```ts
 * const growth = onApproval(growOnPlateau({ window: 100, patience: 200 }))
 * const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-3 }), strategy: { growth } })
 * await learner.observe('The quick brown fox jumps over the lazy dog.')
 * const { waiting } = growth.approvals
 * if (waiting !== null) growth.approvals.decide(waiting.id, 'approve')
 * ```
 */
export function onApproval<S, C extends AnyConfig = GptConfig>(
  policy: GrowthPolicy<S, C>,
  options: OnApprovalOptions = {},
): ApprovedGrowth<S, C> {
  type State = S | ApprovalState<S, C>
  checkArgument('onApproval', 'policy', policy, aGrowthPolicy)
  requireUntried('onApproval', policy)
  checkOptions('onApproval', options, { asks: checks.boolean })
  if ('approvals' in policy) {
    throw new OptionError(`onApproval: got ${policy.name}, which is on approval already; expected another.`)
  }
  const { asks = true } = options
  const born = (inner: S): ApprovalState<S, C> => ({
    ...{ inner, asks, waiting: null, asked: 0, refusedAt: null },
  })
  const stateOf = (state: State): ApprovalState<S, C> => (isApprovalState<S, C>(state) ? state : born(state))
  /** To the policy a refusal is like a growth. */
  const seen = (signals: GrowthSignals<C>, { refusedAt }: ApprovalState<S, C>): GrowthSignals<C> => {
    const { step, stepsSinceGrowth } = signals
    if (refusedAt === null || step - refusedAt >= stepsSinceGrowth) return signals
    return { ...signals, stepsSinceGrowth: step - refusedAt }
  }
  let live: LiveState<State> | null = null
  const alive = (what: string): LiveState<State> => {
    if (live !== null) return live
    throw new OptionError(
      `onApproval: ${what} was called before a learner had the policy; expected it in the strategy of one.`,
    )
  }
  const approvals: GrowthApprovals<C> = {
    get asks() {
      return stateOf(alive('asks').get()).asks
    },
    get waiting() {
      return stateOf(alive('waiting').get()).waiting
    },
    ask(isAsked) {
      checkArgument('approvals.ask', 'asks', isAsked, checks.boolean)
      const { get, set } = alive('ask')
      set({ ...stateOf(get()), asks: isAsked })
    },
    decide(id, decision) {
      checkArgument('approvals.decide', 'decision', decision, aDecision)
      const { get, set } = alive('decide')
      const state = stateOf(get())
      const { waiting } = state
      if (waiting?.id !== id || waiting.decision !== null) {
        const had = waiting === null ? 'none waits' : `${waiting.id} is ${waiting.decision ?? 'waiting'}`
        throw new OptionError(
          `approvals.decide: got request ${id}, and ${had}; expected one that waits and is not decided.`,
        )
      }
      set({ ...state, waiting: { ...waiting, decision } })
    },
    request(request, reason) {
      checkArgument('approvals.request', 'request', request, checks.object('a growth request'))
      checkArgument('approvals.request', 'reason', reason, checks.text)
      const { get, set } = alive('request')
      const state = stateOf(get())
      if (state.waiting !== null) {
        throw new OptionError(
          `approvals.request: request ${state.waiting.id} waits; expected that it is decided on first.`,
        )
      }
      const id = state.asked + 1
      // A copy, which stays what it is when the original changes.
      const own = structuredClone(request)
      set({ ...state, asked: id, waiting: { id, step: null, request: own, reason, decision: 'approve' } })
      return id
    },
  }
  return {
    name: policy.name,
    approvals,
    ...(policy.waitsForDrift && { waitsForDrift: true }),
    ...(policy.waitsForSaturation && { waitsForSaturation: true }),
    initial: asks ? born(policy.initial) : policy.initial,
    stateCheck: {
      expected: 'the state of a policy, alone or on approval',
      accepts: (state): state is State => {
        const inner: unknown = isApprovalState(state) ? state.inner : state
        return (
          (!isApprovalState(state) || anApprovalState.accepts(state)) &&
          (policy.stateCheck?.accepts(inner) ?? true)
        )
      },
    },
    connect(state) {
      live = state
      policy.connect?.({
        get: () => stateOf(state.get()).inner,
        set: (inner) => state.set({ ...stateOf(state.get()), inner }),
      })
    },
    measures(signals, budget, state) {
      const own = stateOf(state)
      return own.waiting === null && (policy.measures?.(seen(signals, own), budget, own.inner) ?? false)
    },
    decide(signals, budget, state) {
      const own = stateOf(state)
      if (own.waiting !== null) return decided(own.waiting, own, signals, budget)
      const decision = policy.decide(seen(signals, own), budget, own.inner)
      const { request, reason, state: inner } = decision
      // A state that has nothing of its own stays that of the policy.
      const after = isApprovalState(state) || own.asks ? { ...own, inner } : inner
      if (request === null || !(own.asks || isTooMuch(signals, request, budget)))
        return { ...decision, state: after }
      const id = own.asked + 1
      const waiting = { id, step: signals.step, request, reason, decision: null }
      return {
        request: null,
        reason: `request ${id} waits for approval: ${reason}`,
        held: 'growth waits',
        state: { ...own, inner, asked: id, waiting },
      }
    },
  }
}

/** The decision of a step in which a request waits. */
function decided<S, C extends AnyConfig>(
  { id, request, reason, decision }: WaitingGrowth<C>,
  state: ApprovalState<S, C>,
  signals: GrowthSignals<C>,
  budget: GrowthBudget,
): GrowthDecision<ApprovalState<S, C>, C> {
  if (decision === null) return { request: null, reason: `request ${id} waits for approval`, state }
  const free = { ...state, waiting: null }
  const refused = (why: string): GrowthDecision<ApprovalState<S, C>, C> => ({
    ...{ request: null, reason: why, held: 'growth refused', state: { ...free, refusedAt: signals.step } },
  })
  if (decision === 'refuse') return refused(`request ${id} was refused by hand: ${reason}`)
  const hindrance = hindranceOf(signals, request, budget)
  if (hindrance !== null) return refused(`request ${id} was approved, but ${hindrance}`)
  return { request, reason: `${reason} (request ${id}, approved)`, isApproved: true, state: free }
}

/**
 * Whether a request leads to more than may be without approval. One of a kind that may not be is not asked
 * for.
 */
function isTooMuch<C extends AnyConfig>(
  signals: GrowthSignals<C>,
  request: RequestTo<C>,
  { kinds: _, ...budget }: GrowthBudget,
): boolean {
  if (budget.withoutApproval === undefined) return false
  try {
    return barWithin(signals, request, budget) !== null
  } catch (error) {
    if (error instanceof BurgeonError) return false
    throw error
  }
}

/** Why a request cannot be carried out by now; null if it can. */
function hindranceOf<C extends AnyConfig>(
  signals: GrowthSignals<C>,
  request: RequestTo<C>,
  budget: GrowthBudget,
): string | null {
  try {
    const excess = excessOf(signals, request, budget)
    if (excess) return `it would come to ${excess.comes} ${excess.what}, above ${excess.allowed}`
    return barWithin(signals, request, budget, true)
  } catch (error) {
    if (!(error instanceof BurgeonError)) throw error
    return `it cannot be: ${error.message}`
  }
}

const isApprovalState = <S, C extends AnyConfig>(state: unknown): state is ApprovalState<S, C> =>
  typeof state === 'object' && state !== null && 'inner' in state && 'asks' in state

const aWaiting: Check<object> = fields('a request that waits', {
  id: count,
  step: checks.either(count, none),
  request: checks.object('a growth request'),
  reason: checks.text,
  decision: checks.either(aDecision, none),
})
const anApprovalState: Check<object> = fields('a state on approval', {
  inner: checks.anything,
  asks: checks.boolean,
  waiting: checks.either(aWaiting, none),
  asked: count,
  refusedAt: checks.either(count, none),
})
