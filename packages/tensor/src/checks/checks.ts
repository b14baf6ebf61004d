/** Checks of options and arguments. A check reads like its range: `number({ from: 0, below: 1 })`. */
import type { Device } from '../device.ts'
import type { DType } from '../dtype.ts'
import type { Shape } from '../shape.ts'
import { Tensor } from '../tensor.ts'
import { objectWith } from './object-with.ts'

/** One kind of value, and the words for it. */
export interface Check<T> {
  /** Completes the sentence "expected …". */
  readonly expected: string
  /** Whether the value is of that kind; it may be anything. */
  readonly accepts: (value: unknown) => value is T
  /** Whether an option must be given. */
  readonly isRequired?: true
}

/** A check of an option that must be given. */
export interface RequiredCheck<T> extends Check<T> {
  readonly isRequired: true
}

/** Bounds of a number. Default: no bound. */
export interface Range {
  readonly from?: number
  /** Exclusive. */
  readonly above?: number
  readonly to?: number
  /** Exclusive. */
  readonly below?: number
  /** Whether ±∞ is accepted where no bound forbids it. Default false. NaN never is. */
  readonly infinite?: true
}

const make = <T>(expected: string, accepts: (value: unknown) => boolean): Check<T> => ({
  expected,
  accepts: accepts as Check<T>['accepts'],
})

/** Accepts the same kind of value, for an option that must be given. */
export const required = <T>(check: Check<T>): RequiredCheck<T> => ({ ...check, isRequired: true })

/** Accepts a number in a range; finite unless `infinite` is set. */
export function number(range: Range = {}): Check<number> {
  const finite = range.infinite ? 'number' : 'finite number'
  const isUpwards = range.from === undefined && range.above === 0
  const noun = isUpwards && range.to === undefined && range.below === undefined ? 'positive number' : finite
  const bounds = noun === 'positive number' ? '' : boundsOf(range)
  return make(`a ${bounds === '' ? noun : 'number'}${bounds}`, (value) => {
    if (typeof value !== 'number' || Number.isNaN(value)) return false
    return (range.infinite === true || Number.isFinite(value)) && isWithin(value, range)
  })
}

/** Accepts a whole number in a range, small enough to be exact. */
export function integer(range: Pick<Range, 'from' | 'to' | 'infinite'> = {}): Check<number> {
  const isPositive = range.from === 1 && range.to === undefined
  const expected = isPositive ? 'a positive integer' : `an integer${boundsOf(range)}`
  return make(`${expected}${range.infinite ? ' or Infinity' : ''}`, (value) => {
    const isWhole = Number.isSafeInteger(value) || (range.infinite === true && value === Infinity)
    return isWhole && isWithin(value as number, range)
  })
}

/** Accepts any number, NaN and infinities included, as data may hold. */
export const anyNumber: Check<number> = make('a number', (value) => typeof value === 'number')

/** Accepts the seed of a random stream: an integer from 0 to 2⁵³ − 1. */
export const seed: Check<number> = integer({ from: 0 })

/** Accepts true or false. */
export const boolean: Check<boolean> = make('true or false', (value) => typeof value === 'boolean')

/** Accepts a string of any length. */
export const text: Check<string> = make('a string', (value) => typeof value === 'string')

/** Accepts a function; its results are checked when it is called. */
export function callback<F extends (...args: never[]) => unknown>(expected: string = 'a function'): Check<F> {
  return make(expected, (value) => typeof value === 'function')
}

