/** `/v1/explain`: what it says, of which weights, who may ask, and how much work that may be. */
import { expect, test } from 'vitest'
import { asking, servedLife, smallServed, lifeFolder } from './small-served.ts'

const why = { model: 'life', prompt: 'the quick brown ', answer: 'fox' }
interface Told {
  readonly bytes: readonly { text: string; attribution: number; attention: number }[]
  readonly score: number
  readonly baseline_score: number
  readonly gaps: { readonly bytes: number }
  readonly experiences: readonly { id: number | null; domain: string; text: string }[] | null
}

test('explains an answer of a life: attributions that sum to the score, layers, parts, rows that it rehearses', async () => {
  const { ask } = await asking()
  const text = 'the quick brown fox jumps over the lazy dog. '.repeat(20)
  expect((await ask('/v1/learn', { documents: [{ text }], domain: 'foxes' })).status).toBe(200)
  const { status, json, headers } = await ask('/v1/explain', why)
  expect(status).toBe(200)
  expect(headers.get('x-burgeon-weights-version')).toMatch(/^\d+-[0-9a-f]{12}$/)
  const told = json as unknown as Told
  expect(told.bytes.map((byte) => byte.text).join('')).toBe('the quick brown fo')
  const sum = told.bytes.reduce((total, { attribution }) => total + attribution, 0)
  expect(Math.abs(sum - (told.score - told.baseline_score))).toBeLessThan(told.gaps.bytes + 1e-5)
  expect(told.experiences?.[0].domain).toBe('foxes')
  expect(json).toMatchObject({ object: 'explanation', model: 'life', recalled: null })
  expect(Object.keys(json)).toEqual(
    expect.arrayContaining(['layers', 'causes', 'writers', 'log_probability']),
  )
})

test('of a model that does not learn, too, and of one that is recalled from', async () => {
  const folder = await lifeFolder()
  const { ask } = await asking({}, await smallServed(folder, true))
  const { status, json } = await ask('/v1/explain', why)
  expect([status, json['experiences'], json['recalled']]).toEqual([200, null, null])
  const recalling = await lifeFolder({ ...servedLife, recall: 262_144 })
  const other = await asking({}, await smallServed(recalling))
  await other.ask('/v1/learn', { documents: [{ text: 'the quick brown fox jumps. '.repeat(6) }] })
  const { json: told } = await other.ask('/v1/explain', why)
  expect(told['recalled']).toMatchObject([{ text: expect.stringMatching(/^fox/) as string }])
})

test('is of the weights of one moment, however much is learnt meanwhile', async () => {
  const { ask } = await asking({ learnShare: 1 })
  const alone = await ask('/v1/explain', why)
  const text = 'something else entirely, again and again. '.repeat(40)
  const [, told] = await Promise.all([
    ask('/v1/learn', { documents: [{ text }] }),
    ask('/v1/explain', { ...why, experiences: 0 }),
  ])
  const after = await ask('/v1/explain', why)
  const scores = [alone, told, after].map(({ json }) => json['score'])
  expect(scores[0]).not.toBe(scores[2])
  const { bytes, score, baseline_score, gaps } = told.json as unknown as Told
  // A mixture of several weights would not add up.
  const sum = bytes.reduce((total, { attribution }) => total + attribution, 0)
  expect(Math.abs(sum - (score - baseline_score))).toBeLessThan(gaps.bytes + 1e-5)
})

test('several at once wait for each other and say the same', async () => {
  const { ask } = await asking()
  const answers = await Promise.all([1, 2, 3].map(() => ask('/v1/explain', why)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(answers[1].json).toEqual(answers[0].json)
  expect(answers[2].json).toEqual(answers[0].json)
})

test('wants a key that may read, and refuses more work than is allowed', async () => {
  const key = 'a-key-of-sixteen-or-more'
  const { ask } = await asking({ keys: [{ key, scopes: ['teach'] }] })
  expect((await ask('/v1/explain', why)).status).toBe(401)
  expect((await ask('/v1/explain', why, { authorization: `Bearer ${key}` })).status).toBe(403)
  const few = await asking({ limits: { explained: 1000 } })
  const refused = await few.ask('/v1/explain', why)
  expect([refused.status, refused.json.error?.['code']]).toEqual([400, 'too_much_to_explain'])
})

test('explains what was written here by its name: the first tokens of it', async () => {
  const { ask } = await asking()
  const messages = [{ role: 'user', content: 'Hi' }]
  const written = await ask('/v1/chat/completions', {
    model: 'life',
    messages,
    max_tokens: 12,
    n: 2,
    seed: 3,
  })
  const choices = written.json['choices'] as readonly { message: { content: string } }[]
  const named = { model: 'life', response_id: written.json['id'] }
  const tellsOf = async (more: object): Promise<string> => {
    const { status, json } = await ask('/v1/explain', { ...named, experiences: 0, ...more })
    expect(status).toBe(200)
    const read = (json as unknown as Told).bytes.map(({ text }) => text).join('')
    expect(read).toContain('User: Hi\nAssistant:'.slice(-10))
    // Tokens are bytes here, and several of them a character.
    return new TextDecoder().decode(
      Uint8Array.from(json['answer'] as readonly { token: number }[], ({ token }) => token),
    )
  }
  for (const [choice, { message }] of choices.entries()) {
    const told = await tellsOf({ choice, tokens: 4 })
    expect(Array.from(told).length).toBeLessThanOrEqual(4)
    expect(message.content.startsWith(told)).toBe(true)
    expect(told).not.toBe('')
  }
  expect(await tellsOf({})).toBe(await tellsOf({ choice: 0, tokens: 16 }))
  for (const [wrong, code] of [
    [{ ...named, response_id: 'chatcmpl-none' }, 'unknown_response'],
    [{ ...named, choice: 2 }, 'unknown_response'],
    [{ ...named, prompt: 'Hi', answer: 'Ho' }, 'invalid_value'],
    [{ ...why, tokens: 3 }, 'invalid_value'],
    [{ model: 'life', prompt: 'Hi' }, 'invalid_value'],
  ] as const) {
    const { status, json } = await ask('/v1/explain', wrong)
    expect([status, json.error?.['code']]).toEqual([code === 'unknown_response' ? 404 : 400, code])
  }
})

test('says what is wrong with a question', async () => {
  const { ask } = await asking()
  for (const wrong of [
    { ...why, answer: '' },
    { ...why, instead: 'no' },
    { ...why, experiences: 21 },
    { ...why, answer: 'x'.repeat(200) },
  ]) {
    expect((await ask('/v1/explain', wrong)).status).toBe(400)
  }
  expect((await ask('/v1/explain', { ...why, model: 'other' })).status).toBe(404)
})

test('stops for a client that has gone, and answers the next one', async () => {
  const { ask, app, served } = await asking()
  const gone = new AbortController()
  let turns = 0
  const request = new Request('http://localhost/v1/explain', {
    method: 'POST',
    headers: { host: 'localhost', 'content-type': 'application/json' },
    body: JSON.stringify(why),
    signal: gone.signal,
  })
  const answer = Promise.resolve(app.fetch(request))
  // It is answered in several turns, and the client goes after the first of them.
  await served.explain?.({ ...why, experiences: 0 }, async (piece) => {
    turns++
    gone.abort()
    return piece()
  })
  expect((await answer).status).toBe(499)
  expect(turns).toBeGreaterThan(5)
  expect((await ask('/v1/explain', why)).status).toBe(200)
})
