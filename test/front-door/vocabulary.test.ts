import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { domainChunks } from 'burgeon/demo'
import { buildLearner, emptyRecord, type Life, consume, loadLife, saveLife } from 'burgeon/session'
import { bitsPerByteOf } from 'burgeon'
import { afterAll, expect, test } from 'vitest'
import { printed, smallLife, smallText } from './small-life.ts'

const folder = mkdtempSync(join(tmpdir(), 'burgeon-vocabulary-'))
afterAll(() => rmSync(folder, { recursive: true }))

const settings = smallLife
const text = smallText(300)
const domain = { name: 'prose', train: text, heldOut: text.subarray(0, 200), digest: '', files: 1 }

test('a life whose vocabulary grows counts bytes, wakes up as it was, and speaks in its own tokens', async () => {
  const learner = buildLearner(settings)
  const life: Life = { settings, learner, record: emptyRecord(learner.model.parameters.size) }
  const heldOut = [{ name: 'prose', bytes: domain.heldOut }]
  const nothing = { onStep: () => {}, betweenSteps: () => Promise.resolve() }
  const stop = new AbortController().signal
  await consume(life, domainChunks([domain]), { heldOut, measureEvery: Infinity, ...nothing, stop })
  const { record } = life
  expect(learner.model.config.vocabulary).toBe(280)
  expect(record.bytes).toBe(text.length - 1)
  expect(record.spans).toEqual([{ domain: 'prose', from: 0, to: text.length - 1 }])
  const tokenizer = learner.strategy.vocabulary?.tokenizer
  const bits = await bitsPerByteOf(learner.model, domain.heldOut, tokenizer)
  expect(record.measurements.at(-1)?.bitsPerByte).toEqual({ prose: bits })
  expect(bits).toBeLessThan(2)

  const place = join(folder, 'life')
  await saveLife(nodeDisk(place), life)
  const { learner: woken } = await loadLife(nodeDisk(place))
  expect(woken.strategy.vocabulary?.tokenizer.merges).toEqual(tokenizer?.merges)
  expect(await woken.toState()).toEqual(await learner.toState())
  const sampling = ['--temperature', '0', '--tokens', '30']
  const said = await printed('generate', '--from', place, '--prompt', 'là, the quick', ...sampling)
  expect(said).not.toContain('\ufffd')
  expect(said.length).toBeGreaterThan('là, the quick'.length + 40)
})

test('burgeon learn takes a vocabulary and says in the checkpoint what it became', async () => {
  const [file, place] = [join(folder, 'text.txt'), join(folder, 'learnt')]
  writeFileSync(file, text.subarray(0, 60_000))
  await printed('learn', file, '--out', place, '--vocabulary', '300')
  const said = await printed('inspect', '--from', place)
  expect(said).toMatch(/built from .*vocabulary of at most 300 tokens/)
})
