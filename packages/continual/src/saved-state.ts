/**
 * Checks on saved states, so that a wrong or damaged file fails where it is read and not many steps later.
 */
import { type Check, checks, shown, StateError } from '@burgeon/tensor'

/** A whole number of whatever was counted. */
export const count: Check<number> = checks.count

/** Nothing, where there may be nothing yet. */
export const none: Check<null> = { expected: 'null', accepts: (value): value is null => value === null }

/** Data as a file can hold it. */
export const plainData: Check<unknown> = {
  expected: 'plain data without functions, objects of classes and cycles',
  accepts: (value): value is unknown => isPlain(value, new Set()),
}

/** Depth beyond which data is refused: looking at it would overflow the stack. */
const deepest = 256

function isPlain(value: unknown, above: Set<object>): boolean {
  if (typeof value !== 'object') return !['function', 'symbol', 'bigint'].includes(typeof value)
  if (value === null || ArrayBuffer.isView(value)) return true
  const prototype = Object.getPrototypeOf(value) as object | null
  const isSimple = Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null
  if (!isSimple || above.has(value) || above.size === deepest) return false
  above.add(value)
  const isAll = Object.values(value).every((inner) => isPlain(inner, above))
  above.delete(value)
  return isAll
}

/** Tokens, with padding where a row is shorter, in a typed array. */
export const savedTokens: Check<Int32Array> = checks.each(
  'tokens',
  checks.integer({ from: -1, to: 2 ** 31 - 1 }),
) as Check<Int32Array>

/** Finite numbers, in an array or a typed array. */
export const savedNumbers: Check<ArrayLike<number>> = checks.each('finite numbers', checks.number())

/** Values by name in the order in which they came, as a `Map` has them. */
export function entriesOf<T>(what: string, item: Check<T>): Check<readonly (readonly [string, T])[]> {
  return {
    expected: what,
    accepts: (value): value is readonly (readonly [string, T])[] =>
      Array.isArray(value) &&
      value.every((entry) => Array.isArray(entry) && checks.text.accepts(entry[0]) && item.accepts(entry[1])),
  }
}

/** The state itself once its `kind` is right. Throws a `StateError` otherwise. */
export function stateOfKind<State extends { readonly kind: string }>(
  state: unknown,
  kind: State['kind'],
): State {
  const found = kindOf(state)
  if (found === kind) return state as State
  throw new StateError(
    `${kind}: got a state of kind ${shown(found)}; expected '${kind}'. Restore it with its own class.`,
  )
}

/** The `kind` field of a state, `undefined` where there is none. */
function kindOf(state: unknown): unknown {
  return typeof state === 'object' && state !== null ? (state as { kind?: unknown }).kind : undefined
}

/**
 * Throws a `StateError` that names the first field that is not a finite number; JSON turns NaN and ∞ into
 * null.
 */
export function requireFinite(kind: string, saved: object, fields: readonly string[]): void {
  for (const field of fields) {
    const value = (saved as Readonly<Record<string, unknown>>)[field]
    if (!Number.isFinite(value)) {
      throw new StateError(
        `${kind}: the saved ${field} is ${shown(value)}; expected a finite number. The file is damaged or of another version.`,
      )
    }
  }
}

/**
 * Throws a `StateError` unless a state was saved under these options: with others it would not go on as it
 * was.
 */
export function requireSameOptions(kind: string, own: object, saved: object | undefined): void {
  for (const [option, value] of Object.entries(own)) {
    const found = (saved as Readonly<Record<string, unknown>> | undefined)?.[option]
    if (found !== value) {
      throw new StateError(
        `${kind}: the state was saved with ${option} ${shown(found)}; this one has ${shown(value)}. ` +
          'Build it with the saved options, or start it afresh.',
      )
    }
  }
}
