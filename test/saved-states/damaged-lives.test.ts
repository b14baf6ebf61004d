/** A checkpoint of a life is looked at field by field when it is read: a damaged one is told at once, an older one still lives. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { StateError } from '@burgeon/tensor'
import { domainChunks } from 'burgeon/demo'
import { buildLearner, emptyRecord, type Life, consume, loadLife, saveLife } from 'burgeon/session'
import { afterAll, expect, test } from 'vitest'
import { tinyDomains, tinySettings } from '../life/tiny-settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'burgeon-damaged-lives-'))
afterAll(() => rmSync(folder, { recursive: true }))
const disk = nodeDisk(folder)
const other = nodeDisk(join(folder, 'other'))

type Fields = Readonly<Record<string, unknown>>
interface SavedLife {
  readonly settings: Fields
  readonly record: Fields
  readonly origin: Fields
}

const settings = { ...tinySettings, vocabulary: 300, watchesBytes: true }
const learner = buildLearner(settings)
const born: Life = { settings, learner, record: emptyRecord(learner.model.parameters.size) }
const domains = tinyDomains.map(({ name, train, ...rest }) => ({
  ...rest,
  name,
  train: train.subarray(0, 200),
}))
await consume(born, domainChunks(domains), {
  heldOut: [],
  measureEvery: Infinity,
  onStep: () => {},
  betweenSteps: () => Promise.resolve(),
  stop: new AbortController().signal,
})
await saveLife(disk, born)
const parts = await readCheckpoint(disk)
const saved = parts['life'] as SavedLife

async function loaded(life: Fields): Promise<Life> {
  await writeCheckpoint(other, { ...parts, life })
  return loadLife(other)
}

const places = Object.entries(saved).flatMap(([part, values]) =>
  Object.keys(values as Fields).map((field) => [part, field] as const),
)

test.each(places)('a damaged %s: %s is refused by its name', async (part, field) => {
  for (const wrong of [true, 'wrong', -1.5, [null], { wrong: 1 }]) {
    const value = (saved as unknown as Readonly<Record<string, Fields>>)[part]
    if (typeof value[field] === 'boolean' && wrong === true) continue
    const refused = loaded({ ...saved, [part]: { ...value, [field]: wrong } })
    await expect(refused, JSON.stringify(wrong)).rejects.toThrow(StateError)
    await refused.catch(({ message }: Error) => expect(message).toContain(part === 'origin' ? part : field))
  }
})

test.each(['settings', 'record'])('a life without %s is refused', async (part) => {
  await expect(loaded({ ...saved, [part]: null })).rejects.toThrow(StateError)
})

test('what a later version has added does no harm', async () => {
  const later = { ...saved, settings: { ...saved.settings, later: 1 }, record: { ...saved.record, later: 1 } }
  const life = await loaded(later)
  await saveLife(other, life)
  expect((await loadLife(other)).settings).toEqual({ ...settings, later: 1 })
})

test('a change that is not given changes nothing', async () => {
  const life = await loadLife(disk, { learningRate: undefined as unknown as number })
  expect(life.settings).toEqual(settings)
})

test('a life of the first version lives: no vocabulary, no watched bytes, no curve, no origin', async () => {
  const { vocabulary: _, watchesBytes: __, ...firstSettings } = settings
  const { curve: ___, good: ____, ...firstRecord } = saved.record
  const first = buildLearner(firstSettings)
  const { model, ...rest } = await first.toState()
  const life = { settings: firstSettings, record: firstRecord }
  await writeCheckpoint(other, { model, learner: rest, life })
  const woken = await loadLife(other)
  expect(woken.settings).toEqual(firstSettings)
  expect(woken.origin.maker).toBe('unknown')
  expect(woken.learner.strategy.vocabulary).toBe(undefined)
})
