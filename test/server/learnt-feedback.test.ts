// Reaches inside: what `burgeon serve` does before it answers has no other entry than the process itself.
/** `/v1/feedback` of a life that learns what is said of its answers: by effect, beside one that was told nothing. */
import { appendFileSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Answer, answerFromText, bitsPerByteOf, type FeedbackMemory } from '@burgeon/continual'
import { nodeDisk } from '@burgeon/gpt/node'
import type { AppOptions } from '@burgeon/server'
import { forgetRecords, type Life, loadLife } from 'burgeon/session'
import { expect, test } from 'vitest'
import { recoverFeedback } from '../../packages/burgeon/src/serving/served-feedback.ts'
import { running } from '../front-door/running.ts'
import { times } from '../how-long.ts'
import { asking, fillableDisk, lifeFolder, servedLife, smallServed } from './small-served.ts'

const settings = { ...servedLife, feedback: 50, protection: 0 }
const text = 'The sun is warm. The moon is cold. The sea is deep. The hill is high. '.repeat(200)
const held = 'The hill is cold. The sun is high. The moon is deep. The sea is warm. '

/** A server of a life that knows the text a little. */
async function life(options: AppOptions = {}, own: object = settings) {
  const folder = await lifeFolder({ ...servedLife, ...own })
  const { ask, app, served } = await asking(options, await smallServed(folder))
  return {
    ...{ ask, app, served, folder },
    learn: () => ask('/v1/learn', { text }, keyOf('owner')),
    judge: (body: object, key = 'owner') => ask('/v1/feedback', body, keyOf(key)),
    complete: async (prompt: string, more: object = {}) => {
      const body = { model: 'life', prompt, max_tokens: 8, seed: 4, ...more }
      const { json } = await ask('/v1/completions', body, keyOf('owner'))
      const { id, choices } = json as { id: string; choices: { text: string }[] }
      return { id, text: choices[0].text }
    },
    saved: () => loadLife(nodeDisk(folder)),
    likelihood: (prompt: string, answer: string) =>
      likelihoodIn(served.model, answerFromText(prompt, answer)),
  }
}

const keys = {
  owner: ['read', 'teach', 'admin'],
  teacher: ['read', 'teach'],
} as const
const keyOf = (name: string) => ({ authorization: `Bearer ${name}-key-of-sixteen-and-more` })
const withKeys: AppOptions = {
  keys: Object.entries(keys).map(([name, scopes]) => ({ key: `${name}-key-of-sixteen-and-more`, scopes })),
}

/** Log-probability of an answer, in nats. */
async function likelihoodIn(
  model: Life['learner']['model'],
  { prompt, tokens }: Pick<Answer, 'prompt' | 'tokens'>,
): Promise<number> {
  const all = [...prompt, ...tokens]
  using read = model.device.tensor(all.slice(0, -1), { shape: [1, all.length - 1], dtype: 'i32' })
  using targets = model.device.tensor(all.slice(1), { shape: [all.length - 1], dtype: 'i32' })
  using losses = model.losses(read, targets)
  return -[...(await losses.read())].slice(prompt.length - 1).reduce((sum, loss) => sum + loss, 0)
}

const [prompt, good, bad] = ['The sun is ', 'bright.', 'a lamp.']

test('accepted text becomes likelier and rejected text less likely, and text that is held out stays', async () => {
  const [one, control] = [await life(), await life()]
  for (const each of [one, control]) await each.learn()
  const before = await bitsPerByteOf(one.served.model, held)
  for (let i = 0; i < 3; i++) {
    // The same of another key is another piece; a thumb takes the place of a thumb.
    const accepted = await one.judge({ prompt, completion: good, label: true, key: `a${i}` })
    expect(accepted.json).toMatchObject({
      ...{ judgement: 'accept', kind: 'accept', effect: 'learnt', duplicate: false, lesson: null },
      feedback: { steps: 8, strength: 1, saved: true, waiting: expect.any(Boolean) as boolean },
    })
    const rejected = await one.judge({ prompt, completion: bad, label: false, key: `r${i}` })
    expect(rejected.json).toMatchObject({ judgement: 'reject', effect: 'learnt', feedback: { strength: 1 } })
    // As many steps, with as many pieces, of what the text says as well.
    for (const key of ['a', 'b']) {
      await control.judge({ prompt: 'The sea is ', completion: 'deep.', label: true, key: `${key}${i}` })
    }
  }
  const gain = async (answer: string) =>
    (await one.likelihood(prompt, answer)) - (await control.likelihood(prompt, answer))
  expect(await gain(good)).toBeGreaterThan(2)
  expect(await gain(bad)).toBeLessThan(-1)
  expect(await bitsPerByteOf(one.served.model, held)).toBeLessThan(before + 0.1)
  // What is on disk is what answers.
  const { learner } = await one.saved()
  expect(await likelihoodIn(learner.model, answerFromText(prompt, good))).toBe(
    await one.likelihood(prompt, good),
  )
})

