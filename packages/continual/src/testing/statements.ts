/** Makes statements of a contract: each is tried, and what it throws counts as broken. */
import { shown } from '@burgeon/tensor'
import type { CheckResult } from './check-result.ts'

/** What a part promises, and how that is seen: null where it holds, else what is wrong. */
export type Promised = readonly [promise: string, complaint: () => string | null]

/** The statements about a part of this name. */
export function statements(name: string, promises: readonly Promised[]): CheckResult[] {
  return promises.map(([promise, complaint]) => {
    const detail = attempted(complaint)
    return { statement: `${name} ${promise}`, holds: detail === null, detail: detail ?? 'as stated' }
  })
}

function attempted(complaint: () => string | null): string | null {
  try {
    return complaint()
  } catch (error) {
    return said(error)
  }
}

/** The complaint of a promise that is tried before the statements are made; what it throws counts as one. */
export async function complaintOf(tried: () => Promise<string | null>): Promise<string | null> {
  try {
    return await tried()
  } catch (error) {
    return said(error)
  }
}

const said = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : `it threw ${shown(error)}`

/** States that no part can have given. */
export const noStates: readonly unknown[] = [null, undefined, 3, 'text', [], {}, { kind: 'another part' }]

/** A state as a checkpoint gives it back: a copy of everything. */
export const copied = (state: unknown): unknown => structuredClone(state)

/** Whether two states hold the same, number by number. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const [keys, others] = [Object.keys(a), Object.keys(b)]
  return (
    keys.length === others.length && keys.every((key) => isSame(Reflect.get(a, key), Reflect.get(b, key)))
  )
}

/**
 * Which of `noStates` a part takes, or is changed by; null if it refuses all of them with an error and stays as it was.
 *
 * @param restore Gives the part a state.
 * @param toState Its state now.
 */
export function takenStates(restore: (state: unknown) => void, toState: () => unknown): string | null {
  const before = copied(toState())
  for (const state of noStates) {
    try {
      restore(state)
      return `it took ${shown(state)}`
    } catch (error) {
      if (!(error instanceof Error)) return `for ${shown(state)} it threw ${shown(error)}`
    }
    if (!isSame(toState(), before)) return `it refused ${shown(state)} and was changed`
  }
  return null
}
