/** What the report says of a life, against records whose right answer is plain. */
import { firstLifeSettings } from 'burgeon/demo'
import {
  buildLearner,
  driftAlarms,
  emptyRecord,
  evaluationsOf,
  forgettingRows,
  type LifeRecord,
  noticedWithin,
} from 'burgeon/session'
import { describe, expect, test } from 'vitest'

const measured = (
  bytes: number,
  learnt: string | null,
  prose: number,
  code: number,
): LifeRecord['measurements'][number] => ({
  bytes,
  stage: learnt === null ? null : `after ${learnt}`,
  learnt,
  bitsPerByte: { prose, code },
})

describe('forgetting', () => {
  const measurements = [
    { ...measured(0, null, 8, 8), stage: 'before anything' },
    measured(100, 'prose', 3, 6),
    measured(150, null, 3.3, 5),
    measured(200, 'code', 3.5, 2),
  ]
  test('is the loss at the end against the loss when a domain had been learnt: worse is more', () => {
    expect(forgettingRows(measurements)).toEqual([
      { domain: 'prose', whenLearnt: 3, atEnd: 3.5 },
      { domain: 'code', whenLearnt: 2, atEnd: 2 },
    ])
    expect(evaluationsOf(measurements).forgetting('whenLearnt')).toBeCloseTo(0.5, 12)
    expect(evaluationsOf(measurements).backwardTransfer()).toBeCloseTo(-0.5, 12)
  })
  test('of a domain that comes again is against the first time', () => {
    const again = [...measurements, measured(300, 'prose', 2.5, 2.25)]
    expect(forgettingRows(again)).toEqual([
      { domain: 'prose', whenLearnt: 3, atEnd: 2.5 },
      { domain: 'code', whenLearnt: 2, atEnd: 2.25 },
    ])
  })
  test('of a domain that was not learnt yet is not made up', () => {
    expect(forgettingRows(measurements.slice(0, 2))).toEqual([{ domain: 'prose', whenLearnt: 3, atEnd: 3 }])
    expect(forgettingRows([])).toEqual([])
  })
})

describe('alarms', () => {
  const spans = [
    { domain: 'prose', from: 0, to: 100_000 },
    { domain: 'code', from: 100_000, to: 200_000 },
    { domain: 'data', from: 200_000, to: 300_000 },
  ]
  const alarm = (bytes: number): LifeRecord['events'][number] => ({
    bytes,
    event: { kind: 'drift', step: 1, part: 'loss', summary: 'it changed', data: { bitsPerByte: 5 } },
  })
  const verdicts = (...places: readonly number[]) =>
    driftAlarms({ spans, events: places.map(alarm) }, true).map(({ verdict, delayBytes }) => [
      verdict,
      delayBytes,
    ])

  test('soon after a change have noticed it; early, late and repeated ones are false', () => {
    expect(verdicts(50_000, 101_000, 102_000, 276_672)).toEqual([
      ['false-alarm', null],
      ['true-change', 1000],
      ['false-alarm', null],
      ['false-alarm', null],
    ])
    expect(verdicts(200_000 + noticedWithin)).toEqual([['true-change', noticedWithin]])
    expect(verdicts(200_001 + noticedWithin)).toEqual([['false-alarm', null]])
  })
  test('are of unknown worth where nobody knows the changes', () => {
    expect(driftAlarms({ spans, events: [alarm(101_000)] }, false)).toEqual([
      { bytes: 101_000, detector: 'loss', verdict: 'unknown', delayBytes: null },
    ])
  })
})

test('the default life rehearses, watches loss and bytes, grows in size and in vocabulary', () => {
  const { strategy, model } = buildLearner(firstLifeSettings(1, true))
  expect(strategy.rehearsal?.name).toBe('replay 2000 rows, share 1')
  expect(strategy.detector?.name).toBe('standardised Page–Hinkley')
  expect(strategy.watches?.map(({ name }) => name)).toEqual(['byte shift'])
  expect(strategy.growth?.name).toContain('plateau')
  expect(strategy.vocabulary?.name).toBe('vocabulary of at most 1536 tokens')
  // With replay EWC makes both old and new worse (`npm run bench -- first-life`).
  expect(strategy.penalties).toEqual([])
  expect(emptyRecord(model.parameters.size).parameters).toEqual([
    { bytes: 0, parameters: model.parameters.size },
  ])
})
