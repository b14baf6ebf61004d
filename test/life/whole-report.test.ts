/** The report of a life, field by field, from a record made by hand. Reaches inside: the command line alone makes whole reports. */
import { batchOfTokens, type LearnerEvent } from '@burgeon/continual'
import {
  buildLearner,
  domainMatrix,
  driftAlarms,
  emptyRecord,
  evaluationsOf,
  forgettingRows,
  type LifeRecord,
} from 'burgeon/session'
import { expect, test } from 'vitest'
import { lifeReportOf } from '../../packages/burgeon/src/session/life-report-of.ts'
import { tinySettings } from './tiny-settings.ts'

const growth: LearnerEvent = {
  kind: 'growth',
  step: 7,
  part: 'plateau',
  summary: 'it grew',
  data: {
    reason: 'nothing was gained for long',
    record: {
      request: { kind: 'addLayer', at: 1 },
      summary: 'layer b2 after b1',
      parametersBefore: 1000,
      parametersAfter: 1500,
      logitsMoved: 1e-7,
    } as never,
  },
}
const measurements: LifeRecord['measurements'] = [
  { bytes: 0, stage: 'before anything', learnt: null, bitsPerByte: { prose: 8, code: 7.5 } },
  { bytes: 90, stage: null, learnt: null, bitsPerByte: { prose: 4 } },
  { bytes: 100, stage: 'after prose', learnt: 'prose', bitsPerByte: { prose: 3, code: 6 } },
  { bytes: 200, stage: 'after code', learnt: 'code', bitsPerByte: { prose: 3.5, code: 2, later: 5 } },
]
const record = (): LifeRecord => ({
  ...emptyRecord(1000),
  seconds: 12,
  bytes: 200,
  spans: [
    { domain: 'prose', from: 0, to: 100 },
    { domain: 'code', from: 100, to: 200 },
  ],
  prequential: [
    { bytes: 0, bitsPerByte: 8 },
    { bytes: 100, bitsPerByte: 5 },
  ],
  measurements,
  parameters: [
    { bytes: 0, parameters: 1000 },
    { bytes: 150, parameters: 1500 },
  ],
  events: [
    {
      bytes: 20,
      event: { kind: 'drift', step: 1, part: 'loss', summary: 'it changed', data: { bitsPerByte: 5 } },
    },
    {
      bytes: 120,
      event: { kind: 'drift', step: 3, part: 'bytes', summary: 'it changed', data: { bitsPerByte: 5 } },
    },
    { bytes: 150, event: growth },
    {
      bytes: 160,
      event: { kind: 'growth refused', step: 9, part: 'plateau', summary: 'no', data: { reason: 'no room' } },
    },
  ],
})
const frame = {
  title: 'A life',
  when: 'today',
  command: 'burgeon learn',
  machine: [],
  domains: [],
  samples: [],
  checkpoint: { path: 'life', resumeCommand: 'burgeon learn --resume' },
  changesAreKnown: true,
}

test('a report holds the frame, the settings, and every series of the record', () => {
  const learner = buildLearner(tinySettings)
  const report = lifeReportOf({ settings: tinySettings, learner, record: record() }, frame)
  expect(report).toMatchObject(frame)
  expect(report.seconds).toBe(12)
  expect(report.config).toEqual([
    { label: 'blocks', value: 'b0: 16, 2 heads of 8; b1: 16, 2 heads of 8' },
    { label: 'width', value: '16' },
    { label: 'context', value: '16 bytes' },
    { label: 'batch', value: '4 rows' },
    { label: 'learning rate', value: '0.005' },
    { label: 'memory', value: '20 rows, 1 old per new' },
    { label: 'protection', value: 'EWC λ 5' },
    { label: 'seed', value: '7' },
  ])
  expect(report.spans).toEqual(record().spans)
  expect(report.prequential).toEqual(record().prequential)
  expect(report.parameters).toEqual(record().parameters)
  expect(report.heldOut).toEqual([
    {
      domain: 'prose',
      points: [
        { bytes: 0, bitsPerByte: 8 },
        { bytes: 90, bitsPerByte: 4 },
        { bytes: 100, bitsPerByte: 3 },
        { bytes: 200, bitsPerByte: 3.5 },
      ],
    },
    {
      domain: 'code',
      points: [
        { bytes: 0, bitsPerByte: 7.5 },
        { bytes: 100, bitsPerByte: 6 },
        { bytes: 200, bitsPerByte: 2 },
      ],
    },
    { domain: 'later', points: [{ bytes: 200, bitsPerByte: 5 }] },
  ])
  expect(report.alarms).toEqual([
    { bytes: 20, detector: 'loss', verdict: 'false-alarm', delayBytes: null },
    { bytes: 120, detector: 'bytes', verdict: 'true-change', delayBytes: 20 },
  ])
  expect(report.growth).toEqual([
    {
      bytes: 150,
      text: 'layer b2 after b1',
      parametersBefore: 1000,
      parametersAfter: 1500,
      logitsMoved: 1e-7,
      reason: 'nothing was gained for long',
    },
  ])
  expect(report.matrix).toEqual({
    domains: ['prose', 'code', 'later'],
    rows: [
      { stage: 'before anything', learnt: null, values: [8, 7.5, null] },
      { stage: 'after prose', learnt: 'prose', values: [3, 6, null] },
      { stage: 'after code', learnt: 'code', values: [3.5, 2, 5] },
    ],
  })
  expect(report.forgetting).toEqual([
    { domain: 'prose', whenLearnt: 3, atEnd: 3.5 },
    { domain: 'code', whenLearnt: 2, atEnd: 2 },
  ])
  learner.dispose()
})

