/** Growth that is tried before it stands: what is tried, and what is to be carried out in a trial. */
import type { GptConfig } from '@burgeon/gpt'
import { type Check, checks, fields, OptionError } from '@burgeon/tensor'
import type { TrialOutcome } from '../journal/trials/trial-outcome.ts'
import { count, none } from '../saved-state.ts'
import type { AnyConfig, AnyRequest, RequestTo } from './price-in.ts'

/** How the requests of a policy are tried. Pure functions, as the policy's own. */
export interface GrowthTrial<C extends AnyConfig = GptConfig> {
  /** Steps of each, ≥ 1. */
  readonly steps: number
  /** Whether models are judged by the mean of their weights over the last half of these steps. */
  readonly isAveraged: boolean
  /** The requests to be tried, by name, in the place of the one that was made. */
  candidates(request: RequestTo<C>, config: C): Readonly<Record<string, RequestTo<C>>>
  /** The name of the candidate that stands, or that of the first arm: nothing grows. */
  decide(outcome: TrialOutcome): { readonly goesOn: string; readonly reason: string }
}

/** The arm in which nothing grows. */
export const asItIs = 'as it is'

/** Requests that wait for a trial, or are in one. Plain data. */
export interface TriedGrowth {
  /** The step in which the policy asked. */
  readonly asked: number
  readonly reason: string
  readonly candidates: Readonly<Record<string, AnyRequest>>
  /** The arm that is lived; null before the trial begins. */
  readonly arm: string | null
  /** Whether its request has been carried out. */
  readonly isDone: boolean
}

/** Check of a saved one. */
export const aTriedGrowth: Check<TriedGrowth> = fields<TriedGrowth>('growth that is tried', {
  asked: count,
  reason: checks.text,
  candidates: checks.record('requests by name', checks.role<AnyRequest>('a request', 'kind')),
  arm: checks.either(checks.text, none),
  isDone: checks.boolean,
})

/** The request that is due in the next step of an arm; null where there is none. */
export function requestDue({ candidates, arm, isDone }: TriedGrowth): AnyRequest | null {
  return arm === null || isDone || !Object.hasOwn(candidates, arm) ? null : candidates[arm]
}

/** Throws OptionError for a policy whose requests would be carried out untried. */
export function requireUntried(
  who: string,
  policy: { readonly name: string; readonly trial?: unknown },
): void {
  if (policy.trial === undefined) return
  throw new OptionError(
    `${who}: got "${policy.name}", which would not be tried in here; expected it outside, as growByTrial({ when: … }).`,
  )
}
