/** What `burgeon explain` says of a life: for people, for programs, and as a page. */
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keepCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import {
  buildLearner,
  emptyRecord,
  explainLife,
  learnRecords,
  loadLife,
  recordsFrom,
  saveLife,
  type SourceRecord,
} from 'burgeon/session'
import { afterAll, expect, test } from 'vitest'
import { called, smallLife } from './small-life.ts'

const parent = mkdtempSync(join(tmpdir(), 'burgeon-explain-'))
afterAll(() => rmSync(parent, { recursive: true, force: true }))

const planted = 'the keeper of Zorvath is Melkin.'

async function* notes(from: number, to: number): AsyncGenerator<SourceRecord> {
  for (let i = from; i < to; i++) {
    yield { id: `${i}`, text: i === 7 ? planted : `note ${i}: it rained, and rained again all day.` }
  }
}

const settings = { ...smallLife, vocabulary: 256, memoryRows: 100, recall: 262_144 }
const life = join(parent, 'life')
const learner = buildLearner(settings)
await saveLife(nodeDisk(life), { settings, learner, record: emptyRecord(learner.model.parameters.size) })
await learnRecords(life, recordsFrom('diary', notes(0, 20)))
const asked = ['the keeper of Zorvath is ', 'Mel'] as const

/** Every file of a folder, as bytes. */
const filesIn = (folder: string): Record<string, string> =>
  Object.fromEntries(
    globSync('**/*', { cwd: folder })
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [name, readFileSync(join(folder, name)).toString('base64')]),
  )

test('names the experience that taught it, and changes no file', async () => {
  const before = filesIn(life)
  const why = await explainLife(life, ...asked)
  expect(why.experiences?.[0]).toMatchObject({ id: 7, source: 'diary', exact: false, effect: null })
  expect(why.experiences?.[0].text).toContain('Melkin')
  expect(why.recalled?.[0].source).toBe('diary')
  expect(why.notReplayed).toBeNull()
  expect(filesIn(life)).toEqual(before)
})

test('lived again without it, the answer is expected less, to the bit of the loss', async () => {
  const why = await explainLife(life, ...asked, { replay: true, experiences: 2 })
  expect(why.notReplayed).toBeNull()
  const [first] = why.experiences ?? []
  expect([first.id, first.exact]).toEqual([7, true])
  expect(first.effect).toBeGreaterThan(0)
})

test('goes on from a checkpoint that was kept, and says why a life cannot be lived again', async () => {
  const folder = join(parent, 'kept')
  const own = buildLearner(settings)
  await saveLife(nodeDisk(folder), { settings, learner: own, record: emptyRecord(own.model.parameters.size) })
  await learnRecords(folder, recordsFrom('diary', notes(0, 5)))
  await keepCheckpoint(nodeDisk(folder))
  await learnRecords(folder, recordsFrom('diary', notes(0, 20)))
  const why = await explainLife(folder, ...asked, { replay: true, experiences: 1 })
  expect(why.experiences?.[0].id).toBe(7)
  // A session that ended has learnt the rows at its end by themselves; if those were full ones, nothing differs.
  if (why.notReplayed === null) expect(why.experiences?.[0].exact).toBe(true)
  else expect(why.notReplayed).toMatch(/lived again|batch for each step/)
  const { learner: later, ...rest } = await loadLife(nodeDisk(folder))
  await later.rehearse()
  await saveLife(nodeDisk(folder), { ...rest, learner: later })
  const rehearsed = await explainLife(folder, ...asked, { replay: true, experiences: 1 })
  expect(rehearsed.experiences?.[0].exact).toBe(false)
  expect(rehearsed.notReplayed).not.toBeNull()
})

test('prints tables for people', async () => {
  const { code, output } = await called(['explain', life, ...asked])
  expect(code).toBe(0)
  for (const title of [
    'Tokens that matter most',
    'Layer by layer',
    'Parts that it needs',
    'Experiences',
    'What it recalls',
    'How exact',
  ])
    expect(output).toContain(title)
  expect(output).toMatch(/7 +diary/)
})

test('prints one object for programs, with the other answer in mind', async () => {
  const { code, output, status } = await called([
    'explain',
    life,
    ...asked,
    '--instead',
    'Bob',
    '--experiences',
    '1',
    '--json',
  ])
  expect(code).toBe(0)
  expect(status).toContain('Layer by layer')
  const why = JSON.parse(output) as Awaited<ReturnType<typeof explainLife>> & { path: string; page: null }
  expect([why.path, why.page, why.experiences?.length]).toEqual([life, null, 1])
  const sum = why.bytes.reduce((total, { attribution }) => total + attribution, 0)
  expect(Math.abs(sum - (why.score - why.baselineScore))).toBeLessThan(why.gaps.bytes + 1e-6)
})

test('writes a page that stands by itself and shows hostile text as text', async () => {
  const page = join(parent, 'page.html')
  const prompt = '<script>alert(1)</script> the keeper is '
  expect((await called(['explain', life, prompt, 'Mel', '--page', page])).code).toBe(0)
  const markup = readFileSync(page, 'utf8')
  expect(markup).toContain("default-src 'none'")
  expect(markup).not.toMatch(/<script|https?:|src=/)
  expect(markup).toContain('&lt;')
  // Again: it is ours. A file of somebody else's is not overwritten.
  expect((await called(['explain', life, ...asked, '--page', page])).code).toBe(0)
  writeFileSync(page, 'mine')
  await expect(called(['explain', life, ...asked, '--page', page])).rejects.toThrow(/no page of ours/)
  expect(readFileSync(page, 'utf8')).toBe('mine')
})

test('explains a model that is no life without experiences', async () => {
  const llama = join(import.meta.dirname, '../gold/gguf/llama.gguf')
  const { code, output } = await called(['explain', llama, 'a', 'b', '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(output)).toMatchObject({ experiences: null, recalled: null })
  await expect(called(['explain', llama, 'a', 'b', '--replay'])).rejects.toThrow(/no life/)
})

test('refuses an empty answer, and a folder without a life', async () => {
  await expect(called(['explain', life, 'a', ''])).rejects.toThrow(/empty answer/)
  await expect(called(['explain', join(parent, 'none'), 'a', 'b'])).rejects.toThrow()
})
