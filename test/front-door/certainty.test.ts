/** A life that keeps account of how sure it may be, at the front door. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { buildLearner, emptyRecord, type LifeSettings, lifeHealth, loadLife, saveLife } from 'burgeon/session'
import { beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from '../docs/programs.ts'
import { called, smallLife, smallText } from './small-life.ts'

const folder = temporaryFolder()
const place = (name: string): string => join(folder, name)
const text = place('text.txt')
/** No file is of a later time. */
const farAhead = 8e15

async function ran(...args: readonly string[]): Promise<string> {
  const { code, status, output } = await called(args)
  expect(code, status).toBe(0)
  return output
}
/** Puts a small life that has not begun into a folder. */
async function bear(name: string, settings: LifeSettings): Promise<void> {
  const learner = buildLearner(settings)
  const record = emptyRecord(learner.model.parameters.size)
  await saveLife(nodeDisk(place(name)), { settings, learner, record })
}
const reportOf = (name: string): string => readFileSync(join(place(name), 'report.html'), 'utf8')

beforeAll(async () => {
  writeFileSync(text, smallText(800))
  await bear('sure', { ...smallLife, coverage: 0.8 })
  await bear('plain', smallLife)
  await ran('learn', text, '--resume', '--out', place('sure'))
  await ran('learn', text, '--resume', '--out', place('plain'))
})

test('the report says how often its sets held what came, and that of another life says nothing', async () => {
  const { learner } = await loadLife(nodeDisk(place('sure')))
  const [[domain, { coverage }]] = Object.entries(learner.strategy.assessment?.summary().calibration ?? {})
  expect(coverage).toBeCloseTo(0.8, 1)
  expect(reportOf('sure')).toContain('sets that hold 80 %')
  expect(reportOf('sure')).toContain(`${(100 * coverage).toFixed(1)} %`)
  expect(reportOf('sure')).toContain(domain)
  expect(reportOf('plain')).not.toContain('sets that hold')
})

test('the weights are those of a life without, to the bit', async () => {
  const [sure, plain] = await Promise.all(
    ['sure', 'plain'].map(async (name) => (await loadLife(nodeDisk(place(name)))).learner.model.toState()),
  )
  expect(sure).toEqual(plain)
})

test('burgeon health looks whether they do, and finds a life whose sets do not', async () => {
  const findings = await lifeHealth(place('sure'), farAhead)
  expect(findings.filter(({ name }) => name === 'coverage of sets')).toMatchObject([
    { ok: true, seen: expect.stringMatching(/^0\.[78]\d\d$/), expected: '0.8, within 0.03' },
  ])
  expect((await lifeHealth(place('plain'), farAhead)).some(({ name }) => name === 'coverage of sets')).toBe(
    false,
  )
  const life = await loadLife(nodeDisk(place('sure')))
  const { assessment } = life.learner.strategy
  const state = structuredClone(assessment?.toState()) as {
    domains: [string, { latest: { held: Float32Array } }][]
  }
  state.domains[0][1].latest.held.fill(0)
  assessment?.restore(state)
  await saveLife(nodeDisk(place('unsure')), life)
  const found = await lifeHealth(place('unsure'), farAhead)
  expect(found.find(({ name }) => name === 'coverage of sets')).toMatchObject({ ok: false, seen: '0.000' })
})

test('is a setting of a new life, which goes on with it and takes no other', async () => {
  const few = place('few.txt')
  writeFileSync(few, smallText(40))
  await ran('learn', few, '--coverage', '0.7', '--out', place('new'))
  const { settings, learner } = await loadLife(nodeDisk(place('new')))
  expect([settings.coverage, learner.strategy.assessment?.name]).toEqual([
    0.7,
    'self-assessment, sets of 0.7',
  ])
  writeFileSync(
    place('settings.json'),
    JSON.stringify({ learn: { source: few, out: place('by-file'), coverage: 0.6 } }),
  )
  await ran('learn', '--config', place('settings.json'))
  expect((await loadLife(nodeDisk(place('by-file')))).settings.coverage).toBe(0.6)
  const resumed = (life: string) =>
    called(['learn', text, '--resume', '--coverage', '0.9', '--out', place(life)])
  await expect(resumed('sure')).rejects.toThrow('got --coverage 0.9, but the life in')
  await expect(resumed('plain')).rejects.toThrow('was begun with none')
  await expect(called(['learn', few, '--coverage', '1', '--out', place('no')])).rejects.toThrow(
    'from 0.01 to 0.99',
  )
})
