// Reaches inside: what `burgeon serve` does before it answers has no other entry than the process itself.
/** `/v1/feedback` on answers to pictures: learnt by their tokens, and refused where a rule cannot hold. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerFromText, type FeedbackMemory } from '@burgeon/continual'
import { nodeDisk } from '@burgeon/gpt/node'
import type { FeedbackEntry } from '@burgeon/server'
import { grey, type Raster, senseRequest } from '@burgeon/senses'
import { writePng } from '@burgeon/senses/node'
import { buildLearner, emptyRecord, type Life, type LifeSettings, loadLife, saveLife } from 'burgeon/session'
import { expect, onTestFinished, test } from 'vitest'
import { recoverFeedback } from '../../packages/burgeon/src/serving/served-feedback.ts'
import { asking, servedLife, smallServed } from './small-served.ts'

const settings: LifeSettings = {
  ...servedLife,
  ...{ vocabulary: 256, maxParameters: 1_000_000, feedback: 50, protection: 0 },
}

/** Bright above, or below. */
const picture = (isAbove: boolean): Raster => ({
  ...{ width: 8, height: 8 },
  pixels: Uint8Array.from({ length: 64 }, (_, i) => (i < 32 === isAbove ? 220 : 30)),
})

/** The folder of a life that has grown such pictures, unless it is to have none. */
async function folderOf(own: LifeSettings, hasSense = true): Promise<string> {
  const parent = mkdtempSync(join(tmpdir(), 'burgeon-pieces-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  const learner = buildLearner(own)
  if (hasSense) await learner.grow(senseRequest(grey, picture(true)), [1, 1])
  const place = join(parent, 'life')
  const record = emptyRecord(learner.model.parameters.size)
  await saveLife(nodeDisk(place), { settings: own, learner, record })
  return place
}

async function life(own: LifeSettings = settings) {
  const folder = await folderOf(own)
  const { ask, served } = await asking({}, await smallServed(folder))
  // Feedback is rehearsed beside what is remembered.
  await ask('/v1/learn', { text: 'The sun is warm. The moon is cold. '.repeat(20) })
  return {
    ...{ ask, served, folder, file: join(folder, 'feedback.jsonl') },
    async shown(isAbove: boolean) {
      const url = `data:image/png;base64,${Buffer.from(writePng({ ...picture(isAbove), channels: 1 })).toString('base64')}`
      const content = [
        { type: 'text', text: 'Where? ' },
        { type: 'image_url', image_url: { url } },
      ]
      const body = { model: 'life', max_tokens: 4, seed: 3, messages: [{ role: 'user', content }] }
      const { json, status } = await ask('/v1/chat/completions', body)
      expect(status, JSON.stringify(json)).toBe(200)
      return json as { id: string; choices: { message: { content: string } }[] }
    },
  }
}

const bytes = (text: string): number[] => [...new TextEncoder().encode(text)]
const promptOf = (isAbove: boolean): number[] => [
  ...bytes('User: Where? '),
  ...[256, ...grey.encode(picture(isAbove)).bytes],
  ...bytes('\nAssistant:'),
]

/** Log-probability of an answer to a picture, in nats. */
async function likelihoodOf(
  model: Life['learner']['model'],
  isAbove: boolean,
  text: string,
): Promise<number> {
  const prompt = promptOf(isAbove)
  const all = [...prompt, ...bytes(text)]
  using read = model.device.tensor(all.slice(0, -1), { shape: [1, all.length - 1], dtype: 'i32' })
  using targets = model.device.tensor(all.slice(1), { shape: [all.length - 1], dtype: 'i32' })
  using losses = model.losses(read, targets)
  return -[...(await losses.read())].slice(prompt.length - 1).reduce((sum, loss) => sum + loss, 0)
}

test('what was wanted of a picture becomes likelier, by the tokens of that picture', async () => {
  const { ask, served, shown, file, folder } = await life()
  const up = ' up'
  const { id, choices } = await shown(true)
  const given = choices[0].message.content
  const liking = async (): Promise<number> =>
    (await likelihoodOf(served.model, true, up)) - (await likelihoodOf(served.model, true, given))
  const before = await liking()
  const { status, json } = await ask('/v1/feedback', { response_id: id, correction: up })
  expect([status, json['effect']], JSON.stringify(json)).toEqual([200, 'learnt'])
  expect(json['feedback']).toMatchObject({ strength: 1, saved: true })
  expect(await liking()).toBeGreaterThan(before + 0.5)
  const [line] = readFileSync(file, 'utf8').trim().split('\n')
  expect(JSON.parse(line)).toMatchObject({
    ...{ prompt: 'User: Where? \uFFFC\nAssistant:', pieces: 1 },
    written: { prompt: promptOf(true) },
  })
  // What is on disk is what answers, and remembers what was said of this picture and of no other.
  const { learner } = await loadLife(nodeDisk(folder))
  expect(await likelihoodOf(learner.model, true, up)).toBe(await likelihoodOf(served.model, true, up))
  const memory = learner.strategy.rehearsal as FeedbackMemory
  const saidOf = (isAbove: boolean) =>
    memory.statusOf('correct', {
      ...answerFromText('-', given),
      prompt: promptOf(isAbove),
    })
  expect(saidOf(true)).toMatchObject({ uses: expect.any(Number) as number, strength: 1 })
  expect(saidOf(true)?.uses).toBeGreaterThan(0)
  expect(saidOf(false)).toBeNull()
})

test('an answer that is liked becomes likelier, by its tokens', async () => {
  const { ask, served, shown } = await life()
  const { id, choices } = await shown(true)
  const text = choices[0].message.content
  const before = await likelihoodOf(served.model, true, text)
  const { status, json } = await ask('/v1/feedback', { response_id: id, label: true })
  expect([status, json['effect']]).toEqual([200, 'learnt'])
  expect(await likelihoodOf(served.model, true, text)).toBeGreaterThan(before)
})

test('a life with a guard, which judges text alone, keeps nothing of it', async () => {
  const { ask, shown, file, served } = await life({ ...settings, guard: { personalData: {} } })
  const step = served.rehearsed?.()
  for (const said of [{ correction: ' up' }, { label: true }, { comment: 'a comment' }]) {
    const { id } = await shown(true)
    const { status, json } = await ask('/v1/feedback', { response_id: id, ...said })
    expect([status, json.error?.['code']]).toEqual([422, 'guarded'])
    expect(json.error?.['message']).toContain('judges text alone')
  }
  expect([existsSync(file), served.rehearsed?.()]).toEqual([false, step])
  // Text is judged, and learnt, as ever.
  const { status } = await ask('/v1/feedback', { prompt: 'The sun is ', completion: 'warm.', label: true })
  expect(status).toBe(200)
})

test('a life that learns feedback as text takes none, and keeps a comment', async () => {
  const { feedback: _, ...own } = settings
  const { ask, shown, file } = await life(own)
  const { id } = await shown(true)
  const { status, json } = await ask('/v1/feedback', { response_id: id, correction: ' up' })
  expect([status, json.error?.['code']]).toEqual([409, 'text_alone'])
  expect(existsSync(file)).toBe(false)
  expect((await ask('/v1/feedback', { response_id: id, comment: 'nice' })).json['effect']).toBe('noted')
})

const entry: FeedbackEntry = {
  ...{ id: 'a', at: 1, source: 'api', isOwner: true, response: 'b#0', key: 'judgement' },
  ...{ judgement: 'accept', kind: 'accept', prompt: 'User: Where? \uFFFC\nAssistant:', pieces: 1 },
  ...{ answer: ' up', correction: null, comment: null, score: null, value: null, weight: 1 },
  written: { prompt: promptOf(true), tokens: bytes(' up'), logProbability: -20 },
}

test('what a killed server had written down is learnt by the next one, where the life has the sense', async () => {
  for (const [hasSense, found] of [
    [true, 1],
    [false, 0],
  ] as const) {
    const folder = await folderOf(settings, hasSense)
    writeFileSync(join(folder, 'feedback.jsonl'), `\n${JSON.stringify(entry)}\n`)
    const known = await loadLife(nodeDisk(folder))
    expect(await recoverFeedback(nodeDisk(folder), known)).toBe(found)
  }
})

test('pieces that a life does not know as they were answered to are refused by that name', async () => {
  const [seeing, blind] = [await smallServed(await folderOf(settings)), await smallServed()]
  const admitted = async (served: typeof blind, change: Partial<FeedbackEntry>): Promise<unknown> => {
    const admission = await served.feedback?.admit?.({ ...entry, ...change })
    return admission && 'code' in admission ? admission.code : admission?.entry.id
  }
  expect(await admitted(seeing, {})).toBe('a')
  expect(await admitted(blind, {})).toBe('unknown_pieces')
  expect(await admitted(seeing, { written: null })).toBe('unknown_pieces')
  expect(await admitted(seeing, { prompt: 'User: \uFFFC\nAssistant:' })).toBe('unknown_pieces')
  expect(await admitted(blind, { pieces: 0, prompt: 'a', written: null })).toBe('a')
})

test('such an answer is not explained', async () => {
  const { ask, shown } = await life()
  const { status, json } = await ask('/v1/explain', { model: 'life', response_id: (await shown(true)).id })
  expect([status, json.error?.['code']]).toEqual([409, 'has_pieces'])
})
