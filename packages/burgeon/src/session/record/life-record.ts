/**
 * The record of a life so far: the series behind the report. Plain data that lives in the checkpoint.
 *
 * It does not grow with the steps of a life, in memory or on disk: each series has a rule for what it lets go
 * of (`bounded-series.ts`). Only what belongs to growths, which are few, stays for good.
 */
import {
  eventFromState,
  extendJournal,
  type LearnerEvent,
  Prequential,
  type PrequentialReading,
  type PrequentialState,
  type StepReport,
} from '@burgeon/continual'
import { checkArgument, checks, checkState } from '@burgeon/tensor'
import { auditEvents, type AuditRecord } from '../audit/audit-record.ts'
import {
  addLoss,
  emptyCurve,
  joinSpans,
  lossCurve,
  type LossCurve,
  thinMeasurements,
} from './bounded-series.ts'
import type { SourcePosition } from '../../sources/source-read.ts'
import { savedRecord } from './record-checks.ts'

/** A place in a stream, plain data for the checkpoint. */
export type LifePosition = SourcePosition

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

/** How well the last checkpoint predicted that was not far worse than the one before it. */
export interface GoodCheckpoint {
  readonly step: number
  /** Prequential loss over the latest steps when it was saved. */
  readonly bitsPerByte: number
  /** Its number, once it is kept beside a later one that predicts far worse. */
  readonly kept: number | null
  /** Whether it is kept by the user's wish as well, and stays. */
  readonly stays?: boolean
}

/** Everything that happened, in the order in which it did. */
export interface LifeRecord {
  /** Bytes learnt. */
  bytes: number
  /** Where the stream goes on; null at the beginning. */
  position: LifePosition | null
  /** Seconds of learning, over all sessions. */
  seconds: number
  /** Where each domain began and ended; in a life of very many, earlier ones are joined. */
  spans: { domain: string; from: number; to: number }[]
  /** Prequential loss: bytes before some steps in a row, and their mean in bits per byte. */
  prequential: { bytes: number; bitsPerByte: number }[]
  /** The end of the loss curve, which is not in `prequential` yet. */
  readonly curve: LossCurve
  /**
   * Loss of everything before it was learnt, in bits per byte, by bytes; by no domain, of which there may be
   * very many.
   */
  predicted: PrequentialState
  measurements: Measurement[]
  readonly parameters: { bytes: number; parameters: number }[]
  /** Every growth, and the latest 4096 of all else. */
  events: { bytes: number; event: LearnerEvent }[]
  /** Names of the latest lessons that were learnt out of feedback. */
  feedback?: readonly string[]
  /** Pieces of feedback that stand beside it on disk, up to the last one that it has dealt with. */
  feedbackRead?: number
  /** When it was saved, in milliseconds since 1970 (UTC), of one that was saved because it had slept. */
  savedAsleep?: number
  /** Where its audit log stands; it begins with the first save. */
  audit?: AuditRecord
  /** Null before the first save. */
  good: GoodCheckpoint | null
  /**
   * Text that the model wrote when it had learnt a domain, one for each; none in a life of the user's own
   * text.
   */
  samples?: { bytes: number; domain: string; prompt: string; text: string }[]
}

/** The record of a life that has not begun, with the number of parameters it is born with. */
export function emptyRecord(parameters: number): LifeRecord {
  checkArgument('emptyRecord', 'parameters', parameters, checks.integer({ from: 0 }))
  return {
    bytes: 0,
    position: null,
    seconds: 0,
    spans: [],
    prequential: [],
    curve: emptyCurve(),
    predicted: new Prequential().toState(),
    measurements: [],
    parameters: [{ bytes: 0, parameters }],
    events: [],
    good: null,
  }
}

/**
 * A saved record, also one of an earlier version, which held every step. Throws StateError for a damaged one.
 */
