/**
 * Separates a state into JSON and tensors, and joins them again, so that both can be stored in standard
 * formats.
 */
import { type NumericArray, type PlainTensor, shown, StateError } from '@burgeon/tensor'

/** Typed arrays that a state may hold. */
export type StateArray = NumericArray | Uint8Array | Uint32Array

export interface SeparatedState {
  readonly json: unknown
  /** By their place in the state: `moments.first.embed.token.weight`. */
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: StateArray }>
}

const kinds = [Float32Array, Float64Array, Int32Array, Uint8Array, Uint32Array]
const isStateArray = (value: unknown): value is StateArray => kinds.some((kind) => value instanceof kind)

/**
 * Takes the tensors out of a state.
 *
 * A state is made of null, booleans, strings, numbers (also non-finite ones), arrays, plain objects, typed
 * arrays and `{ shape, data }` tensors. Everything else throws StateError with its place: what cannot be
 * stored must not be lost silently.
 */
export function separate(state: unknown): SeparatedState {
  const tensors = new Map<string, { shape: readonly number[]; data: StateArray }>()
  const take = (place: string, tensor: { shape: readonly number[]; data: StateArray }): string => {
    if (tensors.has(place)) {
      throw new StateError(`state: two tensors would be stored as ${place}. Use keys without full stops.`)
    }
    tensors.set(place, tensor)
    return place
  }
  const visit = (value: unknown, place: string): unknown => {
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
    if (typeof value === 'number') return encodeNumber(value)
    if (isStateArray(value)) return { $array: take(place, { shape: [value.length], data: value }) }
    if (Array.isArray(value)) return value.map((item, i) => visit(item, join(place, String(i))))
    if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
      if (isPlainTensor(value)) return { $tensor: take(place, { shape: value.shape, data: value.data }) }
      const entries = Object.entries(value).filter(([, item]) => item !== undefined)
      return Object.fromEntries(
        entries.map(([key, item]) => [checkKey(key, place), visit(item, join(place, key))]),
      )
    }
    throw new StateError(
      `state: ${place || 'the top'} is a ${describe(value)}; expected plain data or typed arrays.`,
    )
  }
  return { json: visit(state, ''), tensors }
}

/**
 * Puts the tensors back where `separate` took them from, or their names. Throws StateError if one is missing.
 *
 * @param tensors `names`: no tensors are put back, and their places in the state stand where they would be.
 */
export function rejoin({
  json,
  tensors,
}: Omit<SeparatedState, 'tensors'> & { tensors: SeparatedState['tensors'] | 'names' }): unknown {
  const take = (place: unknown): { shape: readonly number[]; data: StateArray } => {
    const found = typeof place === 'string' && tensors !== 'names' ? tensors.get(place) : undefined
    if (found === undefined)
      throw new StateError(`state: the tensor ${shown(place)} is missing from its file.`)
    return found
  }
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit)
    if (typeof value !== 'object' || value === null) return value
    if (tensors === 'names' && isReference(value)) return Object.values(value)[0]
    if (Object.hasOwn(value, '$array')) return take((value as { $array: unknown }).$array).data
    if (Object.hasOwn(value, '$tensor')) return { ...take((value as { $tensor: unknown }).$tensor) }
    if (Object.hasOwn(value, '$number')) return Number((value as { $number: unknown }).$number)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, visit(item)]))
  }
  return visit(json)
}

const isReference = (value: object): boolean =>
  Object.hasOwn(value, '$array') || Object.hasOwn(value, '$tensor')

/** JSON has no word for these numbers, and detectors and schedules do hold them. */
function encodeNumber(value: number): unknown {
  return Number.isFinite(value) && !Object.is(value, -0)
    ? value
    : { $number: Object.is(value, -0) ? '-0' : `${value}` }
}

function isPlainTensor(value: object): value is PlainTensor {
  const { shape, data, ...rest } = value as Partial<PlainTensor>
  return Array.isArray(shape) && isStateArray(data) && Object.keys(rest).length === 0
}

function checkKey(key: string, place: string): string {
  if (key.startsWith('$') || key === '__proto__' || key === '__metadata__') {
    throw new StateError(`state: ${place || 'the top'} has the key ${key}; keys of that form are reserved.`)
  }
  return key
}

const join = (place: string, key: string): string => (place === '' ? key : `${place}.${key}`)

function describe(value: unknown): string {
  return typeof value === 'object' ? (value?.constructor?.name ?? 'object') : typeof value
}
