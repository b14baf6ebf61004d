/**
 * Checks saved states where they come in, so that a wrong or damaged one fails there and not many steps
 * later.
 */
import { StateError } from '../errors.ts'
import { shown } from './check-options.ts'
import type { Check } from './checks.ts'
import { objectWith } from './object-with.ts'

/**
 * A check for every field of a state. The check of a field that earlier versions did not save is `optional`.
 */
export type StateChecks<State extends object> = {
  readonly [Field in keyof State]-?: Check<State[Field]>
}

/** Accepts the same kind of value, or undefined. */
export function optional<T>(check: Check<T>): Check<T | undefined> {
  return {
    expected: `${check.expected}, or nothing`,
    accepts: (value): value is T | undefined => value === undefined || check.accepts(value),
  }
}

/** Accepts an object inside a state, if its fields pass. */
export function fields<State extends object>(what: string, checks: StateChecks<State>): Check<State> {
  return {
    expected: `${what} (${objectWith(Object.keys(checks))})`,
    accepts: (value): value is State => isObject(value) && wrongField(value, checks) === undefined,
  }
}

/**
 * Returns the state itself once all of its fields pass. Fields without a check are ignored: a later version
 * may have saved them.
 *
 * @param who The part that restores it, for the message.
 * @throws StateError unless the state is an object whose fields all pass.
 */
export function checkState<State extends object>(
  who: string,
  state: unknown,
  checks: StateChecks<State>,
): State {
  if (!isObject(state)) {
    const expected = objectWith(Object.keys(checks))
    throw new StateError(`${who}: got the state ${shown(state)}; expected ${expected}.`)
  }
  const wrong = wrongField(state, checks)
  if (wrong === undefined) return state as State
  throw new StateError(
    `${who}: the saved ${wrong.field} is ${shown(wrong.value)}; expected ${wrong.expected}. ` +
      'The state is damaged, of another part, or of another version.',
  )
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)

/** The first field that does not pass. */
function wrongField(
  state: object,
  checks: StateChecks<object>,
): { field: string; value: unknown; expected: string } | undefined {
  for (const [field, check] of Object.entries(checks as Readonly<Record<string, Check<unknown>>>)) {
    const value: unknown = Object.hasOwn(state, field) ? Reflect.get(state, field) : undefined
    if (!check.accepts(value)) return { field, value, expected: check.expected }
  }
  return undefined
}