test('an answer is known by its tokens and by how likely they were when it was written', async () => {
  const one = await life()
  await one.learn()
  // Nothing that the text says.
  const { text: whole } = await one.complete(prompt, { temperature: 2 })
  const { id, text: written } = await one.complete(prompt, { temperature: 2, stop: whole.slice(5, 7) })
  const before = await one.likelihood(prompt, written)
  const { json } = await one.judge({ response_id: id, label: false })
  expect(json).toMatchObject({ effect: 'learnt', feedback: { steps: 8 } })
  const { log_ratio: ratio } = json['feedback'] as { log_ratio: number }
  expect(ratio).toBeLessThan(-0.1)
  // It is of the last step, before the update that that one made.
  expect(Math.abs((await one.likelihood(prompt, written)) - before - ratio)).toBeLessThan(0.5)
  const [line] = readFileSync(join(one.folder, 'feedback.jsonl'), 'utf8').trim().split('\n')
  const entry = JSON.parse(line) as { written: { tokens: number[]; logProbability: number } }
  // The text that ended it is no part of the answer.
  expect(entry.written.tokens).toEqual([...answerFromText(prompt, written).tokens])
  expect(entry.written.logProbability).toBeCloseTo(before, 3)
  expect([written.length < whole.length, whole.startsWith(written)]).toEqual([true, true])
})

test('a correction moves what was wanted up and what was given down', async () => {
  const one = await life()
  await one.learn()
  const [given, wanted] = [await one.likelihood(prompt, bad), await one.likelihood(prompt, good)]
  const { json } = await one.judge({ prompt, completion: bad, correction: good, label: false })
  expect(json).toMatchObject({ kind: 'correct', effect: 'learnt', lesson: null })
  expect(await one.likelihood(prompt, good)).toBeGreaterThan(wanted + 1)
  expect(await one.likelihood(prompt, bad)).toBeLessThan(given)
})

test('rewards are learnt by their place among others, so one alone is kept and moves nothing', async () => {
  const one = await life()
  await one.learn()
  const before = await one.likelihood(prompt, good)
  const reward = (completion: string, value: number) =>
    one.judge({ prompt, completion, value, dataType: 'NUMERIC' })
  expect((await reward(good, 7)).json).toMatchObject({
    ...{ kind: 'reward', judgement: null, effect: 'kept' },
    feedback: { steps: 0, waiting: false, log_ratio: null, saved: true },
  })
  expect(await one.likelihood(prompt, good)).toBe(before)
  const low = await one.likelihood(prompt, bad)
  expect((await reward(bad, 2)).json).toMatchObject({ kind: 'reward', effect: 'learnt' })
  expect(await one.likelihood(prompt, bad)).toBeLessThan(low)
})

