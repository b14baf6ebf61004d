/** The birth of labels: rows of the vocabulary that are read and never predicted. */
import {
  batchOfTokens,
  everySteps,
  growingVocabulary,
  joinBatches,
  type LearnerEvent,
} from '@burgeon/continual'
import { byteTokenizer, Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { type Device, keyFromSeed, OptionError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { always, bornOn, device, labelled, logitsOf, rowsIn } from './label-lives.ts'

const growthsOf = (events: readonly LearnerEvent[]): string[] =>
  events.flatMap(({ kind, data }) => (kind === 'growth' ? [(data as { reason: string }).reason] : []))
const rowOfTable = (numbers: ArrayLike<number>, row: number): number[] =>
  Array.from(numbers).slice(8 * row, 8 * (row + 1))
const meanOf = (rows: readonly (readonly number[])[]): number[] =>
  rows[0].map((_, c) => rows.reduce((sum, row) => sum + row[c], 0) / rows.length)
const near = (numbers: readonly number[]): unknown[] => numbers.map((x) => expect.closeTo(x, 6))

describe('a label', () => {
  test('comes after the step that saw it first, and its rows carry it from the next on', async () => {
    const { learner, labels } = labelled()
    const { events } = await learner.observe(rowsIn(['a', 'b', 'a']))
    expect(growthsOf(events)).toEqual(['rows of domain "a", domain "b" came for the first time'])
    expect(labels.labels).toEqual([
      { kind: 'domain', name: 'a', token: 12 },
      { kind: 'domain', name: 'b', token: 13 },
    ])
    expect(learner.model.config.vocabulary).toBe(14)
    expect(labels.before(rowsIn(['b', 'c', 'a']))).toEqual([[13], [], [12]])
    expect((await learner.observe(rowsIn(['a', 'b']))).events).toEqual([])
  })
  test('is the mean of the tokens there are, and later ones are the mean of the labels', async () => {
    const { learner } = labelled()
    await learner.observe(rowsIn(['a']))
    const table = (): ArrayLike<number> =>
      learner.model.parameters.get('embed.token.weight').tensor.readSync()
    const tokens = Array.from({ length: 12 }, (_, i) => rowOfTable(table(), i))
    expect(rowOfTable(table(), 12)).toEqual(near(meanOf(tokens)))
    await learner.observe(rowsIn(['b', 'a']))
    expect(rowOfTable(table(), 13)).toEqual(rowOfTable(table(), 12))
    await learner.observe(rowsIn(['a', 'b']))
    expect(rowOfTable(table(), 13)).not.toEqual(rowOfTable(table(), 12))
    await learner.observe(rowsIn(['c', 'a']))
    expect(rowOfTable(table(), 14)).toEqual(near(meanOf([12, 13].map((i) => rowOfTable(table(), i)))))
  })
  test.each<[string, Device]>([
    ['the reference', openReference()],
    ['WASM', device],
  ])('changes no bit of what is predicted without it, on %s', async (_, own) => {
    const model = bornOn(own)
    const text = [0, 5, 11, 3, 3, 7]
    for (let label = 0; label < 3; label++) {
      const before = logitsOf(model, text, model.config.vocabulary)
      const parts = label === 0 ? [...Array(12).keys()] : [12]
      await grow(
        model,
        { kind: 'growVocabulary', tokens: [{ parts, share: 0 }] },
        { mirrors: [], key: keyFromSeed(1) },
      )
      expect(logitsOf(model, text, model.config.vocabulary - 1)).toEqual(before)
    }
  })
  test('is never predicted, whatever is learnt', async () => {
    const { learner, labels } = labelled()
    for (let step = 0; step < 30; step++) await learner.observe(rowsIn(['a', 'b'], step))
    const { next } = await learner.predict('\u0003\u0004', { domain: 'a' })
    expect([...next.slice(12)]).toEqual([0, 0])
    expect(next.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9)
    const { tokens } = await learner.model.generate([...labels.tokensOf({ domain: 'a' }), 3], {
      ...{ tokens: 400, temperature: 20 },
    })
    expect(Math.max(...tokens)).toBeLessThan(12)
    expect(new Set(tokens).size).toBe(12)
    const bias = learner.model.parameters.get('head.bias').tensor.readSync()
    expect([...bias.slice(12)]).toEqual([0, 0])
  })
  test('is one of at most the limit, and of what the budget has room for', async () => {
    const { learner, labels } = labelled({ ...always, limit: 2 })
    await learner.observe(rowsIn(['a', 'b', 'c']))
    await learner.observe(rowsIn(['d']))
    expect(labels.labels.map(({ name }) => name)).toEqual(['a', 'b'])
    // One label is a row of 8 and a bias, and the first one brings biases for the 12 tokens.
    const parameters = bornOn().parameters.size + 12 + 9
    const small = labelled(always, {}, { budget: { parameters } })
    const { events } = await small.learner.observe(rowsIn(['a', 'b']))
    expect(events).toHaveLength(1)
    expect(small.labels.labels.map(({ name }) => name)).toEqual(['a'])
    expect((await small.learner.observe(rowsIn(['b']))).events).toEqual([])
  })
  test('takes no number from the tokens of a vocabulary that grows', async () => {
    const vocabulary = growingVocabulary({
      tokens: 270,
      tokensAtOnce: 2,
      minCount: 2,
      growWhen: everySteps(2),
    })
    const { learner, labels } = labelled(
      always,
      { vocabulary },
      { model: Gpt.create({ context: 16, embed: 8, heads: 2, layers: 1 }, { device }) },
    )
    const text = 'the thing that the other thinks '
    const rowIn = (domain: string, from: number) =>
      batchOfTokens(byteTokenizer.encode(text.slice(from, from + 15)), 14, domain)
    const said = (domain: string) => joinBatches([rowIn(domain, 0), rowIn('text', 8)])
    for (const domain of ['a', 'a', 'b', 'b', 'c', 'c']) await learner.observe(said(domain))
    const { tokenizer } = vocabulary
    const own = labels.labels.map(({ token }) => token)
    expect(own).toHaveLength(4)
    const merged = tokenizer.merges.flatMap(([left, right], i) => (left === right ? [] : [256 + i]))
    expect(merged.length).toBeGreaterThan(2)
    expect([...own, ...merged].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: learner.model.config.vocabulary - 256 }, (_, i) => 256 + i),
    )
    expect(tokenizer.vocabulary).toBe(learner.model.config.vocabulary)
    // Tokens after the first label: the numbers of both interleave.
    expect(Math.max(...merged)).toBeGreaterThan(Math.min(...own))
    expect(tokenizer.decode([...own, ...tokenizer.encode(text)])).toBe(text)
    expect([...tokenizer.encode(text)].filter((token) => own.includes(token))).toEqual([])
  })
})

describe('what cannot be labelled', () => {
  test('rows that leave no room, or hold labels as if they were text', async () => {
    const { learner } = labelled()
    const long = { ...rowsIn(['a']), length: 8, tokens: Int32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]) }
    await expect(learner.observe(long)).rejects.toThrow(
      'got rows of 8 predictions; expected at most the context, 7',
    )
    await learner.observe(rowsIn(['a']))
    const { tokens, ...batch } = rowsIn(['a'])
    const error = learner.observe({ ...batch, tokens: tokens.with(2, 12) })
    await expect(error).rejects.toThrow(
      'got token 12, which is the label domain "a"; expected tokens of text',
    )
    await expect(error).rejects.toBeInstanceOf(OptionError)
    expect(learner.step).toBe(1)
  })
  test('rows whose kind gives something other than a name', async () => {
    const { learner } = labelled({ kinds: { age: () => 7 as never } })
    await expect(learner.observe(rowsIn(['a']))).rejects.toThrow('got 7 as the age of a row; expected a name')
    expect(learner.step).toBe(0)
  })
})
