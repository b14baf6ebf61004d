/** Trust by where a text comes from. */
import { checkOptions, checks } from '@burgeon/tensor'
import { ownSource } from '../stream/origin.ts'
import type { Guard } from './guard.ts'

/** Which sources are trusted, and how far. */
export interface ProvenanceOptions {
  /**
   * Trust in sources by their names, from 0 to 1 each. A name that ends with `*` stands for all that begin
   * so; the longest that fits counts. None unless given.
   */
  readonly sources?: Readonly<Record<string, number>>
  /**
   * Trust in every other source, from 0 to 1, or what becomes of its texts: `quarantine` or `refuse`.
   * Default 0.2.
   */
  readonly unknown?: number | 'quarantine' | 'refuse'
}

const share = checks.number({ from: 0, to: 1 })
const unknownReason = 'unknown source'

/**
 * Trusts texts as far as their source is known. What a model wrote itself has the source `self` and is not
 * judged here. An attack takes a number of documents, not a share of the stream (Souly et al. 2025, arXiv
 * 2510.07192): what an unknown source gives is learnt slowly, and no lie of its own about its name helps as
 * long as the name comes from the way in.
 *
 * @throws OptionError for a trust outside 0 to 1, or options that do not exist.
 * @example
 * ```ts
 * const guard = provenance({ sources: { 'nats://localhost/*': 1, mail: 0.5 }, unknown: 0.2 })
 * ```
 */
export function provenance(options: ProvenanceOptions = {}): Guard {
  checkOptions('provenance', options, {
    sources: checks.record('trust by source', share),
    unknown: checks.either(share, checks.oneOf('quarantine', 'refuse')),
  })
  const { sources = {}, unknown = 0.2 } = options
  const exact = new Map(Object.entries(sources))
  const prefixes = [...exact]
    .flatMap(([name, trust]) => (name.endsWith('*') ? [[name.slice(0, -1), trust] as const] : []))
    .toSorted(([a], [b]) => b.length - a.length)
  const trustIn = (source: string): number | undefined =>
    exact.get(source) ?? prefixes.find(([start]) => source.startsWith(start))?.[1]
  return {
    name: 'provenance',
    reasons: [unknownReason],
    admit({ source }) {
      const known = trustIn(source) ?? (source === ownSource ? 1 : unknown)
      if (typeof known === 'string') return { verdict: known, reasons: [unknownReason] }
      return { verdict: 'learn', trust: known }
    },
  }
}
