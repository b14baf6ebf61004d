/** From single floats to blocks of a GGUF file. */

/** The types that files are written in. */
export type WrittenType = 'F32' | 'F16' | 'Q8_0' | 'Q4_0'

interface Writer {
  readonly code: number
  /** Numbers and bytes of a block. */
  readonly numbers: number
  readonly bytes: number
  readonly write: (numbers: Float32Array, to: Uint8Array) => void
}

/** By type. */
export const blockWriters: Readonly<Record<WrittenType, Writer>> = {
  F32: {
    ...{ code: 0, numbers: 1, bytes: 4 },
    write: (numbers, to) => to.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)),
  },
  F16: {
    ...{ code: 1, numbers: 1, bytes: 2 },
    write(numbers, to) {
      for (let i = 0; i < numbers.length; i++) putHalf(to, 2 * i, numbers[i])
    },
  },
  // The largest number becomes ±127.
  Q8_0: {
    ...{ code: 8, numbers: 32, bytes: 34 },
    write(numbers, to) {
      for (let i = 0, at = 0; i < numbers.length; i += 32, at += 34) {
        let largest = 0
        for (let j = 0; j < 32; j++) largest = Math.max(largest, Math.abs(numbers[i + j]))
        const scale = Math.fround(largest / 127)
        const inverse = scale === 0 ? 0 : Math.fround(1 / scale)
        putHalf(to, at, scale)
        for (let j = 0; j < 32; j++) {
          const x = Math.fround(numbers[i + j] * inverse)
          to[at + 2 + j] = x < 0 ? -Math.floor(0.5 - x) : Math.floor(x + 0.5)
        }
      }
    },
  },
  // The number that is furthest from 0 becomes −8, of integers from −8 to 7.
  Q4_0: {
    ...{ code: 2, numbers: 32, bytes: 18 },
    write(numbers, to) {
      for (let i = 0, at = 0; i < numbers.length; i += 32, at += 18) {
        let furthest = 0
        for (let j = 0; j < 32; j++) {
          if (Math.abs(numbers[i + j]) > Math.abs(furthest)) furthest = numbers[i + j]
        }
        const scale = furthest / -8
        const inverse = scale === 0 ? 0 : Math.fround(1 / scale)
        putHalf(to, at, scale)
        const nibble = (x: number): number =>
          Math.min(15, Math.floor(Math.fround(Math.fround(x * inverse) + 8.5)))
        for (let j = 0; j < 16; j++) {
          to[at + 2 + j] = nibble(numbers[i + j]) | (nibble(numbers[i + 16 + j]) << 4)
        }
      }
    },
  },
}

/** The largest number that a half float or a scale can hold: what rounds beyond is infinite. */
export const largestOf: Readonly<Record<WrittenType, number>> = {
  F32: Infinity,
  F16: 65_519,
  Q8_0: 65_519 * 127,
  Q4_0: 65_519 * 8,
}

const float = new Float32Array(1)
const word = new Uint32Array(float.buffer)

/** Writes the nearest half float, of two equally near ones the even one. */
function putHalf(to: Uint8Array, at: number, x: number): void {
  float[0] = x
  const [sign, magnitude] = [(word[0] >>> 16) & 0x8000, word[0] & 0x7fff_ffff]
  const bits = sign | halfBits(magnitude, Math.abs(float[0]))
  to[at] = bits & 255
  to[at + 1] = bits >> 8
}

function halfBits(magnitude: number, x: number): number {
  if (magnitude > 0x7f80_0000) return 0x7e00
  if (magnitude >= 0x477f_f000) return 0x7c00
  if (magnitude >= 0x3880_0000) return (magnitude + 0xfff + ((magnitude >> 13) & 1) - (112 << 23)) >> 13
  // Below 2⁻¹⁴ there is no leading one: the fraction counts units of 2⁻²⁴.
  const units = x * 2 ** 24
  const below = Math.floor(units)
  const rest = units - below
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below
}
