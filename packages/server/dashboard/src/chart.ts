/**
 * A line over bytes learnt, as SVG and not on a canvas (uPlot): its colors follow the scheme by themselves, it
 * prints, its axes are text, and a record of a few thousand points is no work for either.
 */
import type { Point, Span } from './life.ts'
import { compact, size, ticks } from './quantities.ts'

/** What is drawn. */
export interface Chart {
  /** What it shows, for who does not see it. */
  readonly label: string
  /** The first is drawn thin where there are two. */
  readonly lines: readonly (readonly Point[])[]
  /** Whether values stay until the next; else they are joined by lines. */
  readonly isStepped: boolean
  /** Bytes at its right end. */
  readonly bytes: number
  readonly marks: readonly { readonly at: number; readonly kind: string }[]
  /** Stretches below the line, with the number of a color each. */
  readonly strip: readonly (Span & { readonly tone: number })[]
  /** Bytes at which a reader looks; null at the end. */
  readonly place: number | null
}

const left = 46
const [top, right, bottom] = [8, 10, 22]
const stripHeight = 7

/** Draws into an element, as wide and as high as that is. */
export function draw(place: HTMLElement, chart: Chart): void {
  const [width, height] = [place.clientWidth, place.clientHeight]
  const floor = height - bottom - (chart.strip.length > 0 ? stripHeight + 3 : 0)
  // What is thin is drawn coarser than it is known, and may leave the frame of what is thick.
  const lines = chart.lines.map((points) => thinned(points, Math.max(2, width - left)))
  const values = lines.flatMap((points) => points.map(({ value }) => value))
  const lowest = chart.isStepped ? 0 : Math.min(...values)
  // Losses that are nearly the same are not drawn as far apart.
  const highest = Math.max(...values, lowest + 0.5)
  const high = chart.isStepped ? 1.1 * highest : highest
  const rows = ticks(lowest, high, height > 150 ? 4 : 2).filter((value) => value <= high)
  const [low] = rows
  const x = (bytes: number): number => left + (bytes / Math.max(1, chart.bytes)) * (width - left - right)
  const y = (value: number): number => floor - ((value - low) / (high - low || 1)) * (floor - top)
  const columns = ticks(0, Math.max(1, chart.bytes), width > 500 ? 6 : 3).filter((at) => at <= chart.bytes)
  const picture = shape('svg', {
    ...{ role: 'img', 'aria-label': chart.label },
    ...{ viewBox: `0 0 ${width} ${height}`, width, height },
  })
  picture.append(
    ...rows.flatMap((value) => [
      shape('line', { class: 'grid', x1: left, x2: width - right, y1: y(value), y2: y(value) }),
      text(left - 6, y(value) + 4, 'end', chart.isStepped ? compact(value) : String(value)),
    ]),
    ...columns.map((at) =>
      text(x(at), height - 4, at === 0 ? 'start' : x(at) > width - 40 ? 'end' : 'middle', size(at)),
    ),
    ...chart.strip.map(({ from, to, tone }) =>
      shape('rect', {
        ...{ class: `tone tone-${tone}`, x: x(from), y: floor + 3 },
        ...{ width: Math.max(0.5, x(to) - x(from)), height: stripHeight },
      }),
    ),
    ...chart.marks.map(({ at, kind }) =>
      shape('line', { class: `mark ${kind}`, x1: x(at), x2: x(at), y1: top, y2: floor }),
    ),
    ...lines.map((points, i) => {
      const steps = points.map(({ at, value }, j) => {
        const [px, py] = [x(at).toFixed(1), y(value).toFixed(1)]
        return j === 0 ? `M${px} ${py}` : chart.isStepped ? `H${px}V${py}` : `L${px} ${py}`
      })
      const end = chart.isStepped ? `H${x(chart.bytes).toFixed(1)}` : ''
      const isThin = i < lines.length - 1
      return shape('path', { class: isThin ? 'raw' : 'curve', d: steps.join('') + end })
    }),
  )
  if (chart.place !== null) {
    picture.append(
      shape('line', { class: 'cursor', x1: x(chart.place), x2: x(chart.place), y1: top, y2: floor }),
    )
  }
  place.replaceChildren(picture)
}

/** A part of a drawing. */
export function shape(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes))
    made.setAttribute(key, typeof value === 'number' ? String(Math.round(value * 10) / 10) : value)
  return made
}

function text(x: number, y: number, anchor: string, content: string): SVGElement {
  const made = shape('text', { x, y, 'text-anchor': anchor })
  made.textContent = content
  return made
}

/** At most so many points: each is the mean of some neighbors, and the last stays. */
function thinned(points: readonly Point[], most: number): readonly Point[] {
  const each = Math.ceil(points.length / most)
  if (each <= 1) return points
  const means: Point[] = []
  for (let i = 0; i < points.length; i += each) {
    const some = points.slice(i, i + each)
    means.push({ at: some[0].at, value: some.reduce((sum, { value }) => sum + value, 0) / some.length })
  }
  return [...means, points[points.length - 1]]
}
