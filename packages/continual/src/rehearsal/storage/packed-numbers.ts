/** Numbers of an example in the fewest bytes that hold them exactly: pixels are bytes, and classes are. */
import { StateError } from '@burgeon/tensor'

/** First byte: how the numbers after it are written. */
const forms = { bytes: 0, shares: 1, floats: 2 } as const

/**
 * Packs numbers: a byte each where all are integers of 0 … 255, or all are such integers over 255; four bytes
 * each otherwise. No number is changed.
 */
export function packNumbers(values: Float32Array): Uint8Array {
  // Whatever a byte cannot hold comes back as another number, also −0 and NaN.
  const integers = Uint8Array.from(values)
  if (values.every((value, i) => Object.is(value, integers[i]))) return inForm(forms.bytes, integers)
  const shares = Uint8Array.from(values, (value) => Math.round(value * 255))
  if (values.every((value, i) => Object.is(value, share(shares[i])))) return inForm(forms.shares, shares)
  const packed = new Uint8Array(1 + 4 * values.length)
  packed[0] = forms.floats
  const view = new DataView(packed.buffer)
  values.forEach((value, i) => view.setFloat32(1 + 4 * i, value, true))
  return packed
}

function inForm(form: number, body: Uint8Array): Uint8Array {
  const packed = new Uint8Array(1 + body.length)
  packed[0] = form
  packed.set(body, 1)
  return packed
}

/** Unpacks numbers that `packNumbers` packed. Throws StateError for bytes that it cannot have made. */
export function unpackNumbers(packed: Uint8Array): Float32Array {
  const body = packed.subarray(1)
  if (packed[0] === forms.bytes) return Float32Array.from(body)
  if (packed[0] === forms.shares) return Float32Array.from(body, share)
  if (packed[0] === forms.floats && body.length % 4 === 0) {
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
    return Float32Array.from({ length: body.length / 4 }, (_, i) => view.getFloat32(4 * i, true))
  }
  throw new StateError(
    `replay: a packed row holds ${packed.length} bytes of form ${packed[0]}; expected numbers. The file is damaged.`,
  )
}

const share = (code: number): number => Math.fround(code / 255)
