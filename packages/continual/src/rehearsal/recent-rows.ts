/** The latest rows of a stream: what importance is judged by where nothing is rehearsed. */
import { type Check, checkState, checks, optional, StateError, type StateChecks } from '@burgeon/tensor'
import { count, none, savedNumbers, savedTokens } from '../saved-state.ts'
import type { Batch } from '../stream/batch.ts'
import { batchFromRows, isTokenRow, recoded, type Row, rowAt } from '../stream/row.ts'
import type { Rehearsal } from './rehearsal.ts'
import { originsIn, type SavedOrigins, savedOrigins } from '../stream/saved-origins.ts'

interface State {
  /** Tokens; or the inputs of an example, and then its targets. */
  readonly rows: readonly (Int32Array | Float32Array)[]
  readonly domains: readonly string[]
  /** How many numbers of a row are inputs, where the rows are examples. */
  readonly inputs?: number
  /** None of rows whose origin nobody said, and in states of earlier versions. */
  readonly origins?: SavedOrigins
  /** Weights of each row's predictions, none where all are 1. Left out where no row has any. */
  readonly weights?: readonly (Float32Array | null)[]
}

const stateChecks: StateChecks<State> = {
  rows: checks.list('a list of rows', checks.either(savedTokens, savedNumbers)) as StateChecks<State>['rows'],
  domains: checks.list('a list of names', checks.text),
  inputs: optional(count),
  origins: optional(checks.object<SavedOrigins>('origins of the rows')),
  weights: optional(checks.list('weights of each row, or null', checks.either(savedNumbers, none))) as Check<
    State['weights']
  >,
}

/** Numbers of a row that a model reads, and one more where they are tokens. */
const sizeOf = (row: Row): number => (isTokenRow(row) ? row.tokens : row.inputs).length

/**
 * Remembers the last rows and rehearses none of them.
 *
 * @param capacity Rows kept, ≥ 1.
 */
export function recentRows(capacity: number): Rehearsal {
  let kept: Row[] = []
  return {
    name: `the latest ${capacity} rows`,
    recall: () => null,
    remember({ fresh }) {
      const added = fresh.domains.map((_, i) => rowAt(fresh, i))
      kept = [...kept, ...added].slice(-capacity)
    },
    sample(count): Batch | null {
      const latest = kept.slice(-count)
      const longest = Math.max(0, ...latest.map(sizeOf))
      // Rows of another length are of a context that has grown since.
      const same = latest.filter((row) => sizeOf(row) === longest)
      return same.length === 0 ? null : batchFromRows(same)
    },
    recode(encoded) {
      kept = kept.map((row) => recoded(row, encoded))
    },
    forget(isMeant) {
      const before = kept.length
      kept = kept.filter(({ origin }) => origin === null || !isMeant(origin))
      return before - kept.length
    },
    toState(): State {
      const domains = kept.map(({ domain }) => domain)
      const example = kept.find((row) => !isTokenRow(row))
      const rows = kept.map((row) =>
        isTokenRow(row) ? row.tokens : Float32Array.of(...row.inputs, ...row.targets),
      )
      const origins = savedOrigins(kept.map(({ origin }) => origin))
      const isWeighted = kept.some(({ weights }) => weights !== undefined)
      return {
        ...{ rows, domains, ...(example && { inputs: sizeOf(example) }), ...origins },
        ...(isWeighted && { weights: kept.map(({ weights = null }) => weights) }),
      }
    },
    restore(state) {
      const saved = checkState<State>('recent rows', state, stateChecks)
      const { rows, domains, inputs, weights = domains.map(() => null) } = saved
      const areTokens = inputs === undefined
      if (
        rows.length !== domains.length ||
        weights.length !== rows.length ||
        !rows.every((row, i) => {
          const predictions = weights[i]?.length ?? (areTokens ? row.length - 1 : 1)
          return areTokens
            ? savedTokens.accepts(row) && predictions === row.length - 1
            : row.length > inputs && predictions === 1
        })
      ) {
        throw new StateError(
          'recent rows: the saved state is damaged; expected as many rows as domains, and a weight for each prediction.',
        )
      }
      const origins = originsIn(saved.origins, domains)
      const all = rows.map((row, i): Row => {
        const own = weights[i]
        const source = {
          ...{ domain: domains[i], origin: origins[i] },
          ...(own && { weights: Float32Array.from(own) }),
        }
        if (areTokens) return { tokens: Int32Array.from(row), ...source }
        const numbers = Float32Array.from(row)
        return { inputs: numbers.slice(0, inputs), targets: numbers.slice(inputs), ...source }
      })
      kept = all.slice(-capacity)
    },
  }
}
