/** Makes statements of a contract: each is tried, and one that throws counts as broken. */
import { checkArgument, shown } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import type { CheckResult } from './check-result.ts'

/** A promise of a part, and its test: null where it holds, else what is wrong. */
export type Promised = readonly [promise: string, complaint: () => string | null]

/**
 * Checks the promises of a part of this name, for contract suites.
 *
 * @throws OptionError unless the name is a string and the promises are a list with a function each.
 * @example
 * ```ts
 * const results = statements('my part', [['says its name', () => null]])
 * assert(results.every(({ holds }) => holds))
 * ```
 */
export function statements(name: string, promises: readonly Promised[]): CheckResult[] {
  checkArgument('statements', 'name', name, checks.text)
  checkArgument('statements', 'promises', promises, somePromises)
  return promises.map(([promise, complaint]) => {
    const detail = attempt(complaint)
    return { statement: `${name} ${promise}`, holds: detail === null, detail: detail ?? 'as stated' }
  })
}

const somePromises = checks.list<Promised>('a list of promises, each a text and a function', {
  expected: 'a text and a function',
  accepts: (value): value is Promised =>
    Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'function',
})

function attempt(complaint: () => string | null): string | null {
  try {
    return complaint()
  } catch (error) {
    return said(error)
  }
}

/**
 * Returns the complaint of a promise that is tried before the statements are made; an error counts as a
 * complaint.
 *
 * @throws OptionError unless `tried` is a function.
 */
export async function complaintOf(tried: () => Promise<string | null>): Promise<string | null> {
  checkArgument('complaintOf', 'tried', tried, checks.callback())
  try {
    return await tried()
  } catch (error) {
    return said(error)
  }
}

const said = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : `it threw ${shown(error)}`

/** States that no part can have returned, except a part that has nothing to save. */
export const noStates: readonly unknown[] = [null, undefined, 3, 'text', [], {}, { kind: 'another part' }]

/** A state as a checkpoint returns it: a copy of everything. */
export const copied = (state: unknown): unknown => structuredClone(state)

/** Whether two states hold the same numbers. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const [keys, others] = [Object.keys(a), Object.keys(b)]
  return (
    keys.length === others.length && keys.every((key) => isSame(Reflect.get(a, key), Reflect.get(b, key)))
  )
}

/**
 * Returns which of `noStates` a part accepts, or is changed by; null if it refuses all of them with an error
 * and stays as it was.
 *
 * @param restore Gives the part a state.
 * @param toState Returns its present state.
 * @throws OptionError for arguments that are not functions.
 */
export function takenStates(restore: (state: unknown) => void, toState: () => unknown): string | null {
  checkArgument('takenStates', 'restore', restore, checks.callback())
  checkArgument('takenStates', 'toState', toState, checks.callback())
  const before = copied(toState())
  for (const state of noStates) {
    const complaint = taken(restore, state) ?? changed(state, before, toState())
    if (complaint !== null) return complaint
  }
  return null
}

/**
 * Returns the same as `takenStates`, for a part whose state is a promise.
 *
 * @param own A state of a new part, which is valid although it is one of `noStates`. Default: none.
 * @throws OptionError for arguments that are not functions.
 */
export async function takenStatesAsync(
  restore: (state: unknown) => void,
  toState: () => Promise<unknown>,
  own?: unknown,
): Promise<string | null> {
  checkArgument('takenStatesAsync', 'restore', restore, checks.callback())
  checkArgument('takenStatesAsync', 'toState', toState, checks.callback())
  const before = copied(await toState())
  for (const state of noStates.filter((each) => each === undefined || !isSame(each, own))) {
    const complaint = taken(restore, state) ?? changed(state, before, await toState())
    if (complaint !== null) return complaint
  }
  return null
}

function taken(restore: (state: unknown) => void, state: unknown): string | null {
  try {
    restore(state)
    return `it took ${shown(state)}`
  } catch (error) {
    return error instanceof Error ? null : `for ${shown(state)} it threw ${shown(error)}`
  }
}

const changed = (state: unknown, before: unknown, after: unknown): string | null =>
  isSame(after, before) ? null : `it refused ${shown(state)} and was changed`
