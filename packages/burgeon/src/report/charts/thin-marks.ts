/** Joins bands and markers of a chart that lie closer together than anybody sees. */
import { count } from '../../terminal/quantities.ts'
import type { ChartBand, ChartMarker } from './line-chart.ts'

/** As many are drawn one by one, wherever they lie. */
const maxMarks = 200

/**
 * Bands in order; of very many, neighbors that are narrower than `narrow` together become one without a color
 * of its own.
 */
export function thinBands(bands: readonly ChartBand[], narrow: number): readonly ChartBand[] {
  if (bands.length <= maxMarks) return bands
  return groups(bands, ({ from }, { to }) => to - from < narrow).map(([first, ...others]): ChartBand => {
    const last = others.at(-1)
    if (last === undefined) return first
    const label = `${first.label} … ${last.label}`
    const title = `${count(others.length + 1)} stretches, ${label}`
    return { from: first.from, to: last.to, label, title, tone: 'quiet' }
  })
}

/** Markers in order; of very many, those within `narrow` become one. */
export function thinMarkers(markers: readonly ChartMarker[], narrow: number): readonly ChartMarker[] {
  if (markers.length <= maxMarks) return markers
  return groups(markers, (first, next) => next.x - first.x < narrow).map(
    ([first, ...others]): ChartMarker =>
      others.length === 0
        ? first
        : { ...first, title: `${first.title}, and ${count(others.length)} more close by` },
  )
}

/** Neighbors, as long as the next belongs to the first of them. */
function groups<T>(items: readonly T[], isTogether: (first: T, next: T) => boolean): [T, ...T[]][] {
  const found: [T, ...T[]][] = []
  for (const item of items) {
    const open = found.at(-1)
    if (open !== undefined && isTogether(open[0], item)) open.push(item)
    else found.push([item])
  }
  return found
}