export function recordFromState(who: string, state: unknown): LifeRecord {
  // That it was saved asleep is true of this checkpoint, and not of the next.
  const { curve, prequential, good, predicted, savedAsleep: _, ...rest } = checkState(who, state, savedRecord)
  const record: LifeRecord = {
    ...rest,
    prequential,
    good: good ?? null,
    curve: curve ?? emptyCurve(),
    predicted: predicted ?? new Prequential().toState(),
  }
  if (curve === undefined) {
    record.prequential = []
    for (const point of prequential) addLoss(record, point)
  }
  if (predicted === undefined) record.predicted = predictedByCurve(record)
  const events = record.events.map(({ bytes, event }) => ({ bytes, event: eventFromState(event) }))
  record.events = extendJournal(events, [], ({ event }) => event.kind)
  record.spans = joinSpans(record.spans)
  record.measurements = thinMeasurements(record.measurements)
  return record
}

/**
 * What the loss curve of an earlier version knows of it: a point counts for the bytes up to the next, and
 * fades what is older as a step does.
 */
function predictedByCurve(record: LifeRecord): PrequentialState {
  const predicted = new Prequential()
  const points = lossCurve(record)
  for (const [i, { bytes, bitsPerByte }] of points.entries()) {
    const length = (points[i + 1]?.bytes ?? record.bytes) - bytes
    if (length > 0 && Number.isFinite(bitsPerByte)) predicted.record(bitsPerByte, length)
  }
  return predicted.toState()
}

/** Bits per byte of everything before it was learnt, and of late; null before the first step. */
export function predictedOf({ predicted }: Pick<LifeRecord, 'predicted'>): PrequentialReading | null {
  return Prequential.fromState(predicted).overall()
}

/**
 * Who made the latest state of each record: to make it anew at each step would cost more than all else here.
 */
const makers = new WeakMap<PrequentialState, Prequential>()

function predictedAfter(
  before: PrequentialState,
  { bitsPerByte, bytes }: Pick<StepReport, 'bitsPerByte' | 'bytes'>,
): PrequentialState {
  const maker = makers.get(before) ?? Prequential.fromState(before)
  // It is past this state from now on: whoever goes on from here once more makes another.
  makers.delete(before)
  maker.record(bitsPerByte, bytes)
  const after = maker.toState()
  makers.set(after, maker)
  return after
}

/** What the record of a life takes of a step. */
export type RecordedStep = Pick<StepReport, 'domains' | 'bitsPerByte' | 'bytes' | 'events' | 'parameters'>

/** Adds one step. `position` is null where nobody knows the place in a stream. */
export function recordStep(record: LifeRecord, report: RecordedStep, position: LifePosition | null): void {
  const [domain] = report.domains
  addLoss(record, { bytes: record.bytes, bitsPerByte: report.bitsPerByte })
  record.predicted = predictedAfter(record.predicted, report)
  const span = record.spans.at(-1)
  const end = record.bytes + report.bytes
  if (span?.domain === domain) span.to = end
  else {
    record.spans.push({ domain, from: record.bytes, to: end })
    record.spans = joinSpans(record.spans)
  }
  record.bytes = end
  record.position = position
  recordEvents(record, report.events, report.parameters)
}

/** Adds what happened at the place where the life stands, and what it has come to in size. */
export function recordEvents(record: LifeRecord, all: readonly LearnerEvent[], parameters: number): void {
  const { bytes } = record
  const events = all.map((event) => ({ bytes, event }))
  record.events = extendJournal(record.events, events, ({ event }) => event.kind)
  auditEvents(record, all, parameters)
  if (record.parameters.at(-1)?.parameters !== parameters) record.parameters.push({ bytes, parameters })
}

/**
 * Mean prequential loss of the latest 20 steps, or of as many as there are; null before the first. Not the
 * faded mean of `predicted`: what decides whether a checkpoint is good must forget older steps wholly.
 */
export function recentBitsPerByte({ curve: { recent } }: Pick<LifeRecord, 'curve'>): number | null {
  const latest = recent.slice(-20)
  if (latest.length === 0) return null
  return latest.reduce((total, bits) => total + bits, 0) / latest.length
}
