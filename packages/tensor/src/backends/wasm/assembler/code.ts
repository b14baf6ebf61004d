/** Bytes of WebAssembly code: trees that are flattened once, and the LEB128 numbers of the binary format. */
import { OptionError } from '../../../errors.ts'

/** The value types a kernel may use. */
export type ValueType = 'i32' | 'f32' | 'f64' | 'v128'

export const typeBytes: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b }

/**
 * One local of one function. Its number is known only when the function is complete, because the binary
 * format groups locals by type; until then code holds this object in the number's place.
 */
export interface LocalReference {
  readonly type: ValueType
}

/** A tree of bytes. Building trees instead of copying arrays keeps large kernels linear in time. */
export type Code = number | LocalReference | readonly Code[]

/** Flattens `code` to bytes, asking `indexOf` for the number of each local. */
export function flatten(code: Code, indexOf: (local: LocalReference) => number): number[] {
  const bytes: number[] = []
  const visit = (part: Code): void => {
    if (typeof part === 'number') bytes.push(part)
    else if ('type' in part) bytes.push(...unsigned(indexOf(part)))
    else for (const child of part) visit(child)
  }
  visit(code)
  return bytes
}

/** Encodes an unsigned integer in [0, 2³²) as LEB128. */
export function unsigned(value: number): number[] {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32) {
    throw new OptionError(
      `assembler: got ${value}; expected an integer in [0, 2^32). Check the offset or count.`,
    )
  }
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
  return bytes
}

/**
 * Encodes a 32-bit integer as LEB128. Unsigned values up to 2³² − 1 stand for the same 32 bits, as pointers
 * need them.
 */
export function signed(value: number): number[] {
  if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 32) {
    throw new OptionError(
      `assembler: got ${value}; expected an integer in [-2^31, 2^32). Is it meant as an f32?`,
    )
  }
  const bytes: number[] = []
  let rest = value | 0
  for (;;) {
    const byte = rest & 0x7f
    rest >>= 7
    // The last byte's bit 6 is the sign, so stop only when it agrees with what is left.
    if ((rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0)) {
      bytes.push(byte)
      return bytes
    }
    bytes.push(byte | 0x80)
  }
}

/** The little-endian bytes of numbers of one type. */
export function littleEndian(type: 'i32' | 'f32' | 'f64', ...values: number[]): number[] {
  const size = type === 'f64' ? 8 : 4
  const view = new DataView(new ArrayBuffer(size * values.length))
  values.forEach((value, i) => {
    if (type === 'i32') view.setInt32(i * size, value, true)
    else if (type === 'f32') view.setFloat32(i * size, value, true)
    else view.setFloat64(i * size, value, true)
  })
  return [...new Uint8Array(view.buffer)]
}

/** Encodes a length-prefixed list of encoded items. */
export function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()]
}
