/** Numbers of an example in the fewest bytes that hold them exactly: pixels are bytes, and classes are. */
import { StateError } from '@burgeon/tensor'

/** First byte: how the numbers after it are written. */
const forms = { bytes: 0, shares: 1, floats: 2 } as const

/**
 * Packs numbers: a byte each where all are integers of 0 … 255, or all are such integers over 255; four bytes
 * each otherwise. No number is changed.
 */
export function packNumbers(values: Float32Array): Uint8Array {
  const integers = coded(values, 1, (code) => code)
  if (integers !== null) return inForm(forms.bytes, integers)
  const shares = coded(values, 255, share)
  if (shares !== null) return inForm(forms.shares, shares)
  const packed = new Uint8Array(1 + 4 * values.length)
  packed[0] = forms.floats
  const view = new DataView(packed.buffer)
  for (let i = 0; i < values.length; i++) view.setFloat32(1 + 4 * i, values[i], true)
  return packed
}

/** A byte for each number, times a factor; null where one would come back as another, also −0 and NaN. */
function coded(values: Float32Array, factor: number, meant: (code: number) => number): Uint8Array | null {
  const codes = new Uint8Array(values.length)
  for (let i = 0; i < values.length; i++) {
    codes[i] = Math.round(values[i] * factor)
    if (!Object.is(values[i], meant(codes[i]))) return null
  }
  return codes
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
  if (packed[0] === forms.bytes) return new Float32Array(body)
  if (packed[0] === forms.shares) {
    const values = new Float32Array(body.length)
    for (let i = 0; i < body.length; i++) values[i] = share(body[i])
    return values
  }
  if (packed[0] === forms.floats && body.length % 4 === 0) {
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
    const values = new Float32Array(body.length / 4)
    for (let i = 0; i < values.length; i++) values[i] = view.getFloat32(4 * i, true)
    return values
  }
  throw new StateError(
    `replay: a packed row holds ${packed.length} bytes of form ${packed[0]}; expected numbers. The file is damaged.`,
  )
}

const share = (code: number): number => Math.fround(code / 255)
