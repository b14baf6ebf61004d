/** Places drawn with chances of their own. */
import type { Draw } from './reservoir.ts'

const resolution = 2 ** 31

/**
 * A place, with a chance in proportion to its weight.
 *
 * @param weights At least 0 each, and one above.
 */
export function drawByWeight(weights: readonly number[], draw: Draw): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let left = (draw(resolution) / resolution) * total
  const place = weights.findIndex((weight) => {
    left -= weight
    return left < 0
  })
  // Rounding may leave a little beyond the last weight.
  return place >= 0 ? place : weights.findLastIndex((weight) => weight > 0)
}

/**
 * Different places, one after another, each with a chance in proportion to its weight among those that are
 * left; none of weight 0, and so fewer where too few have any.
 */
export function drawPlacesByWeight(count: number, weights: readonly number[], draw: Draw): number[] {
  const left = [...weights]
  const places: number[] = []
  while (places.length < count && left.some((weight) => weight > 0)) {
    const place = drawByWeight(left, draw)
    left[place] = 0
    places.push(place)
  }
  return places
}
