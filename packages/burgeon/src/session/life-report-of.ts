/** Turns the record of a life into what the report page shows. */
import { DomainMatrix, type LearnerEvent, scoreAlarms } from '@burgeon/continual'
import { checkArgument, checkOptions, checks, fields } from '@burgeon/tensor'
import type {
  DomainMatrix as DomainTable,
  DriftAlarm,
  ForgettingRow,
  GrowthEvent,
  LifeReport,
  LossPoint,
} from '../report/life-report.ts'
import { maxDomains, ends } from '../report/legible.ts'
import { lossCurve } from './record/bounded-series.ts'
import { certaintyLines } from './life/life-certainty.ts'
import { guardLines } from './life/life-guarded.ts'
import type { Life } from './life/life-checkpoint.ts'
import { type LifeRecord, type Measurement, predictedOf } from './record/life-record.ts'
import { events, measurements as someMeasurements, spans } from './record/record-checks.ts'

/** The parts of a report that the record of a life does not hold. */
export type ReportFrame = Pick<
  LifeReport,
  'title' | 'when' | 'command' | 'machine' | 'domains' | 'samples' | 'checkpoint' | 'changesAreKnown'
>

export function lifeReportOf({ settings, learner, record }: Life, frame: ReportFrame): LifeReport {
  const { model } = learner
  const predicted = predictedOf(record)
  const slept = record.events.flatMap(({ bytes, event }) =>
    event.kind === 'sleep'
      ? event.data.jobs.map(({ job, kept, reason }) => ({ bytes, job, kept, reason }))
      : [],
  )
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
      { label: 'context', value: `${model.config.context} ${settings.pretrained ? 'tokens' : 'bytes'}` },
      { label: 'batch', value: `${settings.rows} rows` },
      { label: 'learning rate', value: String(settings.learningRate) },
      { label: 'memory', value: `${settings.memoryRows} rows, ${settings.rehearsalShare} old per new` },
      ...(settings.protection > 0 ? [{ label: 'protection', value: `EWC λ ${settings.protection}` }] : []),
      ...(settings.sleepEvery === undefined
        ? []
        : [{ label: 'sleep', value: `every ${settings.sleepEvery} steps` }]),
      ...certaintyLines(settings, learner),
      ...guardLines(learner),
      { label: 'seed', value: String(settings.seed) },
    ],
    spans: record.spans,
    prequential: lossCurve(record),
    ...(predicted && { predicted: { mean: predicted.mean, late: predicted.faded } }),
    heldOut: heldOutCurves(record.measurements),
    parameters: record.parameters,
    alarms: driftAlarms(record, frame.changesAreKnown),
    growth: record.events.flatMap(({ bytes, event }) =>
      event.kind === 'growth' ? [growthEvent(bytes, event)] : [],
    ),
    ...(slept.length > 0 && { slept }),
    matrix: domainMatrix(record.measurements, { domains: maxDomains, first: 10, last: 30 }),
    forgetting: forgettingRows(record.measurements),
  }
}

function heldOutCurves(measurements: readonly Measurement[]): LifeReport['heldOut'] {
  const curves = new Map<string, LossPoint[]>()
  for (const { bytes, bitsPerByte } of measurements) {
    for (const [domain, value] of Object.entries(bitsPerByte)) {
      const points = curves.get(domain) ?? []
      points.push({ bytes, bitsPerByte: value })
      curves.set(domain, points)
    }
  }
  return [...curves].map(([domain, points]) => ({ domain, points }))
}

/**
 * Domains in the order in which they were first measured: a life that goes on with another text gets more of
 * them.
 */
function domainsOf(measurements: readonly Measurement[]): Set<string> {
  return new Set(measurements.flatMap(({ bitsPerByte }) => Object.keys(bitsPerByte)))
}

/**
 * One row for each stage; measurements along the way belong to the curves alone.
 *
 * @param limits How many domains it shows, and of the stages how many of the first and of the last; all
 *   unless given.
 */
