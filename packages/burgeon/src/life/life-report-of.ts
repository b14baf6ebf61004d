/** Turns the record of a life into what the report page shows. */
import { DomainMatrix, type LearnerEvent, scoreAlarms } from '@burgeon/continual'
import type {
  DomainMatrix as DomainTable,
  DriftAlarm,
  ForgettingRow,
  GrowthEvent,
  LifeReport,
} from '../report/life-report.ts'
import { lossCurve } from './bounded-series.ts'
import type { Life } from './life-checkpoint.ts'
import type { LifeRecord, Measurement } from './life-record.ts'

/** What the record does not know. */
export type ReportFrame = Pick<
  LifeReport,
  'title' | 'when' | 'command' | 'machine' | 'domains' | 'samples' | 'checkpoint' | 'changesAreKnown'
>

export function lifeReportOf({ settings, learner, record }: Life, frame: ReportFrame): LifeReport {
  const { model } = learner
  return {
    ...frame,
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
      ...(settings.protection > 0 ? [{ label: 'protection', value: `EWC λ ${settings.protection}` }] : []),
      { label: 'seed', value: String(settings.seed) },
    ],
    spans: record.spans,
    prequential: lossCurve(record),
    heldOut: heldOutCurves(record.measurements),
    parameters: record.parameters,
    alarms: driftAlarms(record, frame.changesAreKnown),
    growth: record.events.flatMap(({ bytes, event }) =>
      event.kind === 'growth' ? [growthEvent(bytes, event)] : [],
    ),
    matrix: domainMatrix(record.measurements),
    forgetting: forgettingRows(record.measurements),
  }
}

function heldOutCurves(measurements: readonly Measurement[]): LifeReport['heldOut'] {
  return domainsOf(measurements).map((domain) => ({
    domain,
    points: measurements.flatMap(({ bytes, bitsPerByte }) =>
      domain in bitsPerByte ? [{ bytes, bitsPerByte: bitsPerByte[domain] }] : [],
    ),
  }))
}

/** Domains in the order in which they were first measured: a life that goes on with another text gets more of them. */
function domainsOf(measurements: readonly Measurement[]): string[] {
  return [...new Set(measurements.flatMap(({ bitsPerByte }) => Object.keys(bitsPerByte)))]
}

/** One row for each stage; measurements along the way belong to the curves alone. */
export function domainMatrix(measurements: readonly Measurement[]): DomainTable {
  const domains = domainsOf(measurements)
  const rows = measurements.flatMap(({ stage, learnt, bitsPerByte }) =>
    stage === null ? [] : [{ stage, learnt, values: domains.map((domain) => bitsPerByte[domain] ?? null) }],
  )
  return { domains, rows }
}

/**
 * Loss of each domain right after it was learnt and at the end, as in `DomainMatrix.forgettingOf(…, 'whenLearnt')`; of
 * a domain learnt twice the first time counts. A domain not learnt yet has no row.
 */
export function forgettingRows(measurements: readonly Measurement[]): ForgettingRow[] {
  const last = measurements.at(-1)
  const matrix = evaluationsOf(measurements)
  return matrix.domains.flatMap((domain) => {
    const own = matrix.evaluations.indexOf(domain)
    const whenLearnt = own < 0 ? null : matrix.value(own, domain)
    if (whenLearnt === null || last?.bitsPerByte[domain] === undefined) return []
    return [{ domain, whenLearnt, atEnd: last.bitsPerByte[domain] }]
  })
}

/** The measurements taken whenever a domain had been learnt, with all that `DomainMatrix` can say of them. */
export function evaluationsOf(measurements: readonly Measurement[]): DomainMatrix {
  const domains = domainsOf(measurements)
  const matrix = new DomainMatrix(domains)
  for (const { learnt, bitsPerByte } of measurements) {
    // What is learnt twice in a row, as in a second pass, is judged by the first time.
    if (learnt === null || !domains.includes(learnt) || matrix.evaluations.at(-1) === learnt) continue
    for (const [domain, value] of Object.entries(bitsPerByte)) matrix.record(learnt, domain, value)
  }
  return matrix
}

/** A change of the stream counts as noticed if an alarm follows within so many bytes. */
export const noticedWithin = 8192

/**
 * Each alarm with its verdict, by the definition of `scoreAlarms`: the first one within `noticedWithin` bytes after a
 * change of domain is true, any other is false.
 *
 * @param changesAreKnown Without that, nobody can tell, and every verdict is `unknown`.
 */
export function driftAlarms(
  { spans, events }: Pick<LifeRecord, 'spans' | 'events'>,
  changesAreKnown: boolean,
): DriftAlarm[] {
  const raised = events.flatMap(({ bytes, event }) =>
    event.kind === 'drift' ? [{ bytes, detector: event.detector }] : [],
  )
  if (!changesAreKnown) return raised.map((alarm) => ({ ...alarm, verdict: 'unknown', delayBytes: null }))
  const changes = spans.slice(1).map(({ from }) => from)
  const score = scoreAlarms({ changes, alarms: raised.map(({ bytes }) => bytes), within: noticedWithin })
  return raised.map((alarm, i) => {
    const { isTrue, delay } = score.alarms[i]
    return { ...alarm, verdict: isTrue ? 'true-change' : 'false-alarm', delayBytes: delay }
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
