/** Origins of kept rows as a state holds them: a column for each field, and every source named once. */
import { type Check, checks, StateError, type StateChecks, checkState } from '@burgeon/tensor'
import { count } from '../saved-state.ts'
import { type Origin, type Origins, withOrigins } from './origin.ts'

/** Plain data. All arrays are of as many entries as there are rows. */
export interface SavedOrigins {
  /** Names of the sources, each once. */
  readonly sources: readonly string[]
  /** Place in `sources`; −1 for a row that has no origin. */
  readonly sourceOf: Int32Array
  readonly ids: Float64Array
  readonly at: Float64Array
  readonly trust: Float64Array
}

const counts = checks.each('a list of counts', count) as Check<Float64Array>

const stateChecks: StateChecks<SavedOrigins> = {
  sources: checks.list('a list of names', checks.text),
  sourceOf: checks.each('places of sources', checks.integer({ from: -1 })) as Check<Int32Array>,
  ids: counts,
  at: counts,
  trust: checks.each('shares', checks.number({ from: 0, to: 1 })) as Check<Float64Array>,
}

/** What a state says of origins: nothing where none is known, as states of earlier versions do. */
export function savedOrigins(origins: Origins): { readonly origins?: SavedOrigins } {
  if (withOrigins(origins).origins === undefined) return {}
  const sources = [...new Set(origins.flatMap((origin) => origin?.source ?? []))]
  const places = new Map(sources.map((source, place) => [source, place]))
  const column = (valueOf: (origin: Origin) => number): Float64Array =>
    Float64Array.from(origins, (origin) => (origin === null ? 0 : valueOf(origin)))
  return {
    origins: {
      sources,
      sourceOf: Int32Array.from(origins, (origin) =>
        origin === null ? -1 : (places.get(origin.source) ?? -1),
      ),
      ids: column(({ id }) => id),
      at: column(({ at }) => at),
      trust: column(({ trust }) => trust),
    },
  }
}

/**
 * The origins again, one for each row.
 *
 * @param saved As `savedOrigins` gave them; undefined for none.
 * @param domains Of the rows.
 * @throws StateError unless there is one for each row.
 */
export function originsIn(saved: unknown, domains: readonly string[]): Origins {
  if (saved === undefined) return domains.map(() => null)
  const { sources, sourceOf, ids, at, trust } = checkState<SavedOrigins>('origins', saved, stateChecks)
  const columns = [sourceOf, ids, at, trust]
  if (columns.some(({ length }) => length !== domains.length)) {
    const lengths = columns.map(({ length }) => length).join(', ')
    throw new StateError(
      `origins: the saved state has ${lengths} of ${domains.length} rows; expected one for each. The file is damaged.`,
    )
  }
  return domains.map((domain, row) => {
    const place = sourceOf[row]
    if (place < 0) return null
    if (place >= sources.length) {
      throw new StateError(
        `origins: the saved state names source ${place} of ${sources.length}; expected one that is there. The file is damaged.`,
      )
    }
    return { id: ids[row], source: sources[place], domain, at: at[row], trust: trust[row] }
  })
}