export function domainMatrix(
  measurements: readonly Measurement[],
  limits: { readonly domains: number; readonly first: number; readonly last: number } = everything,
): DomainTable {
  checkArgument('domainMatrix', 'measurements', measurements, someMeasurements)
  checkOptions('domainMatrix', limits, { domains: howMany, first: howMany, last: howMany })
  const domains = ends([...domainsOf(measurements)], limits.domains, 0)
  const stages = ends(
    measurements.flatMap(({ stage, ...rest }) => (stage === null ? [] : [{ stage, ...rest }])),
    limits.first,
    limits.last,
  )
  const rows = stages.shown.map(({ stage, learnt, bitsPerByte }) => ({
    stage,
    learnt,
    values: domains.shown.map((domain) => bitsPerByte[domain] ?? null),
  }))
  const leftOut = { domains: domains.more, stages: stages.more }
  return {
    domains: domains.shown,
    rows,
    ...(leftOut.domains + leftOut.stages > 0 && { leftOut }),
  }
}

/**
 * Loss of each domain right after it was learnt and at the end, as in `DomainMatrix.forgettingOf(…,
 * 'whenLearnt')`; of a domain learnt twice the first time counts. A domain not learnt yet has no row.
 */
export function forgettingRows(measurements: readonly Measurement[]): ForgettingRow[] {
  checkArgument('forgettingRows', 'measurements', measurements, someMeasurements)
  const last = measurements.at(-1)
  const matrix = evaluationsOf(measurements)
  const own = new Map<string, number>()
  for (const [i, learnt] of matrix.evaluations.entries()) if (!own.has(learnt)) own.set(learnt, i)
  return matrix.domains.flatMap((domain) => {
    const row = own.get(domain)
    const whenLearnt = row === undefined ? null : matrix.value(row, domain)
    if (whenLearnt === null || last?.bitsPerByte[domain] === undefined) return []
    return [{ domain, whenLearnt, atEnd: last.bitsPerByte[domain] }]
  })
}

/** The measurements taken whenever a domain had been learnt, with all that `DomainMatrix` can say of them. */
export function evaluationsOf(measurements: readonly Measurement[]): DomainMatrix {
  checkArgument('evaluationsOf', 'measurements', measurements, someMeasurements)
  const domains = domainsOf(measurements)
  const matrix = new DomainMatrix([...domains])
  let latest: string | null = null
  for (const { learnt, bitsPerByte } of measurements) {
    // What is learnt twice in a row, as in a second pass, is judged by the first time.
    if (learnt === null || !domains.has(learnt) || latest === learnt) continue
    for (const [domain, value] of Object.entries(bitsPerByte)) {
      matrix.record(learnt, domain, value)
      latest = learnt
    }
  }
  return matrix
}

const everything = { domains: Infinity, first: Infinity, last: Infinity }
const howMany = checks.required(checks.integer({ from: 0, infinite: true }))

/** A change of the stream counts as noticed if an alarm follows within so many bytes. */
export const noticedWithin = 8192

const whatHappened = fields('the record of a life', { spans, events })

/**
 * Each alarm with its verdict, by the definition of `scoreAlarms`: the first one within `noticedWithin` bytes
 * after a change of domain is true, any other is false.
 *
 * @param changesAreKnown Without that, nobody can tell, and every verdict is `unknown`.
 */
export function driftAlarms(
  record: Pick<LifeRecord, 'spans' | 'events'>,
  changesAreKnown: boolean,
): DriftAlarm[] {
  checkArgument('driftAlarms', 'record', record, whatHappened)
  checkArgument('driftAlarms', 'changesAreKnown', changesAreKnown, checks.boolean)
  const raised = record.events.flatMap(({ bytes, event }) =>
    event.kind === 'drift' ? [{ bytes, detector: event.part }] : [],
  )
  if (!changesAreKnown) return raised.map((alarm) => ({ ...alarm, verdict: 'unknown', delayBytes: null }))
  const changes = record.spans.slice(1).map(({ from }) => from)
  const score = scoreAlarms({ changes, alarms: raised.map(({ bytes }) => bytes), within: noticedWithin })
  return raised.map((alarm, i) => {
    const { isTrue, delay } = score.alarms[i]
    return { ...alarm, verdict: isTrue ? 'true-change' : 'false-alarm', delayBytes: delay }
  })
}

function growthEvent(
  bytes: number,
  { data: { record, reason } }: LearnerEvent & { kind: 'growth' },
): GrowthEvent {
  return {
    bytes,
    text: record.summary,
    parametersBefore: record.parametersBefore,
    parametersAfter: record.parametersAfter,
    logitsMoved: record.logitsMoved,
    reason,
  }
}
