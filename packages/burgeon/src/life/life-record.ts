/** What a life has been so far: the series behind the report. Plain data that lives in the checkpoint. */
import type { LearnerEvent, StepReport } from '@burgeon/continual'
import type { LifePosition } from './life-source.ts'

/** Held-out loss of every domain at one place of the stream. */
export interface Measurement {
  readonly bytes: number
  /** `before anything`, `after prose`, or nothing for a measurement along the way. */
  readonly stage: string | null
  /** The domain just learnt; null at the beginning and along the way. */
  readonly learnt: string | null
  /** Bits per byte by domain. */
  readonly bitsPerByte: Readonly<Record<string, number>>
}

/** Everything that happened, in the order in which it did. */
export interface LifeRecord {
  /** Bytes learnt. */
  bytes: number
  /** Where the stream goes on; null at the beginning. */
  position: LifePosition | null
  /** Seconds lived, over all sittings. */
  seconds: number
  /** Where each domain began and ended. */
  readonly spans: { domain: string; from: number; to: number }[]
  /** Prequential loss of every step: bytes before it, and bits per byte. */
  readonly prequential: { bytes: number; bitsPerByte: number }[]
  readonly measurements: Measurement[]
  readonly parameters: { bytes: number; parameters: number }[]
  readonly events: { bytes: number; event: LearnerEvent }[]
}

/** The record of a life that has not begun, with the number of parameters it is born with. */
export function emptyRecord(parameters: number): LifeRecord {
  return {
    bytes: 0,
    position: null,
    seconds: 0,
    spans: [],
    prequential: [],
    measurements: [],
    parameters: [{ bytes: 0, parameters }],
    events: [],
  }
}

/** Adds one step. */
export function recordStep(record: LifeRecord, report: StepReport, position: LifePosition): void {
  const [domain] = report.domains
  record.prequential.push({ bytes: record.bytes, bitsPerByte: report.bitsPerByte })
  const span = record.spans.at(-1)
  const end = record.bytes + report.bytes
  if (span?.domain === domain) span.to = end
  else record.spans.push({ domain, from: record.bytes, to: end })
  record.bytes = end
  record.position = position
  for (const event of report.events) record.events.push({ bytes: end, event })
  if (record.parameters.at(-1)?.parameters !== report.parameters) {
    record.parameters.push({ bytes: end, parameters: report.parameters })
  }
}

/** Mean prequential loss of the latest steps, for the progress line; null before the first. */
export function recentBitsPerByte(record: LifeRecord, steps = 20): number | null {
  const latest = record.prequential.slice(-steps)
  if (latest.length === 0) return null
  return latest.reduce((total, point) => total + point.bitsPerByte, 0) / latest.length
}
