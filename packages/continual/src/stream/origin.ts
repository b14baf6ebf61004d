/** Origin: which experience a row is. */
import { type Check, checks } from '@burgeon/tensor'

/** Where a row came from. It goes wherever the row goes: into memories and their states, and back. */
export interface Origin {
  /** Number of the experience in its journal, or one that stands for a file; an integer from 0. */
  readonly id: number
  /** Name of the source that gave it, such as `nats://localhost/notes`, or the path of a file. */
  readonly source: string
  /** The kind of experience: always the row's entry in `domains`, which alone is kept. */
  readonly domain: string
  /** Position of the row in its stream, an integer from 0. Never a time. */
  readonly at: number
  /** How far its source is trusted, from 0 to 1. */
  readonly trust: number
}

/** Source of what a model has written itself: no experience, so never one that is held back. */
export const ownSource = 'self'

/** Origins of some rows, one for each; null for a row of which nothing is known. */
export type Origins = readonly (Origin | null)[]

const whole = checks.count
const share = checks.number({ from: 0, to: 1 })

/** An origin of a row of this domain. */
export const anOriginOf = (domain: string): Check<Origin> => ({
  expected: `null, or { id, source, domain, at, trust } of the domain ${domain}: whole numbers from 0, and a trust from 0 to 1`,
  accepts: (value): value is Origin => {
    if (typeof value !== 'object' || value === null) return false
    const { id, source, domain: own, at, trust } = value as Partial<Record<keyof Origin, unknown>>
    return (
      whole.accepts(id) &&
      checks.text.accepts(source) &&
      own === domain &&
      whole.accepts(at) &&
      share.accepts(trust)
    )
  },
})

/** What a batch says of the origins of its rows: nothing where none is known. */
export const withOrigins = (origins: Origins): { readonly origins?: Origins } =>
  origins.some((origin) => origin !== null) ? { origins } : {}

/** Origins of all rows of a batch. */
export const originsOf = (batch: { readonly rows: number; readonly origins?: Origins }): Origins =>
  batch.origins ?? new Array<null>(batch.rows).fill(null)