test('a life without protection does not speak of it', () => {
  const settings = { ...tinySettings, protection: 0 }
  const learner = buildLearner(settings)
  const { config } = lifeReportOf({ settings, learner, record: record() }, frame)
  expect(config.map(({ label }) => label)).toEqual([
    'blocks',
    'width',
    'context',
    'batch',
    'learning rate',
    'memory',
    'seed',
  ])
  learner.dispose()
})

test('a domain that was learnt but never measured, or is measured no more, is in no row', () => {
  const stranger = { bytes: 250, stage: 'after stranger', learnt: 'stranger', bitsPerByte: { prose: 1 } }
  expect(forgettingRows([...measurements, stranger])).toEqual([{ domain: 'prose', whenLearnt: 3, atEnd: 1 }])
  expect(evaluationsOf([...measurements, stranger]).evaluations).toEqual(['prose', 'code'])
  expect(domainMatrix([]).domains).toEqual([])
})

test('a domain learnt twice in a row is judged by the first time', () => {
  const again = { bytes: 300, stage: 'after code', learnt: 'code', bitsPerByte: { prose: 3.6, code: 1.5 } }
  const matrix = evaluationsOf([...measurements, again])
  expect(matrix.evaluations).toEqual(['prose', 'code'])
  expect(forgettingRows([...measurements, again])[1]).toEqual({ domain: 'code', whenLearnt: 2, atEnd: 1.5 })
  // With another between them it is an evaluation of its own.
  const prose = { ...again, stage: 'after prose', learnt: 'prose' }
  expect(evaluationsOf([...measurements, prose, again]).evaluations).toEqual([
    'prose',
    'code',
    'prose',
    'code',
  ])
})

test('the beginning of a stream is no change of it', () => {
  const { spans } = record()
  const events: LifeRecord['events'] = [
    {
      bytes: 20,
      event: { kind: 'drift', step: 1, part: 'loss', summary: 'it changed', data: { bitsPerByte: 5 } },
    },
    { bytes: 30, event: growth },
  ]
  expect(driftAlarms({ spans, events }, true)).toEqual([
    { bytes: 20, detector: 'loss', verdict: 'false-alarm', delayBytes: null },
  ])
  expect(driftAlarms({ spans, events }, false)).toEqual([
    { bytes: 20, detector: 'loss', verdict: 'unknown', delayBytes: null },
  ])
})

test('a life that sleeps and knows how sure it is says so, and another says neither', async () => {
  const settings = { ...tinySettings, sleepEvery: 40, coverage: 0.9 }
  const learner = buildLearner(settings)
  const job = { job: 'health', kept: true, reason: '9 checks hold', before: null, after: null, operations: 0 }
  const slept: LearnerEvent = {
    ...{ kind: 'sleep', step: 40, part: 'sleep', summary: 'slept' },
    data: {
      jobs: [job, { ...job, job: 'dreams', kept: false, reason: 'a is worse' }],
      operations: 0,
      budget: 1,
    },
  }
  const own = record()
  const events = [...own.events, { bytes: 170, event: slept }]
  const report = lifeReportOf({ settings, learner, record: { ...own, events } }, frame)
  expect(report.slept).toEqual([
    { bytes: 170, job: 'health', kept: true, reason: '9 checks hold' },
    { bytes: 170, job: 'dreams', kept: false, reason: 'a is worse' },
  ])
  expect(report.config.slice(-3)).toEqual([
    { label: 'sleep', value: 'every 40 steps' },
    { label: 'sets that hold 90 %', value: 'nothing was predicted yet' },
    { label: 'seed', value: '7' },
  ])
  const text = new TextEncoder().encode('the quick brown fox jumps over')
  await learner.observe(batchOfTokens(text, 16, 'foxes'))
  const [{ value }] = lifeReportOf({ settings, learner, record: own }, frame).config.slice(-2)
  expect(value).toMatch(/^\d+\.\d % \(\d+ tokens\) in foxes$/)
  // 100 · 0.57 is 56.99999999999999.
  const other = { ...settings, coverage: 0.57 }
  const [line] = lifeReportOf({ settings: other, learner, record: own }, frame).config.slice(-2)
  expect(line.label).toBe('sets that hold 57 %')
  learner.dispose()
  const plain = buildLearner(tinySettings)
  const without = lifeReportOf({ settings: tinySettings, learner: plain, record: own }, frame)
  expect(without).not.toHaveProperty('slept')
  expect(without.config.some(({ label }) => /sleep|sets|guarded/.test(label))).toBe(false)
  plain.dispose()
})

test('the report of a guarded life says how many texts were kept out, and why', () => {
  const guard = { provenance: { unknown: 'refuse', sources: { book: 1 } }, personalData: {} } as const
  const guarded = { ...tinySettings, guard }
  const learner = buildLearner(guarded)
  const lines = (): unknown[] =>
    lifeReportOf({ settings: guarded, learner, record: record() }, frame).config.filter(
      ({ label }) => label === 'guarded',
    )
  expect(lines()).toEqual([{ label: 'guarded', value: '0 texts: all learnt as they came' }])
  const ask = (text: string, source: string) => learner.door.admit({ text, source, domain: 'text' })
  ask('plain words', 'book')
  expect(lines()).toEqual([{ label: 'guarded', value: '1 text: all learnt as they came' }])
  for (let i = 0; i < 2; i++) ask('plain words', 'stranger')
  ask('write to anna@example.org', 'book')
  expect(lines()).toEqual([
    { label: 'guarded', value: '4 texts: 2 refused (unknown source), 1 redacted (an e-mail address)' },
  ])
  learner.dispose()
})
