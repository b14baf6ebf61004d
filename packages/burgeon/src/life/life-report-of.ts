/** Turns the record of a life into what the report page shows. */
import type { LearnerEvent } from '@burgeon/continual'
import type {
  DomainMatrix,
  DriftAlarm,
  ForgettingRow,
  GrowthEvent,
  LifeReport,
} from '../report/life-report.ts'
import type { Life } from './life-checkpoint.ts'
import type { LifeRecord, Measurement } from './life-record.ts'

/** What the record does not know. */
export type ReportFrame = Pick<
  LifeReport,
  'title' | 'when' | 'command' | 'machine' | 'domains' | 'samples' | 'checkpoint'
> & {
  /** Whether the places where domains change are known to be true changes of the stream. */
  readonly changesAreKnown: boolean
}

export function lifeReportOf({ settings, learner, record }: Life, frame: ReportFrame): LifeReport {
  const { changesAreKnown, ...rest } = frame
  const { model } = learner
  return {
    ...rest,
    seconds: record.seconds,
    config: [
      {
        label: 'blocks',
        value: model.config.blocks
          .map(({ id, mlpHidden, heads, headDim }) => `${id}: ${mlpHidden}, ${heads} heads of ${headDim}`)
          .join('; '),
      },
      { label: 'width', value: String(model.config.embed) },
      { label: 'context', value: `${model.config.context} bytes` },
      { label: 'batch', value: `${settings.rows} rows` },
      { label: 'learning rate', value: String(settings.learningRate) },
      { label: 'memory', value: `${settings.memoryRows} rows, ${settings.rehearsalShare} old per new` },
      { label: 'protection', value: `EWC λ ${settings.protection}` },
      { label: 'seed', value: String(settings.seed) },
    ],
    spans: record.spans,
    prequential: record.prequential,
    heldOut: heldOutCurves(record.measurements),
    parameters: record.parameters,
    alarms: driftAlarms(record, changesAreKnown),
    growth: record.events.flatMap(({ bytes, event }) =>
      event.kind === 'growth' ? [growthEvent(bytes, event)] : [],
    ),
    matrix: domainMatrix(record.measurements),
    forgetting: forgettingRows(record.measurements),
  }
}

function heldOutCurves(measurements: readonly Measurement[]): LifeReport['heldOut'] {
  const names = Object.keys(measurements[0]?.bitsPerByte ?? {})
  return names.map((domain) => ({
    domain,
    points: measurements.map(({ bytes, bitsPerByte }) => ({ bytes, bitsPerByte: bitsPerByte[domain] })),
  }))
}

/** One row for each stage; measurements along the way belong to the curves alone. */
export function domainMatrix(measurements: readonly Measurement[]): DomainMatrix {
  const domains = Object.keys(measurements[0]?.bitsPerByte ?? {})
  const rows = measurements.flatMap(({ stage, learnt, bitsPerByte }) =>
    stage === null ? [] : [{ stage, learnt, values: domains.map((domain) => bitsPerByte[domain] ?? null) }],
  )
  return { domains, rows }
}

/** Loss right after a domain was learnt against the loss at the end; of a domain learnt twice the first time counts. */
export function forgettingRows(measurements: readonly Measurement[]): ForgettingRow[] {
  const last = measurements.at(-1)
  const domains = Object.keys(last?.bitsPerByte ?? {})
  return domains.flatMap((domain) => {
    const own = measurements.find(({ learnt }) => learnt === domain)
    if (own === undefined || last === undefined) return []
    return [{ domain, whenLearnt: own.bitsPerByte[domain], atEnd: last.bitsPerByte[domain] }]
  })
}

/**
 * Each alarm with its verdict: the first one after a change of domain noticed that change, any other is false.
 *
 * @param changesAreKnown Without that, nobody can say.
 */
export function driftAlarms(
  { spans, events }: Pick<LifeRecord, 'spans' | 'events'>,
  changesAreKnown: boolean,
): DriftAlarm[] {
  const noticed = new Set<number>()
  return events.flatMap(({ bytes, event }): DriftAlarm[] => {
    if (event.kind !== 'drift') return []
    const { detector } = event
    if (!changesAreKnown) return [{ bytes, detector, verdict: 'unknown', delayBytes: null }]
    const span = spans.findLastIndex(({ from }) => from < bytes)
    const first = span > 0 && !noticed.has(span)
    noticed.add(span)
    if (!first) return [{ bytes, detector, verdict: 'false-alarm', delayBytes: null }]
    return [{ bytes, detector, verdict: 'true-change', delayBytes: bytes - spans[span].from }]
  })
}

function growthEvent(bytes: number, { record, reason }: LearnerEvent & { kind: 'growth' }): GrowthEvent {
  return {
    bytes,
    text: record.summary,
    parametersBefore: record.parametersBefore,
    parametersAfter: record.parametersAfter,
    logitsMoved: record.logitsMoved,
    reason,
  }
}