/** Accepts one of some words. */
export function oneOf<const T extends string>(...words: readonly T[]): Check<T> {
  const quoted = words.map((word) => `'${word}'`)
  const expected = quoted.length === 1 ? quoted[0] : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`
  return make(expected, (value) => (words as readonly unknown[]).includes(value))
}

/** Accepts how many of something there are: an integer ≥ 0. */
export const count: Check<number> = integer({ from: 0 })

/** Accepts an object of a class. */
export function instance<T>(what: string, type: { readonly prototype: T }): Check<T> {
  return make(what, (value) => value instanceof (type as unknown as new () => unknown))
}

/** Accepts an object that plays a role: it has all these members. */
export function role<T extends object>(what: string, ...members: readonly (keyof T)[]): Check<T> {
  return make(`${what} (${objectWith(members.map(String))})`, (value) => {
    const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
    return isObject && members.every((member) => member in value)
  })
}

/** Accepts a list of anything. */
export function array(what: string): Check<readonly unknown[]> {
  return make(what, (value) => Array.isArray(value))
}

/** Accepts a list whose items all pass. */
export function list<T>(what: string, item: Check<T>): Check<readonly T[]> {
  return make(what, (value) => Array.isArray(value) && value.every((each) => item.accepts(each)))
}

/** Accepts numbers in an array or a typed array. */
export const numbers: Check<ArrayLike<number>> = make('an array of numbers', (value) => {
  if (ArrayBuffer.isView(value)) return !(value instanceof DataView || isOfBigInts(value))
  return Array.isArray(value) && value.every((each) => typeof each === 'number')
})

/** Accepts an array of two of one kind. */
export function pair<T>(what: string, item: Check<T>): Check<readonly [T, T]> {
  return make(what, (value) => Array.isArray(value) && value.length === 2 && value.every(item.accepts))
}

/** Accepts numbers in an array or a typed array, each of which passes. */
export function each(what: string, item: Check<number>): Check<ArrayLike<number>> {
  return make(what, (value) => {
    if (!numbers.accepts(value)) return false
    for (let i = 0; i < value.length; i++) if (!item.accepts(value[i])) return false
    return true
  })
}

/** Accepts token ids in an array or a typed array. */
export const tokens: Check<ArrayLike<number>> = each(
  'an array of tokens (integers ≥ 0)',
  integer({ from: 0 }),
)

/** Accepts a plain or other object; its members are not checked. */
export function object<T extends object>(what: string): Check<T> {
  return make(what, (value) => typeof value === 'object' && value !== null && !Array.isArray(value))
}

/** Accepts an object whose values are all of one kind. */
export function record<T>(what: string, item: Check<T>): Check<Readonly<Record<string, T>>> {
  return make(what, (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
    return !ArrayBuffer.isView(value) && Object.values(value).every((each) => item.accepts(each))
  })
}

/** Accepts either of two kinds. */
export function either<A, B>(a: Check<A>, b: Check<B>): Check<A | B> {
  return make(`${a.expected}, or ${b.expected}`, (value) => a.accepts(value) || b.accepts(value))
}

/** Accepts anything: the code that uses the value checks it. */
export const anything: Check<unknown> = make('anything', () => true)

/** Accepts a tensor. */
export const tensor: Check<Tensor> = instance('a tensor', Tensor)

/** Accepts a list of tensors. */
export const tensors: Check<readonly Tensor[]> = list('a list of tensors', tensor)

/** Accepts tensors by path. */
export const tensorsByPath: Check<Readonly<Record<string, Tensor>>> = record('tensors by path', tensor)

/** Accepts an array of numbers that should be whole; the op checks how they fit a tensor. */
export const integers: Check<readonly number[]> = list('a list of integers', anyNumber)

/** Accepts a device, known by its members: the class itself depends on all ops. */
export const device: Check<Device> = role<Device>('a Device', 'name', 'tensor', 'run')

/** Accepts the shape of a tensor. */
export const shape: Check<Shape> = list('a shape: a list of integers ≥ 0', integer({ from: 0 }))

/** Accepts a key of a random stream: two 32-bit words. */
export const key: Check<readonly [number, number]> = pair(
  'a key: two integers from 0 to 2³² − 1',
  integer({ from: 0, to: 2 ** 32 - 1 }),
)

/** Accepts an element type. */
export const dtype: Check<DType> = oneOf('f32', 'i32')

function isWithin(value: number, { from, above, to, below }: Range): boolean {
  return (
    (from === undefined || value >= from) &&
    (above === undefined || value > above) &&
    (to === undefined || value <= to) &&
    (below === undefined || value < below)
  )
}

/** Formats a range for messages: ` in [0, 1)`, ` ≥ 0`, or nothing. */
function boundsOf({ from, above, to, below }: Range): string {
  const [low, high] = [from ?? above, to ?? below]
  if (low !== undefined && high !== undefined) {
    return ` in ${from === undefined ? '(' : '['}${low}, ${high}${to === undefined ? ')' : ']'}`
  }
  if (low !== undefined) return from === undefined ? ` > ${low}` : ` ≥ ${low}`
  if (high !== undefined) return to === undefined ? ` < ${high}` : ` ≤ ${high}`
  return ''
}

const isOfBigInts = (value: ArrayBufferView): boolean =>
  value instanceof BigInt64Array || value instanceof BigUint64Array
