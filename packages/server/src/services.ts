/** What every route works with. */
import type { Context } from 'hono'
import type { KnownAnswers } from './feedback/known-answers.ts'
import type { Lessons } from './lessons.ts'
import type { Writers } from './openai/writers.ts'
import type { Limits } from './limits.ts'
import type { LatestEvents } from './life/latest-events.ts'
import type { Metrics } from './http/metrics.ts'
import type { ServedModel } from './served/served-model.ts'
import type { Turn, Turns } from './turns.ts'
import type { WeightsVersion } from './weights-version.ts'

export interface Services {
  readonly served: ServedModel
  readonly turns: Turns
  readonly writers: Writers
  readonly version: WeightsVersion
  /** What happens, for who follows it. */
  readonly events: LatestEvents
  readonly limits: Limits
  readonly metrics: Metrics
  /** Version of the package. */
  readonly serverVersion: string
  /** Seconds since 1970. */
  readonly now: () => number
  readonly lessons: Lessons
  /** What was written lately. */
  readonly answers: KnownAnswers
  /** Whether a request may do everything: it is the owner's. */
  readonly isOwners: (c: Context) => boolean
  /** How the server stands. */
  readonly state: { inFlight: number; isDraining: boolean }
}

/** The turn of learning, for what changes the life. */
export const learning =
  ({ turns }: Pick<Services, 'turns'>): Turn =>
  (body) =>
    turns.take('learn', body)
