/** Where a channel lies and how wide it scatters, by what is past. */

/** What a channel is measured by: (x − median) / scale. */
export interface PastScale {
  readonly median: number
  /** Above 0. */
  readonly scale: number
}

/** Bytes of a scale: two numbers of double precision. */
export const scaleBytes = 16

/**
 * The median of the past and the median absolute deviation from it; where that is 0 the mean one, and for a
 * constant past the size of the constant, or 1. Values that are missing (NaN) do not count. No past at all
 * leaves the first value, which is present and not future.
 *
 * The scale is at least 2⁻⁴⁰ of the median, so that differences are not lost in rounding.
 */
export function pastScale(past: Float64Array, first: number): PastScale {
  const known = past.filter(Number.isFinite)
  if (known.length === 0) {
    const median = Number.isFinite(first) ? first : 0
    return { median, scale: within(Math.abs(median), median) }
  }
  const median = medianOf(known)
  const deviations = known.map((value) => Math.abs(value - median))
  const spread = medianOf(deviations) || meanOf(deviations)
  return { median, scale: within(spread || Math.abs(median), median) }
}

const within = (scale: number, median: number): number =>
  Math.min(Math.max(scale || 1, Math.abs(median) * 2 ** -40, 1e-300), 1e300)

function medianOf(values: Float64Array): number {
  const sorted = values.toSorted()
  const half = sorted.length >> 1
  // Halved before they are added: the sum of two may be no number.
  return sorted.length % 2 === 1 ? sorted[half] : sorted[half - 1] / 2 + sorted[half] / 2
}

const meanOf = (values: Float64Array): number =>
  values.reduce((mean, value) => mean + value / values.length, 0)

/** Scales as bytes, big-endian: the bytes that differ least come first. */
export function writeScales(scales: readonly PastScale[]): Uint8Array {
  const bytes = new Uint8Array(scaleBytes * scales.length)
  const view = new DataView(bytes.buffer)
  scales.forEach(({ median, scale }, i) => {
    view.setFloat64(scaleBytes * i, median)
    view.setFloat64(scaleBytes * i + 8, scale)
  })
  return bytes
}

/** The scales of so many channels, from the beginning of bytes. */
export function readScales(bytes: Uint8Array, channels: number): PastScale[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: channels }, (_, i) => ({
    median: view.getFloat64(scaleBytes * i),
    scale: view.getFloat64(scaleBytes * i + 8),
  }))
}
