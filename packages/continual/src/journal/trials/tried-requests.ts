/** Requests for growth that were tried, and what came of them. Plain data. */
import type { GrowthRequest } from '@burgeon/gpt/growth'
import type { HiddenRequest } from '../../model/hidden-request.ts'
import type { TrialOutcome } from './trial-outcome.ts'

/** A trial of growth. */
export interface TriedRequests {
  /** The step in which the policy asked. */
  readonly asked: number
  readonly candidates: Readonly<Record<string, GrowthRequest | HiddenRequest>>
  readonly outcome: TrialOutcome
}
