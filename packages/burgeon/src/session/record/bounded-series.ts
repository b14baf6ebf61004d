/**
 * The rules by which the series of a life let go of detail, so that a life of any length has a record of
 * bounded size.
 */
import type { LifeRecord, Measurement } from './life-record.ts'

/** The loss curve holds fewer points than this; when it is full, neighbors are joined. */
const maxLossPoints = 4096
const maxSpans = 4096
/** Max measurements along the way, and max measurements after a stage. */
const maxMeasurements = 1024
/** Steps whose loss is kept one by one. */
const recentSteps = 100

/** The end of a loss curve. */
export interface LossCurve {
  /** Steps whose mean is one point; a power of two. */
  stride: number
  /** Steps since the last point, and the sum of their losses. */
  steps: number
  total: number
  /** Bytes before the first of them. */
  from: number
  /** The loss of the latest steps, oldest first. */
  readonly recent: number[]
}

export const emptyCurve = (): LossCurve => ({ stride: 1, steps: 0, total: 0, from: 0, recent: [] })

/**
 * Adds the loss of a step. Each point is the mean of `stride` steps; when there are too many, two become one,
 * and the stride doubles.
 */
export function addLoss(
  record: Pick<LifeRecord, 'prequential' | 'curve'>,
  { bytes, bitsPerByte }: { bytes: number; bitsPerByte: number },
): void {
  const { curve } = record
  curve.recent.push(bitsPerByte)
  if (curve.recent.length > recentSteps) curve.recent.shift()
  if (curve.steps === 0) curve.from = bytes
  curve.steps++
  curve.total += bitsPerByte
  if (curve.steps < curve.stride) return
  record.prequential.push({ bytes: curve.from, bitsPerByte: curve.total / curve.steps })
  curve.steps = 0
  curve.total = 0
  if (record.prequential.length < maxLossPoints) return
  record.prequential = joinPairs(record.prequential, (a, b) => ({
    bytes: a.bytes,
    bitsPerByte: (a.bitsPerByte + b.bitsPerByte) / 2,
  }))
  curve.stride *= 2
}

/** The whole loss curve, the steps after its last point included. */
export function lossCurve({
  prequential,
  curve: { steps, total, from },
}: Pick<LifeRecord, 'prequential' | 'curve'>): LifeRecord['prequential'] {
  return steps === 0 ? prequential : [...prequential, { bytes: from, bitsPerByte: total / steps }]
}

/** When there are too many, those of the older half are joined in pairs: what was lately stays exact. */
export function joinSpans(spans: LifeRecord['spans']): LifeRecord['spans'] {
  let joined = spans
  while (joined.length >= maxSpans) {
    const older = joined.slice(0, maxSpans / 2)
    const pairs = joinPairs(older, (a, b) => ({ domain: range(a.domain, b.domain), from: a.from, to: b.to }))
    joined = pairs.concat(joined.slice(maxSpans / 2))
  }
  return joined
}

/** Between the first and the last domain of spans that were joined. */
const between = ' … '

const range = (first: string, last: string): string =>
  `${first.split(between)[0]}${between}${last.split(between).at(-1) ?? ''}`

/** Whether a span is of several domains, of which the first and the last are known. */
export const isJoined = ({ domain }: LifeRecord['spans'][number]): boolean => domain.includes(between)

/**
 * When there are too many along the way, every second of the older half of them goes. Of those after a stage,
 * what was measured first and lately stays, and the middle goes.
 */
export function thinMeasurements(measurements: Measurement[]): Measurement[] {
  const isStage = ({ stage }: Measurement): boolean => stage !== null
  const stages = measurements.filter(isStage)
  const along = measurements.length - stages.length
  if (along < maxMeasurements && stages.length < maxMeasurements) return measurements
  const quarter = maxMeasurements / 4
  let [stage, other] = [0, 0]
  return measurements.filter((measurement) => {
    if (isStage(measurement)) {
      stage++
      if (stages.length < maxMeasurements) return true
      return stage <= quarter || stage > stages.length - 2 * quarter
    }
    other++
    return along < maxMeasurements || other > along / 2 || other % 2 === 0
  })
}

function joinPairs<T>(items: readonly T[], join: (first: T, second: T) => T): T[] {
  return Array.from({ length: Math.ceil(items.length / 2) }, (_, i) =>
    2 * i + 1 < items.length ? join(items[2 * i], items[2 * i + 1]) : items[2 * i],
  )
}
