/** What `burgeon health` finds in a life: nothing in a healthy one, and each injury by its name. */
import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type GptState, keepCheckpoint, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { CheckpointError } from 'burgeon'
import {
  buildLearner,
  emptyRecord,
  learnRecords,
  lifeHealth,
  recordsFrom,
  saveLife,
  type SourceRecord,
} from 'burgeon/session'
import { afterAll, expect, test } from 'vitest'
import { called, smallLife } from './small-life.ts'

const parent = mkdtempSync(join(tmpdir(), 'burgeon-health-'))
afterAll(() => rmSync(parent, { recursive: true, force: true }))

async function* notes(): AsyncGenerator<SourceRecord> {
  for (let i = 0; i < 12; i++) yield { id: `${i}`, text: `note ${i}: it rained, and rained again all day.` }
}

const settings = { ...smallLife, vocabulary: 256, memoryRows: 100 }
const healthy = join(parent, 'healthy')
const learner = buildLearner(settings)
await saveLife(nodeDisk(healthy), { settings, learner, record: emptyRecord(learner.model.parameters.size) })
await keepCheckpoint(nodeDisk(healthy))
await learnRecords(healthy, recordsFrom('diary', notes()))

/** The time, as files have it. */
function now(): number {
  const file = join(parent, 'now')
  writeFileSync(file, '')
  return Math.ceil(statSync(file).mtimeMs)
}

let copies = 0
function copy(): string {
  const folder = join(parent, `copy ${copies++}`)
  cpSync(healthy, folder, { recursive: true, preserveTimestamps: true })
  return folder
}
const wrongIn = async (folder: string): Promise<readonly string[]> =>
  (await lifeHealth(folder, now())).filter(({ ok }) => !ok).map(({ name }) => name)
const journalOf = (folder: string): string => {
  const [name] = globSync('experience/*.journal', { cwd: folder })
  return join(folder, name)
}
/** Changes a byte in the middle of a file. */
function flip(file: string): void {
  const bytes = readFileSync(file)
  bytes[bytes.length >> 1] ^= 0x40
  writeFileSync(file, bytes)
}

test('a healthy life has nothing wrong, and every kind of thing was looked at', async () => {
  const findings = await lifeHealth(healthy, now())
  expect(findings.filter(({ ok }) => !ok)).toEqual([])
  expect(findings.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'checkpoint',
      'kept checkpoint',
      'journal',
      'room on disk',
      'clock',
      'finite weights',
    ]),
  )
})

test('a byte that changed in the journal, and a journal that lacks what was learnt', async () => {
  const changed = copy()
  flip(journalOf(changed))
  expect(await wrongIn(changed)).toEqual(['journal'])
  const short = copy()
  truncateSync(journalOf(short), 60)
  expect(await wrongIn(short)).toEqual(['journal'])
  const gone = copy()
  rmSync(join(gone, 'experience'), { recursive: true })
  expect(await wrongIn(gone)).toEqual(['journal'])
})

test('a byte that changed in the present checkpoint, or in one that was kept', async () => {
  const names = (): string[] => globSync('*', { cwd: healthy }).filter((name) => name !== 'experience')
  const seen = new Set<string>()
  for (const name of names()) {
    const folder = copy()
    flip(join(folder, name))
    const wrong = await wrongIn(folder).catch((error: unknown) => [(error as Error).name])
    for (const one of wrong) seen.add(one)
    expect(wrong, name).not.toEqual([])
  }
  expect([...seen]).toEqual(expect.arrayContaining(['checkpoint', 'kept checkpoint']))
})

test('a clock that was put back', async () => {
  expect((await lifeHealth(healthy, now() - 3_600_000)).filter(({ ok }) => !ok)).toMatchObject([
    { name: 'clock' },
  ])
  const folder = copy()
  const later = new Date(now() + 3_600_000)
  utimesSync(journalOf(folder), later, later)
  utimesSync(join(folder, globSync('*.json', { cwd: folder })[0]), later, later)
  expect(await wrongIn(folder)).toEqual(['clock'])
})

test('weights that are no numbers', async () => {
  const folder = copy()
  const parts = await readCheckpoint(nodeDisk(folder))
  const [weights] = Object.values((parts.model as GptState).weights)
  weights.data[3] = Number.NaN
  await writeCheckpoint(nodeDisk(folder), parts)
  expect(await wrongIn(folder)).toContain('finite weights')
})

test('the command says so, with a page, and ends with 3 where something is wrong', async () => {
  const page = join(parent, 'health.html')
  const well = await called(['health', healthy, '--page', page])
  expect(well.code).toBe(0)
  expect(well.output).toMatch(/is in good health: \d+ checks\./)
  expect(readFileSync(page, 'utf8')).toContain('found what was expected')
  const folder = copy()
  flip(journalOf(folder))
  const ill = await called(['health', folder, '--page', page])
  expect(ill.code).toBe(3)
  expect(ill.output).toMatch(/WRONG +journal/)
  const text = readFileSync(page, 'utf8')
  expect(text).toMatch(/<td>wrong<\/td><td>journal<\/td>/)
  expect(text).not.toMatch(/https?:|<script/)
  writeFileSync(page, 'mine')
  await expect(called(['health', healthy, '--page', page])).rejects.toThrow(/would be overwritten/)
  await expect(called(['health', join(parent, 'nowhere')])).rejects.toThrow(CheckpointError)
  expect(existsSync(join(parent, 'nowhere'))).toBe(false)
})
