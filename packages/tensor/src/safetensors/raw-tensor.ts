/** A tensor as it is stored in a file: a type, a shape and bytes. */
import { checkArgument } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import { NonFiniteError, OptionError } from '../errors.ts'
import { brainBits, halfBits } from '../packed/half-floats.ts'

/** Bytes of one element by the format's name for its type. */
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

/** An element type, by the format's name. */
export type RawType = keyof typeof elementBytes

/** One tensor of a file. */
export interface RawTensor {
  readonly type: RawType
  readonly shape: readonly number[]
  /** Little-endian, row-major; a view of the file's bytes if it was read from a file. */
  readonly bytes: Uint8Array
}

/** Bytes of a tensor; NaN if a size is not an integer of 0 or more, or a product is too large to be exact. */
export function byteLengthOf(type: RawType, shape: readonly number[]): number {
  // NaN stays: a later size of 0 must not hide it.
  const times = (product: number, n: number): number =>
    n >= 0 && Number.isSafeInteger(n) && Number.isSafeInteger(product * n) ? product * n : Number.NaN
  return shape.reduce(times, elementBytes[type])
}

/** Arrays that can be stored as they are; half and brain floats are read as single floats. */
export type RawArray =
  | Float64Array
  | Float32Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint32Array
  | Uint16Array
  | Uint8Array

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

/** Makes the tensor of an array. Throws OptionError if the shape does not fit. Shares the array's bytes. */
export function rawFromArray(data: RawArray, shape: readonly number[]): RawTensor {
  checkArgument('rawFromArray', 'data', data, checks.numbers)
  checkArgument('rawFromArray', 'shape', shape, checks.integers)
  const type = (Object.keys(arrayTypes) as (keyof typeof arrayTypes)[]).find(
    (name) => data instanceof arrayTypes[name],
  )
  if (type === undefined || byteLengthOf(type, shape) !== data.byteLength) {
    throw new OptionError(
      `rawFromArray: got data, a ${data.constructor.name} of ${data.length} numbers for shape [${shape.join(', ')}]; ` +
        'expected a typed array with as many numbers as the shape holds.',
    )
  }
  return { type, shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
}

/**
 * Makes a tensor of half or brain floats, each number rounded to the nearest, ties to even.
 *
 * @throws OptionError if the shape does not fit, NonFiniteError for a finite number that becomes infinite.
 */
export function rawFromFloats(
  data: ArrayLike<number>,
  shape: readonly number[],
  type: 'F16' | 'BF16',
): RawTensor {
  checkArgument('rawFromFloats', 'data', data, checks.numbers)
  checkArgument('rawFromFloats', 'shape', shape, checks.integers)
  checkArgument('rawFromFloats', 'type', type, checks.oneOf('F16', 'BF16'))
  if (byteLengthOf(type, shape) !== 2 * data.length) {
    throw new OptionError(
      `rawFromFloats: got data, ${data.length} numbers for shape [${shape.join(', ')}]; expected as many as it holds.`,
    )
  }
  const bits = type === 'F16' ? halfBits : brainBits
  const infinity = type === 'F16' ? 0x7c00 : 0x7f80
  const halves = new Uint16Array(data.length)
  for (let i = 0; i < data.length; i++) {
    halves[i] = bits(data[i])
    if ((halves[i] & 0x7fff) !== infinity || !Number.isFinite(data[i])) continue
    const advice = type === 'F16' ? ' BF16 has room for it.' : ''
    throw new NonFiniteError(
      `rawFromFloats: got ${data[i]} at index ${i}; expected numbers that ${type} can hold.${advice}`,
    )
  }
  return { type, shape, bytes: new Uint8Array(halves.buffer) }
}

const aType = checks.oneOf(...(Object.keys(elementBytes) as RawType[]))
const someBytes = checks.instance('a Uint8Array', Uint8Array)

/** Throws OptionError unless `tensor` is a RawTensor; others check that shape and bytes fit. */
export function requireRaw(who: string, name: string, tensor: RawTensor): void {
  checkArgument(who, name, tensor, checks.object<RawTensor>('an object with type, shape and bytes'))
  const { type, shape, bytes } = tensor
  checkArgument(who, `${name}.type`, type, aType)
  checkArgument(who, `${name}.shape`, shape, checks.integers)
  checkArgument(who, `${name}.bytes`, bytes, someBytes)
}

/**
 * Copies the numbers of a tensor; F16 and BF16 become single floats. Throws OptionError for 64-bit integers,
 * and if shape and bytes do not fit.
 */
export function arrayFromRaw(tensor: RawTensor): RawArray {
  requireRaw('arrayFromRaw', 'tensor', tensor)
  const { type, shape, bytes } = tensor
  if (type === 'I64' || type === 'U64') {
    throw new OptionError(`arrayFromRaw: got ${type}; 64-bit integers have no array of JavaScript numbers.`)
  }
  const expected = byteLengthOf(type, shape)
  if (bytes.length !== expected) {
    throw new OptionError(
      `arrayFromRaw: got ${bytes.length} bytes; expected ${expected} for ${type} [${shape.join(', ')}].`,
    )
  }
  // `bytes.slice()` would not copy if `bytes` is one of Node's Buffers.
  const { buffer } = new Uint8Array(bytes)
  if (type === 'F16') return floatsFromHalves(new Uint16Array(buffer))
  if (type === 'BF16') return floatsFromBrains(new Uint16Array(buffer))
  return new arrayTypes[type](buffer)
}

/** IEEE 754 binary16. Loops over bits rather than numbers: pretrained weights have hundreds of millions. */
function floatsFromHalves(halves: Uint16Array): Float32Array {
  const floats = new Float32Array(halves.length)
  const words = new Uint32Array(floats.buffer)
  for (let i = 0; i < halves.length; i++) {
    const bits = halves[i]
    const sign = (bits & 0x8000) << 16
    const magnitude = bits & 0x7fff
    // Below 2⁻¹⁴ there is no leading one: the fraction counts units of 2⁻²⁴. From 0x7c00 on it is infinity or
    // NaN.
    if (magnitude < 0x0400) floats[i] = (sign === 0 ? 1 : -1) * magnitude * 2 ** -24
    else words[i] = sign | ((magnitude << 13) + (magnitude < 0x7c00 ? 112 << 23 : 224 << 23))
  }
  return floats
}

/** Brain floats are the upper halves of single floats. */
function floatsFromBrains(brains: Uint16Array): Float32Array {
  const words = new Uint32Array(brains.length)
  for (let i = 0; i < brains.length; i++) words[i] = brains[i] << 16
  return new Float32Array(words.buffer)
}
