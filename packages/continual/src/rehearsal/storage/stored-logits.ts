/** Outputs of a model kept beside a row: as they were, or as bytes with a scale. */
import type { Beside } from './row-store.ts'

/**
 * Form of stored outputs. `int8` takes a byte for each and four for the scale of a prediction, and is within
 * 1/254 of the largest output of that prediction; `f32` takes four bytes for each and is exact.
 */
export type LogitsFormat = 'int8' | 'f32'

/** First byte of packed outputs. */
const forms: Readonly<Record<LogitsFormat, number>> = { int8: 0, f32: 1 }
/** Bytes before the first prediction: the form, and the number of outputs of each prediction. */
const header = 5

/** Outputs of some predictions, `[P, C]`. */
export interface StoredLogits {
  /** C. */
  readonly columns: number
  readonly values: Float32Array
}

/** Bytes of one prediction. */
const stride = (form: number, columns: number): number => (form === forms.int8 ? 4 + columns : 4 * columns)

/** Prepares the outputs of a row for keeping. */
export function packedLogits({ columns, values }: StoredLogits, format: LogitsFormat): Beside {
  const form = forms[format]
  const predictions = values.length / columns
  const each = stride(form, columns)
  return {
    size: header + predictions * each,
    pack() {
      const packed = new Uint8Array(header + predictions * each)
      const view = new DataView(packed.buffer)
      packed[0] = form
      view.setUint32(1, columns, true)
      for (let p = 0; p < predictions; p++) {
        const own = values.subarray(p * columns, (p + 1) * columns)
        const at = header + p * each
        if (form === forms.int8) writeCodes(view, at, own)
        else own.forEach((value, c) => view.setFloat32(at + 4 * c, value, true))
      }
      return packed
    },
  }
}

/** Writes the scale, the largest magnitude over 127, and every value as a multiple of it. */
function writeCodes(view: DataView, at: number, values: Float32Array): void {
  const scale = Math.fround(values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127)
  view.setFloat32(at, scale, true)
  values.forEach((value, c) => view.setInt8(at + 4 + c, scale === 0 ? 0 : Math.round(value / scale)))
}

/** Unpacks outputs that `packedLogits` packed. */
export function unpackLogits(packed: Uint8Array): StoredLogits {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
  const columns = view.getUint32(1, true)
  const each = stride(packed[0], columns)
  const predictions = (packed.length - header) / each
  const values = new Float32Array(predictions * columns)
  for (let i = 0; i < values.length; i++) {
    const [p, c] = [Math.floor(i / columns), i % columns]
    const at = header + p * each
    values[i] =
      packed[0] === forms.int8
        ? view.getFloat32(at, true) * view.getInt8(at + 4 + c)
        : view.getFloat32(at + 4 * c, true)
  }
  return { columns, values }
}

/** Whether bytes are the outputs of so many predictions, all of them finite, or nothing. */
export function areLogits(packed: Uint8Array, predictions: number): boolean {
  if (packed.length === 0) return true
  if (packed.length < header || packed[0] > forms.f32) return false
  const columns = new DataView(packed.buffer, packed.byteOffset).getUint32(1, true)
  if (columns === 0 || packed.length !== header + predictions * stride(packed[0], columns)) return false
  return unpackLogits(packed).values.every((value) => Number.isFinite(value))
}
