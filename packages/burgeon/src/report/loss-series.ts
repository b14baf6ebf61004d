import type { LossPoint } from './life-report.ts'

/**
 * Exponential moving average over bytes. It looks only back, so a jump stays where it happened; and it is
 * corrected for its start (Kingma & Ba 2015, section 3), so the first values are not a memory of the first
 * batch.
 *
 * @param span - bytes after which a point's weight has fallen to 1/e; above 0.
 */
export function smoothLoss(points: readonly LossPoint[], span: number): LossPoint[] {
  let sum = 0
  let weight = 0
  let before = points[0]?.bytes ?? 0
  return points.map(({ bytes, bitsPerByte }) => {
    const keep = Math.exp((before - bytes) / span)
    before = bytes
    sum = keep * sum + bitsPerByte
    weight = keep * weight + 1
    return { bytes, bitsPerByte: sum / weight }
  })
}

/**
 * At most two points for each of `buckets` equal stretches, the lowest and the highest, so that a long life
 * still draws its extremes.
 */
export function thinLoss(points: readonly LossPoint[], buckets: number): LossPoint[] {
  if (points.length <= 2 * buckets) return [...points]
  const first = points[0].bytes
  const width = (points[points.length - 1].bytes - first) / buckets || 1
  const extremes = new Map<number, { low: LossPoint; high: LossPoint }>()
  for (const point of points) {
    const bucket = Math.min(buckets - 1, Math.floor((point.bytes - first) / width))
    const seen = extremes.get(bucket)
    if (!seen) extremes.set(bucket, { low: point, high: point })
    else if (point.bitsPerByte < seen.low.bitsPerByte) seen.low = point
    else if (point.bitsPerByte > seen.high.bitsPerByte) seen.high = point
  }
  return [...extremes.values()].flatMap(({ low, high }) =>
    low === high ? [low] : low.bytes < high.bytes ? [low, high] : [high, low],
  )
}
