// Reaches inside: what is tested here is a part of its package, not an entry point.
/** A life may have read more files than a page can show: its report ends, stays small, and says what it leaves out. */
import { DomainMatrix, scoreAlarms } from '@burgeon/continual'
import { firstLifeSettings } from 'burgeon/demo'
import {
  buildLearner,
  domainMatrix,
  emptyRecord,
  evaluationsOf,
  forgettingRows,
  type LifeRecord,
} from 'burgeon/session'
import { expect, test } from 'vitest'
import { lifeReportOf, type ReportFrame } from '../../packages/burgeon/src/session/life-report-of.ts'
import { summaryOf } from '../../packages/burgeon/src/report/summary.ts'
import { prequentialChart } from '../../packages/burgeon/src/report/report-charts.ts'
import { renderReport } from '../../packages/burgeon/src/report/render-report.ts'
import { palette } from '../../packages/burgeon/src/terminal/terminal.ts'
import { exampleLife } from '../front-door/example-life.ts'

const manySpans = 150_000
const manyDomains = 20_000
const spanBytes = 10

const spansOf = (length: number): LifeRecord['spans'] =>
  Array.from({ length }, (_, i) => ({
    domain: `note ${i}`,
    from: i * spanBytes,
    to: (i + 1) * spanBytes,
  }))

/** Each domain is measured when it has been learnt, and all at the end; domain number i has forgotten i / 20,000 by then. */
function measurementsOf(domains: number): LifeRecord['measurements'] {
  const name = (i: number): string => `note ${i}`
  const own = Array.from({ length: domains }, (_, i) => ({
    bytes: i * spanBytes,
    stage: `after ${name(i)}`,
    learnt: name(i),
    bitsPerByte: { [name(i)]: 2 },
  }))
  const end = Array.from({ length: domains }, (_, i) => [name(i), 2 + i / domains] as const)
  return [
    ...own,
    { bytes: domains * spanBytes, stage: null, learnt: null, bitsPerByte: Object.fromEntries(end) },
  ]
}

const frame: ReportFrame = {
  ...exampleLife(),
  domains: Array.from({ length: manyDomains }, (_, i) => ({
    ...exampleLife().domains[0],
    name: `note ${i}`,
  })),
  samples: Array.from({ length: manyDomains }, (_, i) => ({
    ...exampleLife().samples[0],
    domain: `note ${i}`,
  })),
}

/** A life that noticed every change. */
function manyLived(): LifeRecord {
  const spans = spansOf(manySpans)
  return {
    ...emptyRecord(1),
    bytes: manySpans * spanBytes,
    spans,
    measurements: measurementsOf(manyDomains),
    events: spans.slice(1).map(({ from }, step) => ({
      bytes: from + 1,
      event: { kind: 'drift', step, part: 'loss', summary: 'it changed', data: { bitsPerByte: 5 } },
    })),
    prequential: spans.slice(0, 4000).map(({ from }) => ({ bytes: from, bitsPerByte: 3 })),
  }
}

test('a life of 150,000 stretches and 20,000 measured domains becomes a report of bounded size', () => {
  const settings = firstLifeSettings(1, true)
  const learner = buildLearner(settings)
  const report = lifeReportOf({ settings, learner, record: manyLived() }, frame)
  const page = renderReport(report)
  expect(page.length).toBeLessThan(1_000_000)
  const said = summaryOf(report, palette({ write: () => true }, {}))
  expect(said.length).toBeLessThan(50_000)
  const rest = 'and 19,900 more domains, which lost less'
  for (const text of [page, said]) {
    expect(text).toContain(rest)
    expect(text).toContain('and 19,988 more domains, and 19,960 more stages between the first and the latest')
    expect(text).toContain('It noticed 149,999 of 149,999 changes in what it read, after 1 B to 1 B')
  }
  // The worst stand first.
  const [worst, next] = [page.indexOf('>note 19999</td>'), page.indexOf('>note 19998</td>')]
  expect(worst).toBeGreaterThan(0)
  expect(next).toBeGreaterThan(worst)
  expect(page).toContain('Of 20,000 domains, the 12 that are known worst at the end are drawn.')
  expect(page).toContain('and 149,899 more before these.')
  expect(page).toContain('The latest, and 19,988 more before them.')
  // Three charts, of which each pixel has a band at most.
  expect(page.match(/class="band /g)?.length).toBeLessThan(3 * 800)
  expect(page).toMatch(/<title>\d+ stretches, note 0 … note \d+<\/title>/)
  expect(page.match(/class="marker /g)?.length).toBeLessThan(800)
  learner.dispose()
})

test('few of anything are all shown, and nothing is said to be missing', () => {
  const page = renderReport(exampleLife())
  expect(page).not.toMatch(/ more |are drawn|stretches,/)
  expect(domainMatrix(measurementsOf(3))).not.toHaveProperty('leftOut')
})

test('a chart looks at each stretch as often in a life of many as in one of few', () => {
  const looksIn = (length: number): number => {
    let looks = 0
    const spans = spansOf(length).map(({ domain, ...place }) => ({
      ...place,
      get domain() {
        looks++
        return domain
      },
    }))
    prequentialChart({ ...exampleLife(), spans })
    return looks / length
  }
  expect(looksIn(4000)).toBe(looksIn(400))
})

test('forgetting and the matrix of 20,000 domains, each measured at its own stage, come to an end and are right', () => {
  const measurements = measurementsOf(manyDomains)
  const rows = forgettingRows(measurements)
  expect(rows).toHaveLength(manyDomains)
  expect(rows[10_000]).toEqual({ domain: 'note 10000', whenLearnt: 2, atEnd: 2.5 })
  const matrix = evaluationsOf(measurements)
  expect(matrix.evaluations).toHaveLength(manyDomains)
  const again = DomainMatrix.fromState(matrix.toState())
  expect(again.toState()).toEqual(matrix.toState())
  const last = `note ${manyDomains - 1}`
  for (let i = 0; i < manyDomains - 1; i++) again.record(last, `note ${i}`, 2 + i / manyDomains)
  const mean = (manyDomains - 2) / 2 / manyDomains
  expect(again.forgetting('whenLearnt')).toBeCloseTo(mean, 9)
  expect(again.forgettingOf('note 5000', 'whenLearnt')).toBeCloseTo(0.25, 12)
  expect(() => again.record(last, 'nobody', 1)).toThrow('and 19980 more')
})

test('150,000 alarms are held against 150,000 changes', () => {
  let looks = 0
  const places = Array.from({ length: manySpans }, (_, i) => i * spanBytes)
  const changes = new Proxy(places, {
    get(target, key, receiver) {
      looks++
      return Reflect.get(target, key, receiver) as unknown
    },
  })
  const alarms = places.map((place, i) => place + (i % 2 === 0 ? 3 : 9))
  const score = scoreAlarms({ changes, alarms, within: 5 })
  expect(score).toMatchObject({ noticed: manySpans / 2, falseAlarms: manySpans / 2 })
  expect(looks).toBeLessThan(30 * manySpans)
})
