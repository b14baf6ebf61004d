/** How a model that is served grows: what it became, what it may become, what waits for somebody. Plain data. */
import type { GrowthRequest } from '@burgeon/gpt/growth'
import type { LifeEvent } from './served-life.ts'
import type { Turn } from '../turns.ts'

/** Cost of a model of some size. */
export interface SizeCost {
  readonly parameters: number
  /** Floating-point operations for a token, at full context. */
  readonly flopsPerToken: { readonly forward: number; readonly training: number }
  readonly weightBytes: number
  /** Bytes of state beside the weights that grows with them. */
  readonly stateBytes: number
}

/** What a request would lead to. */
export interface GrowthPlan {
  readonly before: SizeCost
  readonly after: SizeCost
  /** Whether the budget forbids it. */
  readonly isRefused: boolean
}

/** A request that waits: for somebody, or, once approved, for the next step. */
export interface WaitingRequest {
  readonly id: number
  /** Steps learnt when it was asked for; null of one by hand. */
  readonly step: number | null
  readonly request: GrowthRequest
  readonly reason: string
  readonly decision: 'approve' | 'refuse' | null
}

/** What became of a request. */
export interface GrowthOutcome {
  readonly id: number
  /** Events of the step that carried it out; null where there was nothing to learn, and the next step does it. */
  readonly events: readonly LifeEvent[] | null
  /** Whether it is on disk. */
  readonly saved: boolean
}

/** Growth of a model, for those who may watch it and those who may decide. */
export interface ServedGrowth {
  /** Most that it may come to; null where there is no limit. */
  readonly budget: {
    readonly parameters: number | null
    readonly flopsPerToken: number | null
    readonly bytes: number | null
  }
  /** Whether what its policy asks for waits. */
  asks(): boolean
  /** Every growth from the beginning. */
  log(): readonly {
    readonly summary: string
    readonly parametersBefore: number
    readonly parametersAfter: number
    readonly isTakenBack: boolean
  }[]
  waiting(): WaitingRequest | null
  /** Throws a BurgeonError for a request that cannot be. */
  plan(request: GrowthRequest): GrowthPlan
  /**
   * Grows with a step of what the model remembers, or else with the next that is learnt.
   *
   * @throws BurgeonError for a request that cannot be, or while another waits.
   */
  grow(request: GrowthRequest, reason: string, turn: Turn): Promise<GrowthOutcome>
  /** The same of a request that waits. Throws a BurgeonError where none of that number does, or it is decided. */
  decide(id: number, decision: 'approve' | 'refuse', turn: Turn): Promise<GrowthOutcome>
}
