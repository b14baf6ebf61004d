import { fit } from '../../terminal/terminal.ts'
import { axisTicks } from './axis-ticks.ts'
import { escapeMarkup } from './escape-markup.ts'
import { spreadLabels, stackLabels, textWidth } from './label-layout.ts'
import { thinBands, thinMarkers } from './thin-marks.ts'

/** Names of colors; the page's style sheet says what they are in light and dark. */
export type Tone = 'ink' | 'quiet' | 'drift' | 'growth' | `domain-${number}`

export interface ChartPoint {
  readonly x: number
  readonly y: number
}

export interface ChartLine {
  readonly tone: Tone
  readonly points: readonly ChartPoint[]
  /** `faint` for a noisy background, `step` for what holds until it changes, `dots` for few measurements. */
  readonly form?: 'faint' | 'step' | 'dots'
  /** Written at the end of the line. */
  readonly label?: string
}

/** A shaded stretch of the x axis with its name above. */
export interface ChartBand {
  readonly from: number
  readonly to: number
  readonly label: string
  /** Description; the label unless given. */
  readonly title?: string
  readonly tone: Tone
}

/**
 * A vertical line with its label above. Where there is no room for the label, the `title` still says what it
 * is.
 */
export interface ChartMarker {
  readonly x: number
  readonly label: string
  readonly title: string
  readonly tone: Tone
}

export interface LineChart {
  /** Description of the picture, for those who cannot see it. */
  readonly description: string
  /** Height of the plot in pixels, without labels. */
  readonly height: number
  readonly xMax: number
  readonly xFormat: (value: number, decimals: number) => string
  readonly yFormat: (value: number, decimals: number) => string
  readonly lines: readonly ChartLine[]
  readonly bands: readonly ChartBand[]
  readonly markers: readonly ChartMarker[]
}

const width = 960
const margin = { left: 50, right: 130, bottom: 26 }
const laneHeight = 15
const lanes = 4
const fontSize = 12
/** Pixels that a band or the room between two markers takes to be seen. */
const narrowest = 2

/**
 * An SVG line chart that starts at zero on both axes: thin lines labeled at their ends, bands, and event
 * markers.
 */
export function lineChart(chart: LineChart): string {
  const shown = chart.lines.map((line) => ({ ...line, points: line.points.filter(isFinitePoint) }))
  const ticksX = axisTicks(0, chart.xMax, 8)
  const ticksY = axisTicks(
    0,
    shown.flatMap(({ points }) => points).reduce((top, { y }) => Math.max(top, y), 0),
    4,
  )
  const right = width - margin.right
  const narrow = (narrowest * chart.xMax) / (right - margin.left)
  const bands = thinBands(chart.bands, narrow)
  const markers = placeMarkers(thinMarkers(chart.markers, narrow), chart.xMax)
  const used = markers.reduce((most, { lane }) => Math.max(most, lane === null ? 0 : lane + 1), 0)
  const top = (used + (bands.length > 0 ? 1 : 0)) * laneHeight + 8
  const bottom = top + chart.height
  const x = xScale(chart.xMax)
  const yTop = ticksY.values[ticksY.values.length - 1]
  const y = (value: number): number => bottom - (value / yTop) * chart.height

  const axisY = ticksY.values.map(
    (value) =>
      `<path class="grid" d="M${margin.left} ${px(y(value))}H${right}"/>` +
      text('tick end', margin.left - 8, y(value) + 4, chart.yFormat(value, ticksY.decimals)),
  )
  const axisX = ticksX.values
    .filter((value) => value <= chart.xMax)
    .map(
      (value) =>
        `<path class="axis" d="M${px(x(value))} ${bottom}v4"/>` +
        text('tick middle', x(value), bottom + 17, chart.xFormat(value, ticksX.decimals)),
    )
  return (
    `<svg class="chart" viewBox="0 0 ${width} ${bottom + margin.bottom}" role="img" aria-label="${escapeMarkup(chart.description)}">` +
    bands.map((band) => drawBand(band, x, top, bottom, markers)).join('') +
    axisY.join('') +
    axisX.join('') +
    markers.map((marker) => drawMarker(marker, top, bottom, bands.length > 0)).join('') +
    shown.map((line) => drawLine(line, x, y)).join('') +
    endLabels(shown, y, top, bottom) +
    '</svg>'
  )
}

function xScale(xMax: number): (value: number) => number {
  const span = width - margin.left - margin.right
  return (value) => margin.left + (xMax > 0 ? Math.min(1, Math.max(0, value / xMax)) : 0) * span
}

