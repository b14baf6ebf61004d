/** A tensor as it lies in a file: a type, a shape and bytes. */
import { OptionError } from '../errors.ts'
import { sizeOf } from '../shape.ts'

/** Bits of one element by the format's name for its type. */
export const elementBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const

export type RawType = keyof typeof elementBytes

export interface RawTensor {
  readonly type: RawType
  readonly shape: readonly number[]
  /** Little-endian, row-major; a view of the file's bytes where it was read from one. */
  readonly bytes: Uint8Array
}

/** Arrays that can be stored as they are, and what half and brain floats become. */
export type RawArray = Float64Array | Float32Array | Int32Array | Int16Array | Int8Array | Uint32Array | Uint16Array | Uint8Array

const arrayTypes = {
  F64: Float64Array,
  F32: Float32Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const

/** The tensor of an array. Throws OptionError if the shape does not fit. Shares the array's bytes. */
export function rawFromArray(data: RawArray, shape: readonly number[]): RawTensor {
  const type = (Object.keys(arrayTypes) as (keyof typeof arrayTypes)[]).find((name) => data instanceof arrayTypes[name])
  if (type === undefined || sizeOf(shape) !== data.length) {
    throw new OptionError(
      `rawFromArray: got a ${data.constructor.name} of ${data.length} numbers for shape [${shape.join(', ')}]; ` +
        'expected a typed array with as many numbers as the shape holds.',
    )
  }
  return { type, shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
}

/** The numbers of a tensor, copied; F16 and BF16 become single floats. Throws OptionError for 64-bit integers. */
export function arrayFromRaw({ type, bytes }: RawTensor): RawArray {
  const aligned = bytes.slice()
  if (type === 'F16' || type === 'BF16') {
    const halves = new Uint16Array(aligned.buffer)
    return Float32Array.from(halves, type === 'F16' ? floatFromHalf : floatFromBrain)
  }
  if (type === 'I64' || type === 'U64') {
    throw new OptionError(`arrayFromRaw: got ${type}; 64-bit integers have no array of JavaScript numbers.`)
  }
  return new arrayTypes[type](aligned.buffer)
}

/** IEEE 754 binary16. */
function floatFromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}

/** The upper half of a single float. */
function floatFromBrain(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]
}
