/** μ-law: samples as bytes (ITU-T G.711, 1988, section 3.1 and table 2a). */

/** Added to a magnitude, so that each segment begins with a power of two (in units of 16-bit samples). */
const bias = 0x84
/** Magnitudes beyond are cut off. */
const clip = 32_635

/** The byte of a sample from −1 to 1. −0 has a byte of its own, beside that of 0. */
export function muLawByte(sample: number): number {
  const linear = sample * 32_768
  const sign = linear < 0 || Object.is(linear, -0) ? 0x80 : 0
  const magnitude = Math.min(Math.floor(Math.abs(linear)), clip) + bias
  const exponent = 31 - Math.clz32(magnitude) - 7
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f
  return ~(sign | (exponent << 4) | mantissa) & 0xff
}

/** The sample in the middle of all that have this byte. */
export function muLawSample(byte: number): number {
  const bits = ~byte & 0xff
  const [exponent, mantissa] = [(bits >> 4) & 0x07, bits & 0x0f]
  const magnitude = (((mantissa << 3) + bias) << exponent) - bias
  return (bits & 0x80 ? -magnitude : magnitude) / 32_768
}
