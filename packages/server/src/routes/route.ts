/** A route as data: the server registers nothing else, and its description is made of the same. */
import type { Context } from 'hono'
import type { z } from 'zod'
import type { Scope } from '../security/keys.ts'
import type { Services } from '../services.ts'

export interface Route {
  readonly method: 'get' | 'post'
  readonly path: string
  /** What a key must allow; `open` answers without one. */
  readonly scope: Scope | 'open'
  readonly summary: string
  /** The body that it reads. */
  readonly body?: z.ZodType
  /** What it answers, where that is more than others of its kind have. */
  readonly response?: z.ZodType
  /** Whether it changes the weights: it is refused while the life is stopped. */
  readonly changesWeights?: boolean
  /** Whether it keeps the engine busy, so that there is a bound on how many are answered at once. */
  readonly isHeavy?: boolean
  /** @param release A heavy route calls it when all is said, which may be after it has returned. */
  answer(c: Context, services: Services, release: () => void): Response | Promise<Response>
}
