/** Reaches inside for the record of a life: however long the life, it is of bounded size, and still right. */
import { extendJournal, type LearnerEvent, type StepReport } from '@burgeon/continual'
import { emptyRecord, type LifeRecord } from 'burgeon/session'
import { expect, it } from 'vitest'
import { lossCurve, thinMeasurements } from '../../packages/burgeon/src/session/record/bounded-series.ts'
import {
  recentBitsPerByte,
  recordFromState,
  recordStep,
} from '../../packages/burgeon/src/session/record/life-record.ts'
import { times } from '../how-long.ts'

const stepBytes = 64
const lossAt = (step: number): number => 2 + 6 / (1 + step / 1000) + 0.3 * Math.sin(step / 7)

/** A step's report as far as the record reads it: an alarm every hundred steps, a growth every million. */
function reportOf(step: number, domain: string): StepReport {
  const events: LearnerEvent[] = []
  if (step % 100 === 0)
    events.push({ kind: 'drift', step, part: 'test', summary: 'it changed', data: { bitsPerByte: 5 } })
  if (step % 1_000_000 === 0) {
    events.push({
      kind: 'growth',
      step,
      part: 'test',
      summary: 'it grew',
      data: { reason: '', record: {} },
    } as unknown as LearnerEvent)
  }
  const made: Partial<StepReport> = {
    step,
    domains: [domain],
    bytes: stepBytes,
    bitsPerByte: lossAt(step),
    parameters: 1,
    events,
  }
  return made as StepReport
}

function lived(steps: number): LifeRecord {
  const record = emptyRecord(1)
  for (let step = 1; step <= steps; step++) {
    recordStep(record, reportOf(step, `file ${step >> 6}`), { file: 'x', offset: step })
  }
  return record
}

it('a record of millions of steps is no larger than one of many, on disk and in memory', () => {
  const growths = times(1, 3)
  const [many, millions] = [lived(200_000), lived(1_000_000 * growths)]
  const sizeOf = (record: LifeRecord): number => JSON.stringify(record).length
  expect(sizeOf(millions)).toBeLessThan(1e6)
  expect(sizeOf(millions)).toBeLessThan(2 * sizeOf(many))
  expect(millions.prequential.length).toBeLessThan(4096)
  expect(millions.spans.length).toBeLessThan(4096)
  expect(millions.events.length).toBeLessThan(5200)
  expect(millions.events.filter(({ event }) => event.kind === 'growth')).toHaveLength(growths)
})

it('its loss curve has the mean of every step, from the first byte to the last', () => {
  for (const steps of [1, 17, 4095, 4096, 5000, 100_003]) {
    const record = lived(steps)
    const points = lossCurve(record)
    const { stride, steps: pending } = record.curve
    const counts = points.map((_, i) => (i === points.length - 1 && pending > 0 ? pending : stride))
    expect(counts.reduce((a, b) => a + b, 0)).toBe(steps)
    let [wanted, found] = [0, 0]
    for (let step = 1; step <= steps; step++) wanted += lossAt(step)
    points.forEach(({ bitsPerByte }, i) => (found += bitsPerByte * counts[i]))
    expect(found / steps).toBeCloseTo(wanted / steps, 9)
    points.forEach(({ bytes }, i) => expect(bytes).toBe(i * stride * stepBytes))
    const latest = Array.from({ length: Math.min(20, steps) }, (_, i) => lossAt(steps - i))
    expect(recentBitsPerByte(record)).toBeCloseTo(latest.reduce((a, b) => a + b) / latest.length, 9)
    if (steps < 4096)
      expect(points.map(({ bitsPerByte }) => bitsPerByte)).toEqual(counts.map((_, i) => lossAt(i + 1)))
  }
})

it('its spans cover the life without gaps, the latest exactly', () => {
  const { spans, bytes } = lived(600_000)
  expect(spans[0].from).toBe(0)
  expect(spans.at(-1)).toMatchObject({ domain: `file ${600_000 >> 6}`, to: bytes })
  spans.slice(1).forEach(({ from }, i) => expect(from).toBe(spans[i].to))
  expect(spans[0].domain).toMatch(/^file 0 … file \d+$/)
  expect(new Set(spans.slice(-1500).map(({ domain }) => domain.includes('…')))).toEqual(new Set([false]))
})

it('a record of an earlier version, with every step in it, is read and bounded', () => {
  const { curve: _, good: __, ...rest } = lived(3)
  const prequential = Array.from({ length: 20_000 }, (___, i) => ({ bytes: i * 64, bitsPerByte: lossAt(i) }))
  const record = recordFromState('test', { ...rest, prequential })
  expect(record.prequential.length).toBeLessThan(4096)
  expect(lossCurve(record)[0].bytes).toBe(0)
  expect(record.good).toBeNull()
  // One that is saved and read again is the same.
  expect(recordFromState('test', JSON.parse(JSON.stringify(record)))).toEqual(record)
})

it('a journal keeps every growth and the latest of all else, and measurements the first and the latest stages', () => {
  let journal: { kind: LearnerEvent['kind']; step: number }[] = []
  for (let step = 0; step < 50_000; step++) {
    journal = extendJournal(
      journal,
      [{ kind: step % 500 === 0 ? 'growth' : 'drift', step }],
      ({ kind }) => kind,
    )
  }
  expect(journal.filter(({ kind }) => kind === 'growth')).toHaveLength(100)
  expect(journal.length).toBeLessThan(100 + 4096 + 1025)
  expect(journal.at(-1)?.step).toBe(49_999)
  expect(journal.map(({ step }) => step)).toEqual(journal.map(({ step }) => step).toSorted((a, b) => a - b))
  let measurements: LifeRecord['measurements'] = []
  for (let bytes = 0; bytes < 9000; bytes++) {
    const stage = bytes % 3 === 0 ? `after ${bytes}` : null
    measurements.push({ bytes, stage, learnt: stage, bitsPerByte: { a: 1 } })
    measurements = thinMeasurements(measurements)
  }
  expect(measurements.length).toBeLessThan(2048)
  expect(measurements[0].bytes).toBe(0)
  expect(measurements.at(-1)?.bytes).toBe(8999)
})
