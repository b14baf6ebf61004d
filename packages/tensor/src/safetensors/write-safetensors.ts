/** Writes the safetensors format: a length, a JSON header, and the tensors' bytes without gaps. */
import { elementBytes, type RawTensor } from './raw-tensor.ts'

/**
 * A safetensors file. Same content, same bytes: tensors lie in the order of their element size (largest first, so that
 * each is aligned) and then of their name.
 *
 * @param tensors By name.
 * @param metadata Strings for people and tools.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, RawTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const ordered = [...tensors].sort(
    ([a, x], [b, y]) => elementBytes[y.type] - elementBytes[x.type] || (a < b ? -1 : 1),
  )
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : []
  let end = 0
  for (const [name, { type, shape, bytes }] of ordered) {
    header.push([name, { dtype: type, shape, data_offsets: [end, end + bytes.length] }])
    end += bytes.length
  }
  // fromEntries would let a tensor named __proto__ vanish, so the object is written by hand.
  const json = `{${header.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`
  const text = new TextEncoder().encode(json)
  const headerBytes = Math.ceil(text.length / 8) * 8
  const file = new Uint8Array(8 + headerBytes + end)
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true)
  file.fill(0x20, 8, 8 + headerBytes)
  file.set(text, 8)
  let at = 8 + headerBytes
  for (const [, { bytes }] of ordered) {
    file.set(bytes, at)
    at += bytes.length
  }
  return file
}
