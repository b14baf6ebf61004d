/** The values of a GGUF file's keys. */
import type { GgufCursor } from './gguf-cursor.ts'

/** A list of one type: numbers in a typed array (0 and 1 for booleans), or strings, or lists. */
export type GgufList =
  | readonly string[]
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array
  | readonly GgufList[]

/** What a key can say. Integers of 64 bits are numbers where those are exact. */
export type GgufValue = number | bigint | boolean | string | GgufList

const [stringCode, listCode] = [8, 9]

/** By the code of the type: bytes of one, how one is read, and the array of many. */
const numeric = {
  0: { bytes: 1, get: (view) => view.getUint8(0), Many: Uint8Array },
  1: { bytes: 1, get: (view) => view.getInt8(0), Many: Int8Array },
  2: { bytes: 2, get: (view) => view.getUint16(0, true), Many: Uint16Array },
  3: { bytes: 2, get: (view) => view.getInt16(0, true), Many: Int16Array },
  4: { bytes: 4, get: (view) => view.getUint32(0, true), Many: Uint32Array },
  5: { bytes: 4, get: (view) => view.getInt32(0, true), Many: Int32Array },
  6: { bytes: 4, get: (view) => view.getFloat32(0, true), Many: Float32Array },
  7: { bytes: 1, get: (view) => view.getUint8(0) !== 0, Many: Uint8Array },
  10: { bytes: 8, get: (view) => exact(view.getBigUint64(0, true)), Many: BigUint64Array },
  11: { bytes: 8, get: (view) => exact(view.getBigInt64(0, true)), Many: BigInt64Array },
  12: { bytes: 8, get: (view) => view.getFloat64(0, true), Many: Float64Array },
} as const satisfies Readonly<
  Record<
    number,
    {
      readonly bytes: number
      readonly get: (view: DataView) => GgufValue
      readonly Many: new (buffer: ArrayBuffer) => GgufList
    }
  >
>

const isNumeric = (code: number): code is keyof typeof numeric => Object.hasOwn(numeric, code)

const exact = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value

/** Lists in lists, at most. */
const maxDepth = 4

/** Reads the type of a value, and it. */
export async function readValue(cursor: GgufCursor, what: string): Promise<GgufValue> {
  const code = await cursor.u32(`the type of ${what}`)
  if (code === stringCode) return cursor.text(what)
  if (code === listCode) return readList(cursor, what, 1)
  if (!isNumeric(code)) return cursor.refuse(`${what} of type ${code}`, 'one of 0 to 12')
  const { bytes, get } = numeric[code]
  await cursor.fetch(bytes, what)
  return get(cursor.bytesHere(bytes))
}

async function readList(cursor: GgufCursor, what: string, depth: number): Promise<GgufList> {
  if (depth > maxDepth) cursor.refuse(`${what} with lists ${depth} deep`, `at most ${maxDepth}`)
  const code = await cursor.u32(`the type of ${what}`)
  const count = await cursor.u64(`the length of ${what}`)
  const least = code === stringCode ? 8 : code === listCode ? 12 : isNumeric(code) ? numeric[code].bytes : 0
  if (least === 0) cursor.refuse(`${what}, a list of type ${code}`, 'one of 0 to 12')
  if (count * least > cursor.left) {
    cursor.refuse(`${what} of ${count} items in ${cursor.left} more bytes`, 'as many as there is room for')
  }
  if (code === stringCode) {
    const texts: string[] = []
    for (let i = 0; i < count; i++) texts.push(await cursor.text(what))
    return texts
  }
  if (code === listCode) {
    const lists: GgufList[] = []
    for (let i = 0; i < count; i++) lists.push(await readList(cursor, what, depth + 1))
    return lists
  }
  if (!isNumeric(code)) return cursor.refuse(`${what}, a list of type ${code}`, 'one of 0 to 12')
  const { bytes, Many } = numeric[code]
  await cursor.fetch(count * bytes, what)
  const view = cursor.bytesHere(count * bytes)
  const { buffer } = Uint8Array.from(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
  return new Many(buffer)
}
