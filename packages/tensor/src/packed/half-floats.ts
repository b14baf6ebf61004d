/** The bits of half floats (IEEE 754 binary16) and brain floats (the upper half of a single float). */

const singles = new Float32Array(1)
const words = new Uint32Array(singles.buffer)

/** The 32 bits of a number rounded to a single float. */
export function bitsOf(x: number): number {
  singles[0] = x
  return words[0]
}

/** The single float of 32 bits. */
export function floatOf(bits: number): number {
  words[0] = bits
  return singles[0]
}

/** The 16 bits of the nearest brain float, ties to even; NaN stays NaN. */
export function brainBits(x: number): number {
  const bits = bitsOf(x)
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16
}

/** The number of a brain float's 16 bits. */
export const brainFloat = (bits: number): number => floatOf(bits << 16)

/** The 16 bits of the nearest half float, ties to even: from 65520 on it is infinity; NaN stays NaN. */
export function halfBits(x: number): number {
  const bits = bitsOf(x)
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x47800000) return sign | 0x7c00
  // Below 2⁻¹⁴ halves count units of 2⁻²⁴, the last place of 0.5: the sum rounds to them.
  if (magnitude < 0x38800000) return sign | (bitsOf(floatOf(magnitude) + 0.5) - 0x3f000000)
  return sign | ((magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000) >>> 13)
}

/** The number of a half float's 16 bits. */
export function halfFloat(bits: number): number {
  const magnitude = bits & 0x7fff
  const sign = bits & 0x8000 ? -1 : 1
  if (magnitude < 0x0400) return sign * magnitude * 2 ** -24
  return sign * floatOf((magnitude << 13) + (magnitude < 0x7c00 ? 112 << 23 : 224 << 23))
}
