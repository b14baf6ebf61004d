// Reaches inside: what is tested here is a part of its package, not an entry point.
/** A life tells how well it predicted everything before it learnt it: the mean by bytes, and of late. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Prequential, type StepReport } from '@burgeon/continual'
import { writeCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { buildLearner, emptyRecord, type LifeRecord, loadLife, saveLife } from 'burgeon/session'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { lifeReportOf } from '../../packages/burgeon/src/session/life-report-of.ts'
import {
  predictedOf,
  recordFromState,
  recordStep,
} from '../../packages/burgeon/src/session/record/life-record.ts'
import { renderReport } from '../../packages/burgeon/src/report/render-report.ts'
import { exampleLife } from '../front-door/example-life.ts'
import { printed, smallLife } from '../front-door/small-life.ts'

const folder = mkdtempSync(join(tmpdir(), 'burgeon-predicted-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Step {
  readonly bytes: number
  readonly bitsPerByte: number
}

function live(record: LifeRecord, steps: readonly Step[]): LifeRecord {
  for (const [i, step] of steps.entries()) {
    const report = { ...step, step: i, domains: [`file ${i}`], parameters: 1, events: [] }
    recordStep(record, report as Partial<StepReport> as StepReport, { file: 'x', offset: i })
  }
  return record
}

const someSteps = fc.array(
  fc.record({
    bytes: fc.integer({ min: 1, max: 300 }),
    bitsPerByte: fc.double({ min: 0, max: 16, noNaN: true }),
  }),
  { minLength: 1, maxLength: 60 },
)

test('the mean is over bytes, and of late as the tested class says it', () => {
  const record = live(emptyRecord(1), [
    { bytes: 100, bitsPerByte: 1 },
    { bytes: 50, bitsPerByte: 4 },
  ])
  expect(predictedOf(record)?.mean).toBeCloseTo(2, 12)
  fc.assert(
    fc.property(someSteps, (steps) => {
      const prequential = new Prequential()
      for (const { bytes, bitsPerByte } of steps) prequential.record(bitsPerByte, bytes)
      expect(predictedOf(live(emptyRecord(1), steps))).toEqual(prequential.overall())
    }),
  )
  expect(predictedOf(emptyRecord(1))).toBeNull()
})

test('a life that is saved and goes on has the same bits, and no more of them for more domains', () => {
  fc.assert(
    fc.property(someSteps, someSteps, (before, after) => {
      const saved = JSON.stringify(live(emptyRecord(1), before))
      const resumed = live(recordFromState('test', JSON.parse(saved)), after)
      const whole = live(live(emptyRecord(1), before), after)
      expect(resumed.predicted).toEqual(whole.predicted)
      expect(whole.predicted.domains).toEqual([])
    }),
  )
})

test('two lives may go on from one state', () => {
  const begun = live(emptyRecord(1), [{ bytes: 10, bitsPerByte: 4 }])
  const other = { ...begun }
  live(begun, [{ bytes: 10, bitsPerByte: 2 }])
  live(other, [{ bytes: 30, bitsPerByte: 0 }])
  expect([predictedOf(begun)?.mean, predictedOf(other)?.mean]).toEqual([3, 1])
})

test('a record of an earlier version says it from its curve: to the bit while that has every step', () => {
  const lossAt = (i: number): number => 2 + Math.sin(i / 50)
  const steps = (length: number): Step[] =>
    Array.from({ length }, (_, i) => ({ bytes: 10 + (i % 7), bitsPerByte: lossAt(i) }))
  const short = live(emptyRecord(1), steps(3000))
  const { predicted, ...old } = short
  expect(recordFromState('test', old).predicted).toEqual(predicted)
  const { predicted: known, ...long } = live(emptyRecord(1), steps(50_000))
  const read = recordFromState('test', long)
  expect(predictedOf(read)?.tokens).toBe(long.bytes)
  expect(predictedOf(read)?.mean).toBeCloseTo(predictedOf({ predicted: known })?.mean ?? 0, 3)
  const { curve: _, ...older } = old
  expect(predictedOf(recordFromState('test', older))?.tokens).toBe(short.bytes)
})

test('inspect and the report say both, also of a checkpoint without them', async () => {
  const learner = buildLearner(smallLife)
  const record = live(emptyRecord(1), [
    { bytes: 10, bitsPerByte: 4 },
    { bytes: 30, bitsPerByte: 2 },
  ])
  const place = (name: string): string => join(folder, name)
  await saveLife(nodeDisk(place('now')), { settings: smallLife, learner, record })
  const said = /\npredicted +2\.500 bits per byte before it was learnt, lately 2\.496\n/
  expect(await printed('inspect', '--from', place('now'))).toMatch(said)
  const { predicted: _, ...old } = record
  const { model, ...rest } = await learner.toState()
  /** As a file may hold it: what no life of this version saves. */
  const written = (name: string, saved: object): Promise<void> =>
    writeCheckpoint(nodeDisk(place(name)), {
      model,
      learner: rest,
      life: { settings: smallLife, record: saved },
    })
  await written('old', old)
  expect(await printed('inspect', '--from', place('old'))).toMatch(said)
  const life = await loadLife(nodeDisk(place('old')))
  const page = renderReport(lifeReportOf(life, exampleLife()))
  expect(page).toContain('Over its whole life it predicted text at 2.500 bits per byte, and lately at 2.496.')
  const damaged = { ...record, predicted: { ...record.predicted, overall: null } }
  await written('damaged', damaged)
  await expect(printed('inspect', '--from', place('damaged'))).rejects.toThrow('the saved predicted is')
  const unborn = { settings: smallLife, learner, record: emptyRecord(1) }
  await saveLife(nodeDisk(place('unborn')), unborn)
  expect(await printed('inspect', '--from', place('unborn'))).not.toMatch(/^predicted /m)
  expect(renderReport(lifeReportOf(unborn, exampleLife()))).not.toContain('Over its whole life')
})
