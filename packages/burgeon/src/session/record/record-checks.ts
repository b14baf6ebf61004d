/**
 * Checks of each part of a life's record, for a caller and for a checkpoint. Losses may be any number: a life
 * can go wrong.
 */
import { Prequential } from '@burgeon/continual'
import { type Check, checks, fields, optional, type StateChecks } from '@burgeon/tensor'
import { anAuditRecord } from '../audit/audit-record.ts'
import type { LossCurve } from './bounded-series.ts'
import type { GoodCheckpoint, LifePosition, LifeRecord, Measurement } from './life-record.ts'

const count = checks.integer({ from: 0 })
const size = checks.number({ from: 0 })
const { text, anyNumber: loss } = checks

/** The same kind of value, or null. */
function orNull<T>(check: Check<T>): Check<T | null> {
  return {
    expected: `${check.expected}, or null`,
    accepts: (value): value is T | null => value === null || check.accepts(value),
  }
}

type Item<Series extends readonly unknown[]> = Series[number]
type Series<Name extends keyof LifeRecord> = Item<Extract<LifeRecord[Name], readonly unknown[]>>

/** A list of objects with these fields. */
const listOf = <T extends object>(what: string, one: string, of: StateChecks<T>): Check<T[]> =>
  checks.list(what, fields(one, of)) as Check<T[]>

/** A place in a stream. */
export const aPosition: Check<LifePosition> = fields<Required<LifePosition>>('a place in a stream', {
  file: text,
  offset: count,
  pass: optional(count) as Check<number>,
})

/** Measurements, in order. */
export const measurements: Check<Measurement[]> = listOf<Measurement>(
  'a list of measurements { bytes, stage, learnt, bitsPerByte }',
  'a measurement',
  {
    bytes: size,
    stage: orNull(text),
    learnt: orNull(text),
    bitsPerByte: checks.record('bits per byte by domain', loss),
  },
)

/** Which domain was learnt where. */
export const spans: Check<LifeRecord['spans']> = listOf<Series<'spans'>>(
  'a list of spans { domain, from, to }',
  'a span',
  { domain: text, from: size, to: size },
)

/** Events, in order. */
export const events: Check<LifeRecord['events']> = listOf<Series<'events'>>(
  'a list of events { bytes, event }',
  'an event',
  { bytes: size, event: checks.role('an event of a learner', 'kind') },
)

const samples = listOf<NonNullable<LifeRecord['samples']>[number]>(
  'a list of samples { bytes, domain, prompt, text }',
  'a sample',
  { bytes: size, domain: text, prompt: text, text },
)

const parts = {
  bytes: count,
  position: orNull(aPosition),
  seconds: size,
  spans,
  prequential: listOf<Series<'prequential'>>('a list of losses { bytes, bitsPerByte }', 'a loss', {
    bytes: size,
    bitsPerByte: loss,
  }),
  measurements,
  parameters: listOf<Series<'parameters'>>('a list of sizes { bytes, parameters }', 'a size', {
    bytes: size,
    parameters: count,
  }),
  events,
  samples: optional(samples) as typeof samples,
  feedback: optional(checks.list('a list of names', text)) as Check<string[]>,
  feedbackRead: optional(count),
  savedAsleep: optional(size),
  audit: optional(anAuditRecord),
}
const curve: Check<LossCurve> = fields('the end of a loss curve', {
  stride: checks.integer({ from: 1 }),
  steps: count,
  total: loss,
  from: size,
  recent: checks.list('a list of numbers', loss) as Check<number[]>,
})
const good: Check<GoodCheckpoint | null> = orNull(
  fields<Required<GoodCheckpoint>>('the last good checkpoint', {
    ...{ step: count, bitsPerByte: loss, kept: orNull(count) },
    stays: optional(checks.boolean) as Check<boolean>,
  }),
)
const predicted: Check<LifeRecord['predicted']> = {
  expected: 'the state of a Prequential',
  accepts: (value): value is LifeRecord['predicted'] => {
    try {
      Prequential.fromState(value)
      return true
    } catch {
      return false
    }
  },
}
/** A record of this version. */
export const aRecord: Check<LifeRecord> = fields<LifeRecord>('the record of a life', {
  ...parts,
  curve,
  good,
  predicted,
})

/** A record as it is saved, by this version or an earlier one. */
type SavedRecord = Omit<LifeRecord, Later> & Partial<Pick<LifeRecord, Later>>
type Later = 'curve' | 'good' | 'predicted'

/**
 * A saved record. Earlier versions kept every loss instead of a curve, knew of no good checkpoint and no mean
 * of everything, and wrote no samples.
 */
export const savedRecord: StateChecks<SavedRecord> = {
  ...parts,
  curve: optional(curve),
  good: optional(good),
  predicted: optional(predicted),
}
