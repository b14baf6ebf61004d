/**
 * The quantile of numbers in order, between two of them linearly (Hyndman and Fan 1996, definition 7); NaN of
 * none.
 */
export function quantileOf(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return NaN
  const place = share * (sorted.length - 1)
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]]
  return below + (place - Math.floor(place)) * (above - below)
}
