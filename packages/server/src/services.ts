/** What every route works with. */
import type { GenerationPool } from '@burgeon/gpt'
import type { WritingTogether } from './openai/together.ts'
import type { Limits } from './limits.ts'
import type { LatestEvents } from './life/latest-events.ts'
import type { Metrics } from './http/metrics.ts'
import type { ServedModel } from './served-model.ts'
import type { Turns } from './turns.ts'
import type { WeightsVersion } from './weights-version.ts'

export interface Services {
  readonly served: ServedModel
  readonly turns: Turns
  readonly pool: GenerationPool
  readonly together: WritingTogether
  readonly version: WeightsVersion
  /** What happens, for who follows it. */
  readonly events: LatestEvents
  readonly limits: Limits
  readonly metrics: Metrics
  /** Version of the package. */
  readonly serverVersion: string
  /** Seconds since 1970. */
  readonly now: () => number
  /** Lessons are learnt one after another. */
  readonly lessons: { last: Promise<unknown> }
  /** How the server stands. */
  readonly state: { inFlight: number; isDraining: boolean }
}