test('a stranger moves nothing until it has agreed with the owner; the key says who the owner is', async () => {
  const one = await life(withKeys)
  await one.learn()
  const before = await one.likelihood(prompt, good)
  for (const [who, body] of [
    ['owner', { source: 'u17' }],
    ['teacher', {}],
    ['teacher', { source: 'u18' }],
  ] as const) {
    const { json } = await one.judge({ prompt, completion: good, label: true, ...body }, who)
    expect(json).toMatchObject({ effect: 'kept', feedback: { steps: 0, strength: 0, waiting: false } })
  }
  expect(await one.likelihood(prompt, good)).toBe(before)
  const others = ['b.', 'c.', 'd.', 'e.', 'f.']
  for (const completion of others) {
    await one.judge({ prompt, completion, label: false, source: 'u17' })
    await one.judge({ prompt, completion, label: false })
  }
  const trusted = await one.judge({ prompt, completion: bad, label: false, source: 'u17' })
  expect(trusted.json).toMatchObject({ effect: 'learnt', feedback: { steps: 8 } })
  expect((trusted.json['feedback'] as { strength: number }).strength).toBeGreaterThan(0.4)
  expect((await one.judge({ prompt, completion: bad, label: false })).json).toMatchObject({
    feedback: { strength: 1 },
  })
})

test('what says nothing, or weighs nothing, is written down; before anything was read it waits', async () => {
  const one = await life()
  const early = await one.judge({ prompt, completion: good, label: true })
  expect(early.json).toMatchObject({ effect: 'kept', feedback: { steps: 0, strength: 1, waiting: true } })
  const before = await one.likelihood(prompt, good)
  await one.learn()
  // It was learnt beside the text.
  const plain = await life()
  await plain.learn()
  expect((await one.likelihood(prompt, good)) - before).toBeGreaterThan(
    (await plain.likelihood(prompt, good)) - before + 1,
  )
  for (const nothing of [{ comment: 'hm' }, { label: true, weight: 0 }, { value: 'polite' }]) {
    const { json } = await one.judge({ prompt, completion: bad, ...nothing, key: JSON.stringify(nothing) })
    expect(json).toMatchObject({ effect: 'noted', feedback: null, lesson: null })
  }
})

test('an answer that is empty cannot be judged, and may be corrected', async () => {
  const one = await life()
  await one.learn()
  const whole = await one.complete('The sun', { max_tokens: 1 })
  const { id, text: written } = await one.complete('The sun', { stop: whole.text })
  expect(written).toBe('')
  const refused = await one.judge({ response_id: id, label: false })
  expect([refused.status, refused.json.error?.['code']]).toEqual([400, 'empty_answer'])
  const { json } = await one.judge({ response_id: id, correction: ' is warm.' })
  expect(json).toMatchObject({ kind: 'correct', effect: 'learnt' })
})

test('the weights that answer have another version after a rehearsal', async () => {
  const one = await life()
  await one.learn()
  const version = async () =>
    (await one.ask('/v1/completions', { model: 'life', prompt, max_tokens: 1 })).json['system_fingerprint']
  const before = await version()
  await one.judge({ prompt, completion: good, label: true })
  expect(await version()).not.toBe(before)
  expect(String(await version()).split('-')[0]).toBe(String(before).split('-')[0])
})

test('a rollback takes it back, and the next server does not bring it again', async () => {
  const one = await life()
  await one.learn()
  const { json } = await one.ask('/v1/checkpoints', {})
  const before = await one.likelihood(prompt, good)
  const body = { prompt, completion: good, label: true }
  await one.judge(body)
  await one.ask(`/v1/checkpoints/${String(json['kept'])}/rollback`, {})
  expect(await one.likelihood(prompt, good)).toBe(before)
  expect(await recoverFeedback(nodeDisk(one.folder), await one.saved())).toBe(0)
  // But whoever says it again is heard.
  expect((await one.judge(body)).json).toMatchObject({ effect: 'learnt', duplicate: false })
  expect((await one.judge(body)).json).toMatchObject({ duplicate: true, feedback: null })
})

