/** Messages of TensorBoard as protocol buffers: the few fields that scalars need. */
import { joinArrays } from '../../stream/join-arrays.ts'

const utf8 = new TextEncoder()

/** Kinds of fields on the wire. */
const [varint, sixtyFour, lengthDelimited, thirtyTwo] = [0, 1, 2, 5]

const joined = (parts: readonly Uint8Array[]): Uint8Array => joinArrays(Uint8Array, parts)

/** A whole number ≥ 0 in groups of seven bits, the lowest first. */
function varintOf(value: number): Uint8Array {
  const groups: number[] = []
  let rest = value
  do {
    groups.push((rest % 128) + (rest >= 128 ? 128 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return Uint8Array.from(groups)
}

const key = (field: number, kind: number): Uint8Array => varintOf(field * 8 + kind)

const nested = (field: number, bytes: Uint8Array): Uint8Array =>
  joined([key(field, lengthDelimited), varintOf(bytes.length), bytes])

function fixed(field: number, kind: number, size: 4 | 8, value: number): Uint8Array {
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  if (size === 8) view.setFloat64(0, value, true)
  else view.setFloat32(0, value, true)
  return joined([key(field, kind), bytes])
}

/** `Event { wall_time = 1; file_version = 3 }`: what a file begins with. */
export function versionEvent(wallTime: number): Uint8Array {
  return joined([fixed(1, sixtyFour, 8, wallTime), nested(3, utf8.encode('brain.Event:2'))])
}

/** `Event { wall_time = 1; step = 2; summary = 5 { value = 1 { tag = 1; simple_value = 2 } … } }`. */
export function scalarEvent(
  wallTime: number,
  step: number,
  scalars: readonly (readonly [tag: string, value: number])[],
): Uint8Array {
  const values = scalars.map(([tag, value]) =>
    nested(1, joined([nested(1, utf8.encode(tag)), fixed(2, thirtyTwo, 4, value)])),
  )
  return joined([fixed(1, sixtyFour, 8, wallTime), key(2, varint), varintOf(step), nested(5, joined(values))])
}
