/** States of a reservoir replay as 0.1 saved them: rows that are not packed, and no losses. */
import { checks, checkState, optional, type RandomState, type StateChecks, StateError } from '@burgeon/tensor'
import { count, savedTokens } from '../../saved-state.ts'
import { trimmed } from '../../stream/batch.ts'
import { Reservoir } from '../memory/reservoir.ts'
import { packTokens } from './packed-tokens.ts'
import { describe } from './row-store.ts'
import { joinArrays } from '../../stream/join-arrays.ts'

interface FirstForm {
  readonly reservoir: unknown
  readonly random: RandomState
  /** None in the earliest states. */
  readonly owed?: number
  readonly length: number
  /** All kept rows one after another, the shorter ones padded to `length`. */
  readonly tokens: Int32Array
  readonly domains: readonly string[]
}

const stateChecks: StateChecks<FirstForm> = {
  reservoir: checks.object('the state of a reservoir'),
  random: checks.object('the state of a random stream'),
  owed: optional(checks.number({ from: 0 })),
  length: count,
  tokens: savedTokens,
  domains: checks.list('a list of names', checks.text),
}

/** Returns a state in its present form. Throws StateError for one of the first form that is damaged. */
export function inPresentForm(state: unknown): unknown {
  return typeof state === 'object' && state !== null && 'reservoir' in state ? translated(state) : state
}

function translated(state: object): object {
  const {
    reservoir,
    random,
    owed = 0,
    length,
    tokens,
    domains,
  } = checkState<FirstForm>('replay', state, stateChecks)
  const { capacity, seen, size } = Reservoir.fromState(reservoir)
  if (domains.length !== size || tokens.length !== size * length) {
    throw new StateError(
      `replay: the saved state has ${tokens.length} tokens in rows of ${length}, ${domains.length} domains and ` +
        `${size} slots of ${capacity} in use; expected as many rows as slots. The file is damaged.`,
    )
  }
  const own = Int32Array.from(tokens)
  const rows = domains.map((_, i) => packTokens(trimmed(own.slice(i * length, (i + 1) * length))))
  return {
    ...{ kind: 'replay' as const, capacity: describe(capacity), random, owed, seen },
    memory: { kind: 'reservoir memory', seen },
    packed: joinArrays(Uint8Array, rows),
    sizes: Int32Array.from(rows, (row) => row.length),
    beside: new Uint8Array(0),
    besideSizes: new Int32Array(size),
    domains,
    // A reservoir looks at neither order nor losses.
    orders: Float64Array.from(rows.keys()),
    firstLosses: new Float64Array(size),
    losses: new Float64Array(size),
    learntAt: new Float64Array(size),
  }
}
