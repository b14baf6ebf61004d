/** As much of Protocol Buffers' encoding as a model in ONNX's format needs. */
const encoder = new TextEncoder()

/** A base-128 number; negative ones take ten bytes. */
function varint(value: number | bigint): number[] {
  let left = BigInt.asUintN(64, BigInt(value))
  const encoded: number[] = []
  while (left > 127n) {
    encoded.push(Number(left & 127n) | 128)
    left >>= 7n
  }
  return [...encoded, Number(left)]
}

/** A field with a whole number. */
export const int = (field: number, value: number): Uint8Array =>
  Uint8Array.from([...varint(field << 3), ...varint(value)])

/** A field with a single float. */
export const float = (field: number, value: number): Uint8Array =>
  Uint8Array.from([...varint((field << 3) | 5), ...new Uint8Array(Float32Array.of(value).buffer)])

/** A field with a text. */
export const text = (field: number, value: string): Uint8Array => bytes(field, encoder.encode(value))

/** A field with bytes, or with a message. */
export const bytes = (field: number, value: Uint8Array): Uint8Array =>
  joined([Uint8Array.from([...varint((field << 3) | 2), ...varint(value.length)]), value])

/** Pieces one after another; a message is its fields. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** The bytes of an array, in place. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)