function drawBand(
  band: ChartBand,
  x: (value: number) => number,
  top: number,
  bottom: number,
  markers: readonly PlacedMarker[],
): string {
  const [from, to] = [x(band.from), x(band.to)]
  const size = textWidth(band.label, fontSize)
  // The name stands at the start of its band, or right of the first markers that would strike it through.
  const crossings = markers.map(({ place }) => place).filter((place) => place >= from - 2 && place < to)
  const starts = [from + 2, ...crossings.map((place) => place + 4)].filter((at) => at + size < to)
  const start = starts.find((at) => crossings.every((place) => place < at || place > at + size)) ?? starts[0]
  const area = `x="${px(from)}" y="${top}" width="${px(Math.max(0, to - from))}" height="${bottom - top}"`
  return (
    `<rect class="band fill-${band.tone}" ${area}><title>${escapeMarkup(band.title ?? band.label)}</title></rect>` +
    (start === undefined ? '' : text(`fill-${band.tone}`, start, top - 6, band.label))
  )
}

type PlacedMarker = ChartMarker & { readonly place: number; readonly lane: number | null }

function placeMarkers(markers: readonly ChartMarker[], xMax: number): PlacedMarker[] {
  const x = xScale(xMax)
  const placed = markers.map((marker) => {
    const place = x(marker.x)
    const characters = Math.floor((width - place) / (0.58 * fontSize))
    return { ...marker, place, label: fit(marker.label, characters) }
  })
  const found = stackLabels(
    placed.map(({ place, label }) => ({ at: place, size: textWidth(label, fontSize) + 12 })),
    lanes,
  )
  return placed.map((marker, i) => ({ ...marker, lane: found[i] }))
}

function drawMarker(marker: PlacedMarker, top: number, bottom: number, belowNames: boolean): string {
  const { place, lane, tone } = marker
  const height = lane === null ? 0 : (lane + (belowNames ? 2 : 1)) * laneHeight - 4
  return (
    `<g><title>${escapeMarkup(marker.title)}</title>` +
    `<path class="marker line-${tone}" d="M${px(place)} ${px(top - height)}V${bottom}"/>` +
    `${lane === null ? '' : text(`fill-${tone}`, place + 4, top - height + 7, marker.label)}</g>`
  )
}

function drawLine(line: ChartLine, x: (value: number) => number, y: (value: number) => number): string {
  const points = line.points.map((point) => ({ x: px(x(point.x)), y: px(y(point.y)) }))
  if (points.length === 0) return ''
  const path = points
    .map((point, i) =>
      i === 0
        ? `M${point.x} ${point.y}`
        : line.form === 'step'
          ? `H${point.x}V${point.y}`
          : `L${point.x} ${point.y}`,
    )
    .join('')
  const dots = line.form === 'dots' || points.length === 1 ? points : []
  return (
    `<path class="line line-${line.tone}${line.form === 'faint' ? ' faint' : ''}" d="${path}"/>` +
    dots.map((point) => `<circle class="fill-${line.tone}" cx="${point.x}" cy="${point.y}" r="2"/>`).join('')
  )
}

function endLabels(
  lines: readonly ChartLine[],
  y: (value: number) => number,
  top: number,
  bottom: number,
): string {
  const labeled = lines.filter((line) => line.label !== undefined && line.points.length > 0)
  const ends = labeled.map((line) => y(line.points[line.points.length - 1].y))
  const places = spreadLabels(
    ends.map((at) => ({ at, size: laneHeight })),
    top - 4,
    bottom + 4,
  )
  const edge = width - margin.right
  const moved = places.map((place, i) => Math.abs(place - ends[i]) > 1)
  const start = edge + (moved.includes(true) ? 12 : 7)
  return labeled
    .map((line, i) => {
      const leader = `<path class="leader line-${line.tone}" d="M${edge + 2} ${px(ends[i])}L${start - 3} ${px(places[i])}"/>`
      return (moved[i] ? leader : '') + text(`fill-${line.tone}`, start, places[i] + 4, line.label ?? '')
    })
    .join('')
}

function text(classes: string, x: number, y: number, content: string): string {
  return `<text class="${classes}" x="${px(x)}" y="${px(y)}">${escapeMarkup(content)}</text>`
}

/** A tenth of a pixel is finer than any eye and keeps the page small. */
function px(value: number): number {
  return Math.round(value * 10) / 10
}

function isFinitePoint({ x, y }: ChartPoint): boolean {
  return Number.isFinite(x) && Number.isFinite(y)
}
