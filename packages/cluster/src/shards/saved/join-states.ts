/** States of optimizers, by what they say of each parameter: taken apart and put together for other stages. */
import { StateError } from '@burgeon/tensor'

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** The same state without the entries of objects whose keys are paths that are not wanted. */
export function stateWithin(state: unknown, isWanted: (path: string) => boolean): unknown {
  if (Array.isArray(state)) return state.map((item) => stateWithin(item, isWanted))
  if (!isPlain(state)) return state
  const kept = Object.entries(state).filter(([key]) => isWanted(key))
  return Object.fromEntries(kept.map(([key, value]) => [key, stateWithin(value, isWanted)]))
}

/**
 * Puts together what several stages say of their own parameters. What they all say (a count of steps) is to be
 * the same.
 *
 * @throws StateError where they differ.
 */
export function joinStates(states: readonly unknown[]): unknown {
  return states.reduce((all, state) => joined(all, state, 'the state'))
}

function joined(a: unknown, b: unknown, place: string): unknown {
  if (isPlain(a) && isPlain(b)) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])]
    return Object.fromEntries(
      keys.map((key) => {
        const isInBoth = Object.hasOwn(a, key) && Object.hasOwn(b, key)
        return [
          key,
          isInBoth ? joined(a[key], b[key], `${place}.${key}`) : Object.hasOwn(a, key) ? a[key] : b[key],
        ]
      }),
    )
  }
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
    return a.map((item, i) => joined(item, b[i], `${place}.${i}`))
  }
  if (isSame(a, b)) return a
  throw new StateError(
    `stages: ${place} differs between the optimizers of two stages; expected the same of both.`,
  )
}

function isSame(a: unknown, b: unknown): boolean {
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) {
    const [x, y] = [a, b].map(
      ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
    )
    return x.length === y.length && x.every((byte, i) => byte === y[i])
  }
  return Object.is(a, b)
}
