import { bitsPerByte, byteSize, compactCount } from '../terminal/quantities.ts'
import { fit } from '../terminal/terminal.ts'
import { maxDomains, worst } from './legible.ts'
import type { LifeReport, LossPoint } from './life-report.ts'
import {
  type ChartBand,
  type ChartLine,
  type ChartMarker,
  lineChart,
  type Tone,
} from './charts/line-chart.ts'
import { smoothLoss, thinLoss } from './loss-series.ts'

/** The moving average looks back over this share of a life. */
const smoothingShare = 1 / 120

/** About one stretch per pixel of the plot. */
const stretches = 800

/** How many domains have a color of their own; the next ones begin again. */
const domainColors = 6

/** Loss of each batch before it was learnt, with the drift alarms. */
export function prequentialChart(report: LifeReport): string {
  const end = lifeLength(report)
  const smooth = smoothPrequential(report)
  const last = smooth[smooth.length - 1]?.bitsPerByte
  const lines: ChartLine[] = [
    { tone: 'quiet', form: 'faint', points: thinLoss(report.prequential, stretches).map(toPoint) },
    {
      tone: 'ink',
      points: thinLoss(smooth, stretches).map(toPoint),
      ...(last === undefined ? {} : { label: bitsPerByte(last) }),
    },
  ]
  return lineChart({
    ...frame(report),
    description: `Bits per byte of each batch before it was learnt, over ${byteSize(end)} of text`,
    height: 250,
    yFormat: (value, decimals) => value.toFixed(decimals),
    lines,
    markers: report.alarms.map(alarmMarker),
  })
}

/** Number of parameters, with what grew. */
export function parameterChart(report: LifeReport): string {
  const end = lifeLength(report)
  const points = report.parameters.map(({ bytes, parameters }) => ({ x: bytes, y: parameters }))
  const last = points[points.length - 1]
  const held = last && last.x < end ? [...points, { x: end, y: last.y }] : points
  return lineChart({
    ...frame(report),
    description: `Number of parameters over ${byteSize(end)} of text`,
    height: 90,
    yFormat: (value) => roundTick(compactCount(value)),
    lines: [{ tone: 'growth', form: 'step', points: held, ...(last ? { label: compactCount(last.y) } : {}) }],
    markers: report.growth.map(
      ({ bytes, text, reason }): ChartMarker => ({
        x: bytes,
        label: text,
        title: `${text} at ${byteSize(bytes)}: ${reason}`,
        tone: 'growth',
      }),
    ),
  })
}

/** Loss on held-out text of every domain; of many, of those that are known worst at the end. */
export function heldOutChart(report: LifeReport): string {
  const toneOf = domainTones(report)
  const drawn = worst(report.heldOut, maxDomains, ({ points }) => points.at(-1)?.bitsPerByte ?? 0)
  return lineChart({
    ...frame(report),
    description: 'Bits per byte on held-out text of each domain, over the bytes seen',
    height: 220,
    yFormat: (value, decimals) => value.toFixed(decimals),
    lines: drawn.shown.map(({ domain, points }): ChartLine => {
      const last = points[points.length - 1]
      return {
        tone: toneOf(domain),
        points: thinLoss(points, stretches).map(toPoint),
        ...(points.length <= 60 ? { form: 'dots' as const } : {}),
        ...(last ? { label: `${fit(domain, 12)} ${bitsPerByte(last.bitsPerByte)}` } : {}),
      }
    }),
    markers: [],
  })
}

/** The moving average of the loss before learning. */
export function smoothPrequential(report: LifeReport): LossPoint[] {
  return smoothLoss(report.prequential, Math.max(1, lifeLength(report) * smoothingShare))
}

/** How many bytes were seen, by whichever series knows the most. */
export function lifeLength({ spans, prequential }: LifeReport): number {
  return spans.reduce((most, { to }) => Math.max(most, to), prequential[prequential.length - 1]?.bytes ?? 0)
}

function frame(report: LifeReport): {
  xMax: number
  xFormat: (value: number, decimals: number) => string
  bands: ChartBand[]
} {
  const toneOf = domainTones(report)
  const bands = report.spans.map(
    ({ domain, from, to }): ChartBand => ({ from, to, label: domain, tone: toneOf(domain) }),
  )
  return {
    xMax: lifeLength(report),
    xFormat: (value) => (value === 0 ? '0' : roundTick(byteSize(value))),
    bands,
  }
}

/** A round quantity without the zeros that three significant digits would add: `1.50 M` → `1.5 M`. */
function roundTick(quantity: string): string {
  return quantity.replace(/(\.\d*?)0+(?= )/, '$1').replace('. ', ' ')
}

function alarmMarker({ bytes, detector, verdict, delayBytes }: LifeReport['alarms'][number]): ChartMarker {
  const delay = delayBytes === null ? '' : ` after ${byteSize(delayBytes)}`
  const label = { 'true-change': `noticed${delay}`, 'false-alarm': 'false alarm', unknown: 'alarm' }[verdict]
  return {
    x: bytes,
    label,
    title: `${detector} at ${byteSize(bytes)}: ${label}`,
    tone: verdict === 'false-alarm' ? 'quiet' : 'drift',
  }
}

/** The color of each domain, by the order in which they are shown. */
function domainTones({ domains, spans }: LifeReport): (name: string) => Tone {
  const places = new Map<string, number>()
  for (const name of [...domains.map((own) => own.name), ...spans.map(({ domain }) => domain)]) {
    if (!places.has(name)) places.set(name, places.size)
  }
  return (name) => {
    const place = places.get(name)
    return place === undefined ? 'ink' : `domain-${place % domainColors}`
  }
}

function toPoint({ bytes, bitsPerByte: y }: { bytes: number; bitsPerByte: number }): {
  x: number
  y: number
} {
  return { x: bytes, y }
}