test('a disk that is full is said: what was not written down is not learnt, what was not saved comes back', async () => {
  const folder = await lifeFolder(settings)
  const room = fillableDisk(folder, 'append')
  const { ask } = await asking({}, await smallServed(folder, false, { disk: room.disk }))
  await ask('/v1/learn', { text })
  const body = { prompt, completion: good, label: true }
  room.isFull = true
  const { status, json } = await ask('/v1/feedback', body)
  expect([status, json.error?.['code']]).toEqual([500, 'not_kept'])
  room.isFull = false
  expect((await ask('/v1/feedback', body)).json).toMatchObject({ effect: 'learnt', duplicate: false })
  // The checkpoint has no room: it is on disk as a line alone, and so it is said.
  const other = await lifeFolder(settings)
  const full = fillableDisk(other, 'write')
  const second = await asking({}, await smallServed(other, false, { disk: full.disk }))
  await second.ask('/v1/learn', { text })
  full.isFull = true
  const unsaved = await second.ask('/v1/feedback', body)
  expect(unsaved.json).toMatchObject({ effect: 'learnt', feedback: { saved: false } })
  const again = await loadLife(nodeDisk(other))
  expect(await recoverFeedback(nodeDisk(other), again)).toBe(1)
  expect(await recoverFeedback(nodeDisk(other), again)).toBe(0)
  expect(again.record.feedback).toHaveLength(1)
})

test('what a source said goes with it, from the file too; the owner’s word stays and is not told again', async () => {
  const one = await life()
  await one.learn()
  await one.judge({ prompt, completion: 'of u17.', label: true, source: 'u17' })
  await one.judge({ prompt, completion: good, label: true })
  await one.judge({ prompt, completion: 'of u18.', label: true, source: 'u18' })
  await one.app.drain()
  const { parts } = await forgetRecords(one.folder, { source: 'u17' })
  expect(Object.values(parts).reduce((sum, amount) => sum + amount, 0)).toBe(1)
  const lines = readFileSync(join(one.folder, 'feedback.jsonl'), 'utf8')
  expect(lines).not.toContain('u17')
  for (const left of [good, 'of u18.']) expect(lines).toContain(left)
  const again = await one.saved()
  expect(again.record.feedbackRead).toBe(2)
  expect(await recoverFeedback(nodeDisk(one.folder), again)).toBe(0)
  expect((again.learner.strategy.rehearsal as FeedbackMemory).summary().kept.accept).toBe(2)
})

test('a kill loses nothing that was answered: the next server knows it, whatever was cut short', async () => {
  for (let trial = 0; trial < times(1, 6, 12); trial++) {
    const folder = await lifeFolder(settings)
    const serving = async () => {
      const process = running(['serve', folder, '--port', '0'], dirname(folder))
      await process.says('status', /answers at (\S+)\/v1/)
      const [, url] = /answers at (\S+)\/v1/.exec(process.said.status) ?? []
      return { process, url }
    }
    const send = async (url: string, path: string, body: object) => {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
      return (await response.json()) as Readonly<Record<string, unknown>>
    }
    const piece = (i: number) => ({ prompt, completion: `warm ${i}.`, label: i % 2 === 0 })
    const first = await serving()
    await send(first.url, '/v1/learn', { text })
    let answered = 0
    const all = (async () => {
      for (;;) {
        await send(first.url, '/v1/feedback', piece(answered))
        answered++
      }
    })().catch(() => {})
    await expect.poll(() => answered).toBeGreaterThan(trial % 3)
    await new Promise((resolve) => setTimeout(resolve, 7 * trial))
    first.process.child.kill('SIGKILL')
    await all
    // As a kill would leave it that came between the line and the checkpoint.
    const between = { id: 'between', ...{ kind: 'reject', isOwner: true, weight: 1, source: 'api' } }
    const line = { ...between, prompt, answer: 'between.', written: null, correction: null, score: null }
    appendFileSync(join(folder, 'feedback.jsonl'), `\n${JSON.stringify(line)}\n{"id":"cut sh`)
    const second = await serving()
    for (let i = 0; i < answered; i++) {
      expect(await send(second.url, '/v1/feedback', piece(i))).toMatchObject({ duplicate: true })
    }
    await send(second.url, '/v1/feedback', piece(1000))
    second.process.child.kill('SIGKILL')
    const { record, learner } = await loadLife(nodeDisk(folder))
    expect(record.feedback).toContain('between')
    const { kept } = (learner.strategy.rehearsal as FeedbackMemory).summary()
    // One that was being told when the kill came may be there, too.
    expect([answered + 2, answered + 3]).toContain(kept.accept + kept.reject)
    expect(kept.reject).toBeGreaterThan(0)
  }
})
