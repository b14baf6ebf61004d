/** Text that a model writes of its own accord, and its rehearsal. */
import { join } from 'node:path'
import { adamw } from '@burgeon/autograd/optim'
import {
  fixedVocabulary,
  joinBatches,
  Learner,
  ownTextReplay,
  reservoirReplay,
  writeOwnText,
} from '@burgeon/continual'
import { fromPretrained, tokenizerFromPretrained } from '@burgeon/gpt/node'
import { expect, test } from 'vitest'
import { rowsOf, tinyModel } from './tiny-learner.ts'
import { stepOf } from './step-of.ts'

const folder = join(import.meta.dirname, '../gold/small-llama')

test('rows are what the model writes after the token they begin with, the same for the same seed', async () => {
  const model = tinyModel()
  const options = { rows: 11, length: 3, begin: 2, seed: 7 }
  const text = await writeOwnText(model, options)
  expect(text).toMatchObject({ rows: 11, length: 3, domains: new Array(11).fill('own text') })
  const rows = Array.from({ length: 11 }, (_, i) => [...text.tokens.slice(i * 4, i * 4 + 4)])
  expect(rows.every((row) => row[0] === 2 && row.every((token) => token >= 0 && token < 12))).toBe(true)
  expect(new Set(rows.map(String)).size).toBeGreaterThan(6)
  expect(await writeOwnText(model, options)).toEqual(text)
  expect(await writeOwnText(model, { ...options, seed: 8 })).not.toEqual(text)
})

test('without a token to begin with, each row begins with one that is drawn', async () => {
  const { tokens } = await writeOwnText(tinyModel(), { rows: 40, length: 1 })
  const begun = tokens.filter((_, i) => i % 2 === 0)
  expect(new Set(begun).size).toBeGreaterThan(8)
})

test('an abort ends it between rows', async () => {
  const stop = new AbortController()
  const onProgress = (rows: number): void => {
    if (rows >= 8) stop.abort()
  }
  const text = await writeOwnText(tinyModel(), { rows: 100, length: 2, signal: stop.signal, onProgress })
  expect(text.rows).toBe(8)
  await expect(writeOwnText(tinyModel(), { rows: 1, signal: stop.signal })).rejects.toThrow('aborted')
})

test('own text stays in memory whatever is learnt, and comes with every batch at its share', async () => {
  const own = joinBatches(
    [rowsOf([1, 1, 1, 1, 1], [2, 2, 2, 2, 2])].map((b) => ({ ...b, domains: ['own', 'own'] })),
  )
  const beside = reservoirReplay({ capacity: 3 })
  const replay = ownTextReplay({ text: own, rows: 2, share: 0.5, beside })
  const fresh = rowsOf([3, 4, 5, 6, 7], [4, 5, 6, 7, 8])
  for (let i = 0; i < 200; i++) {
    const old = await replay.recall(stepOf(fresh))
    const ofOwn = old?.domains.filter((domain) => domain === 'own') ?? []
    expect(ofOwn).toHaveLength(1)
    replay.remember(stepOf(fresh))
  }
  expect(replay.sample(4)?.domains.filter((domain) => domain === 'own')).toHaveLength(2)
})

test('a learner with a fixed vocabulary counts bytes by its tokenizer, adds no token, and resumes to the bit', async () => {
  const tokenizer = await tokenizerFromPretrained(folder)
  const parts = (vocabulary = tokenizer) => ({
    optimizer: adamw({ learningRate: 1e-3 }),
    strategy: { vocabulary: fixedVocabulary(vocabulary) },
  })
  const learner = new Learner({ model: await fromPretrained(folder), ...parts() })
  const text = 'The loss of the model is what it learns from. '.repeat(4)
  const first = await learner.observe(text)
  expect(first.bytes).toBe(text.length + 1) // Llama's tokenizer puts a space before a text.
  const state = structuredClone(await learner.toState())
  const next = await learner.observe(text)
  expect(next.bitsPerByte).toBeLessThan(first.bitsPerByte)
  expect(tokenizer.merges).toEqual([])
  const again = Learner.fromState(state, parts(await tokenizerFromPretrained(folder)))
  expect(await again.observe(text)).toEqual(next)
})
