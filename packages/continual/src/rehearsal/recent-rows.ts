/** The latest rows of a stream: what importance is judged by where nothing is rehearsed. */
import { checkState, checks, StateError, type StateChecks } from '@burgeon/tensor'
import { savedTokens } from '../saved-state.ts'
import { type Batch, batchOfRows, rowOf } from '../stream/batch.ts'

import type { Rehearsal } from './rehearsal.ts'

interface State {
  readonly rows: readonly Int32Array[]
  readonly domains: readonly string[]
}

const stateChecks: StateChecks<State> = {
  rows: checks.list('a list of rows', savedTokens),
  domains: checks.list('a list of names', checks.text),
}

/**
 * Remembers the last rows and rehearses none of them.
 *
 * @param capacity Rows kept, ≥ 1.
 */
export function recentRows(capacity: number): Rehearsal {
  let kept: { row: Int32Array; domain: string }[] = []
  return {
    name: `the latest ${capacity} rows`,
    recall: () => null,
    remember({ fresh }) {
      const added = fresh.domains.map((domain, i) => ({ row: rowOf(fresh, i), domain }))
      kept = [...kept, ...added].slice(-capacity)
    },
    sample(count): Batch | null {
      const latest = kept.slice(-count)
      const longest = Math.max(0, ...latest.map(({ row }) => row.length))
      // Rows of another length are of a context that has grown since.
      const same = latest.filter(({ row }) => row.length === longest)
      if (same.length === 0) return null
      return batchOfRows(
        same.map(({ row }) => row),
        same.map(({ domain }) => domain),
        longest - 1,
      )
    },
    recode(encoded) {
      kept = kept.map(({ row, domain }) => ({ row: encoded(row), domain }))
    },
    toState: (): State => ({ rows: kept.map(({ row }) => row), domains: kept.map(({ domain }) => domain) }),
    restore(state) {
      const { rows, domains } = checkState<State>('recent rows', state, stateChecks)
      if (rows.length !== domains.length) {
        throw new StateError('recent rows: the saved state is damaged; expected as many rows as domains.')
      }
      kept = rows.map((row, i) => ({ row: Int32Array.from(row), domain: domains[i] })).slice(-capacity)
    },
  }
}
