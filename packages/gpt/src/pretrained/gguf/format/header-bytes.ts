/** Writes what stands before the numbers of a GGUF file of version 3. */

/** A key's value with its type. */
export type TypedValue =
  | readonly ['u32', number]
  | readonly ['f32', number]
  | readonly ['bool', boolean]
  | readonly ['text', string]
  | readonly ['texts', readonly string[]]
  | readonly ['f32s', Float32Array]
  | readonly ['i32s', Int32Array]

/** A tensor that is to be written. */
export interface TensorInfo {
  readonly name: string
  /** Row-major. */
  readonly shape: readonly number[]
  /** The code of its type. */
  readonly code: number
  readonly bytes: number
}

/** Tensors begin at multiples of this many bytes. */
const alignment = 32

/** Bytes up to the next multiple of the alignment. */
export const padding = (bytes: number): number => (alignment - (bytes % alignment)) % alignment

const encoder = new TextEncoder()

/** Everything up to where the first tensor begins. */
export function headerBytes(
  metadata: ReadonlyMap<string, TypedValue>,
  tensors: readonly TensorInfo[],
): Uint8Array {
  const parts: Uint8Array[] = [encoder.encode('GGUF'), u32(3), u64(tensors.length), u64(metadata.size)]
  for (const [key, value] of metadata) parts.push(text(key), ...valueBytes(value))
  let offset = 0
  for (const { name, shape, code, bytes } of tensors) {
    parts.push(text(name), u32(shape.length), ...shape.toReversed().map(u64), u32(code), u64(offset))
    offset += bytes + padding(bytes)
  }
  const length = parts.reduce((total, part) => total + part.length, 0)
  const all = new Uint8Array(length + padding(length))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function valueBytes([type, value]: TypedValue): Uint8Array[] {
  switch (type) {
    case 'u32':
      return [u32(4), u32(value)]
    case 'f32':
      return [u32(6), new Uint8Array(Float32Array.of(value).buffer)]
    case 'bool':
      return [u32(7), Uint8Array.of(Number(value))]
    case 'text':
      return [u32(8), text(value)]
    case 'texts':
      return [u32(9), u32(8), u64(value.length), ...value.map(text)]
    case 'f32s':
      return [
        u32(9),
        u32(6),
        u64(value.length),
        new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
      ]
    case 'i32s':
      return [
        u32(9),
        u32(5),
        u64(value.length),
        new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
      ]
  }
}

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)
const u64 = (value: number): Uint8Array => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer)

function text(value: string): Uint8Array {
  const bytes = encoder.encode(value)
  const all = new Uint8Array(8 + bytes.length)
  all.set(u64(bytes.length))
  all.set(bytes, 8)
  return all
}
