import { OptionError } from './errors.ts'

/**
 * Element types. `f32` is stored in double precision on the reference device; `i32` holds indices and raw
 * bits.
 */
export type DType = 'f32' | 'i32'

/**
 * The array that reading a tensor returns: `Float64Array` for `f32` on the reference device, else the type's
 * own array.
 */
export type NumericArray = Float32Array | Float64Array | Int32Array

/** Bytes of one element on a computing device. */
export const bytesPerElement: Record<DType, number> = { f32: 4, i32: 4 }

/**
 * Throws OptionError unless `dtype` is the name of an element type; the message knows other libraries' names.
 */
export function checkDType(op: string, dtype: DType): void {
  if (dtype === 'f32' || dtype === 'i32') return
  const name = typeof (dtype as unknown) === 'string' ? dtype : inWords(dtype)
  const meant = /^(f|float|double|number)/i.test(name)
    ? 'f32'
    : /^(u?int|i|u|long|bool)/i.test(name)
      ? 'i32'
      : undefined
  const advice = meant === undefined ? '' : ` Did you mean '${meant}'?`
  throw new OptionError(`${op}: got the element type ${name} as dtype; expected 'f32' or 'i32'.${advice}`)
}

/**
 * Throws OptionError unless every element is a number and, for `i32`, an integer in [−2³¹, 2³²): a typed
 * array would silently turn any other value into another number.
 */
export function checkNumbers(op: string, data: ArrayLike<number>, dtype: DType, source = ''): void {
  if (isTyped(data) && (dtype === 'f32' || !(data instanceof Float32Array || data instanceof Float64Array)))
    return
  const isGood = dtype === 'i32' ? isInt32 : isNumber
  for (let i = 0; i < data.length; i++) {
    if (isGood(data[i])) continue
    const expected = dtype === 'i32' ? 'integers from −2^31 to 2^32 − 1' : 'numbers'
    throw new OptionError(`${op}: got ${inWords(data[i])} at index ${i}${source}; expected ${expected}.`)
  }
}

const isNumber = (x: unknown): boolean => typeof x === 'number'
/** Whether x fits 32 bits, as a signed number or as unsigned bits. */
const isInt32 = (x: unknown): boolean =>
  Number.isInteger(x) && (x as number) >= -(2 ** 31) && (x as number) < 2 ** 32

/** Whether `data` is a typed array of numbers; arrays of 64-bit integers are not. */
export function isTyped(data: unknown): boolean {
  return (
    ArrayBuffer.isView(data) &&
    !(data instanceof DataView || data instanceof BigInt64Array || data instanceof BigUint64Array)
  )
}

/** Formats a value for messages: `the string "3"`, `NaN`, `null`. */
export function inWords(x: unknown): string {
  if (typeof x === 'number' || x === null || x === undefined) return String(x)
  if (typeof x === 'string') return `the string ${JSON.stringify(x.slice(0, 20))}`
  if (typeof x === 'boolean' || typeof x === 'bigint') return `the ${typeof x} ${x}`
  return Array.isArray(x) ? 'an array' : `a value of type ${typeof x}`
}
