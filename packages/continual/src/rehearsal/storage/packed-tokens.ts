/** Rows of tokens in the fewest bytes that hold them. */
import { StateError } from '@burgeon/tensor'

/** First byte of a packed row: how the numbers after it are written. */
const forms = { bytes: 0, pairs: 1, varint: 2 } as const

/**
 * Packs a row: each token in one byte, in two, or in seven bits per byte (LEB128), whichever takes least.
 * What it takes is `length` of the result, one byte of which says how the others are to be read.
 *
 * @param row Tokens ≥ 0.
 */
export function packTokens(row: Int32Array): Uint8Array {
  const largest = row.reduce((most, token) => Math.max(most, token), 0)
  if (largest < 2 ** 8) return packedBytes(row)
  const pairs = largest < 2 ** 16 ? 2 * row.length : Infinity
  return varintSize(row) <= pairs ? packedVarint(row) : packedPairs(row)
}

/** Unpacks a row that `packTokens` made. Throws StateError for bytes that it cannot have made. */
export function unpackTokens(packed: Uint8Array): Int32Array {
  const [form] = packed
  const body = packed.subarray(1)
  if (form === forms.bytes) return Int32Array.from(body)
  if (form === forms.pairs && body.length % 2 === 0) {
    return Int32Array.from({ length: body.length / 2 }, (_, i) => body[2 * i] | (body[2 * i + 1] << 8))
  }
  if (form === forms.varint) return unpackedVarint(body)
  throw damaged(`${packed.length} bytes of form ${form}`)
}

function packedBytes(row: Int32Array): Uint8Array {
  const packed = new Uint8Array(1 + row.length)
  packed[0] = forms.bytes
  packed.set(row, 1)
  return packed
}

const varintSize = (row: Int32Array): number =>
  row.reduce((size, token) => size + Math.max(1, Math.ceil((32 - Math.clz32(token)) / 7)), 0)

function packedVarint(row: Int32Array): Uint8Array {
  const packed = new Uint8Array(1 + varintSize(row))
  packed[0] = forms.varint
  let at = 1
  for (const token of row) {
    let rest = token
    for (; rest > 127; rest >>>= 7) packed[at++] = (rest & 127) | 128
    packed[at++] = rest
  }
  return packed
}

function unpackedVarint(body: Uint8Array): Int32Array {
  const row: number[] = []
  let [token, shift] = [0, 0]
  for (const byte of body) {
    token += (byte & 127) * 2 ** shift
    shift += 7
    if (byte > 127) continue
    if (token >= 2 ** 31) throw damaged(`token ${token}`)
    row.push(token)
    token = shift = 0
  }
  if (shift > 0) throw damaged('a token that is cut short')
  return Int32Array.from(row)
}

function packedPairs(row: Int32Array): Uint8Array {
  const packed = new Uint8Array(1 + 2 * row.length)
  packed[0] = forms.pairs
  row.forEach((token, i) => packed.set([token & 255, token >> 8], 1 + 2 * i))
  return packed
}

function damaged(what: string): StateError {
  return new StateError(`replay: a packed row holds ${what}; expected tokens. The file is damaged.`)
}
