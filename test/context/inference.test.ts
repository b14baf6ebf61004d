/** A context that nobody named: what it costs to infer it, on tables of probabilities and in a model. */
import { contextMixture, evaluateText } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { always, bornOn, device, labelled, lossAfter, rowsIn } from './label-lives.ts'

/** Losses of some tokens in K contexts, in nats: some that cannot come, and some that are certain. */
const aLoss = fc.oneof(fc.double({ min: 0, max: 40, noNaN: true }), fc.constantFrom(0, 700, Infinity))
const aTable = fc
  .integer({ min: 1, max: 9 })
  .chain((contexts) =>
    fc.array(fc.array(aLoss, { minLength: contexts, maxLength: contexts }), { maxLength: 60 }),
  )

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
/** Sums of up to 60 losses of up to 700 are exact to this. */
const rounding = 1e-9

describe('a mixture of contexts', () => {
  test('costs at most log₂ K bits more than the best of them', () => {
    fc.assert(
      fc.property(aTable, (table) => {
        const contexts = table[0]?.length ?? 1
        const mixture = contextMixture(contexts)
        const total = sum(table.map((losses) => mixture.update(losses)))
        for (let c = 0; c < contexts; c++) {
          const alone = sum(table.map((losses) => losses[c]))
          if (alone < Infinity) expect(total - alone).toBeLessThanOrEqual(Math.log(contexts) + rounding)
        }
      }),
    )
  })
  test('that switch costs at most as much for each change as Herbster and Warmuth say', () => {
    const change = fc.tuple(fc.nat(8), fc.integer({ min: 1, max: 20 }))
    const switching = fc.double({ min: 1e-6, max: 0.9, noNaN: true })
    fc.assert(
      fc.property(aTable, fc.array(change, { minLength: 1 }), switching, (table, changes, share) => {
        fc.pre(table.length > 0)
        const contexts = table[0].length
        const mixture = contextMixture(contexts, { switching: share })
        const total = sum(table.map((losses) => mixture.update(losses)))
        // Any way through the contexts, whether it is a good one or not.
        const way = changes.flatMap(([context, tokens]) => Array<number>(tokens).fill(context % contexts))
        const at = (t: number): number => way[Math.min(t, way.length - 1)]
        const alone = sum(table.map((losses, t) => losses[at(t)]))
        if (alone === Infinity) return
        const turns = table.slice(1).map((_, t) => at(t + 1) !== at(t))
        const cost = turns.map((isTurn) =>
          isTurn ? Math.log(contexts / share) : -Math.log(1 - share + share / contexts),
        )
        expect(total - alone).toBeLessThanOrEqual(Math.log(contexts) + sum(cost) + rounding)
      }),
    )
  })
  test('predicts with probabilities that sum to 1, and is told by Bayes', () => {
    const mixture = contextMixture(3)
    mixture.update([0.5, 0.2, 0.1].map((p) => -Math.log(p)))
    const told = [0.625, 0.25, 0.125]
    expect([...mixture.probabilities]).toEqual(told.map((p) => expect.closeTo(p, 12)))
    // Two tokens that may come: what is predicted of both sums to 1.
    const next = [0.9, 0.3, 0.5].map((p) => [p, 1 - p])
    const predicted = [0, 1].map((token) => {
      const again = contextMixture(3)
      again.update([0.5, 0.2, 0.1].map((p) => -Math.log(p)))
      return Math.exp(-again.update(next.map((row) => -Math.log(row[token]))))
    })
    expect(sum(predicted)).toBeCloseTo(1, 12)
    expect(predicted[0]).toBeCloseTo(0.625 * 0.9 + 0.25 * 0.3 + 0.125 * 0.5, 12)
  })
  test('finds another context again after any number of tokens, at once where it may change', () => {
    const [still, moving] = [contextMixture(2), contextMixture(2, { switching: 0.01 })]
    for (let t = 0; t < 2000; t++) for (const mixture of [still, moving]) mixture.update([1, 2])
    let needed = 0
    while (moving.probabilities[1] < 0.5) {
      moving.update([2, 1])
      needed++
    }
    expect(needed).toBeLessThan(8)
    for (let t = 0; t < 1999; t++) still.update([2, 1])
    expect(still.probabilities[0]).toBeCloseTo(1 / (1 + Math.exp(-1)), 6)
  })
  test('keeps what it knows where a token can come in no context', () => {
    const mixture = contextMixture(2)
    mixture.update([1, 2])
    const before = [...mixture.probabilities]
    expect(mixture.update([Infinity, Infinity])).toBe(Infinity)
    expect([...mixture.probabilities]).toEqual(before)
  })
  test('takes one loss for each context', () => {
    expect(() => contextMixture(2).update([1])).toThrow('got 1 losses; expected 2')
    expect(() => contextMixture(0)).toThrow(OptionError)
    expect(() => contextMixture(2, { switching: 1 })).toThrow('got switching 1')
  })
})

describe('a prediction', () => {
  const text = '\u0003\u0004\u0009\u0002\u0001\u0000'
  const row = [3, 4, 9, 2, 1, 0]
  const learnt = async (model = bornOn()) => {
    const life = labelled(always, {}, { model })
    for (let step = 0; step < 20; step++) await life.learner.observe(rowsIn(['a', 'b', 'c'], step % 5))
    return life
  }
  test('with a label is the one after its token', async () => {
    const { learner, labels } = await learnt()
    for (const domain of ['a', 'b']) {
      const { bitsPerByte, context } = await learner.predict(text, { domain })
      const nats = lossAfter(learner.model, labels.tokensOf({ domain }), row)
      expect(bitsPerByte).toBeCloseTo(nats / Math.LN2, 5)
      expect(context).toEqual({ [domain]: 1 })
    }
  })
  test('without one costs at most log₂ K bits more than with any, and tells which label is how probable', async () => {
    const { learner } = await learnt()
    const { bitsPerByte, context = {}, next } = await learner.predict(text)
    const bitsOf = (bits: number | null): number => (bits ?? NaN) * (row.length - 1)
    const given = await Promise.all(['a', 'b', 'c'].map((domain) => learner.predict(text, { domain })))
    const costs = given.map((own) => bitsOf(bitsPerByte) - bitsOf(own.bitsPerByte))
    expect(Math.max(...costs)).toBeLessThanOrEqual(Math.log2(3) + 1e-4)
    // Bayes, from what each label says of the text alone.
    const weights = given.map((own) => 2 ** -bitsOf(own.bitsPerByte))
    const told = Object.fromEntries(['a', 'b', 'c'].map((name, i) => [name, weights[i] / sum(weights)]))
    for (const [name, probability] of Object.entries(told)) expect(context[name]).toBeCloseTo(probability, 4)
    const names = Object.keys(context)
    expect(names.toSorted((a, b) => context[b] - context[a])).toEqual(names)
    const expected = (token: number): number =>
      sum(['a', 'b', 'c'].map((name, i) => context[name] * given[i].next[token]))
    expect([...next]).toEqual([...next].map((_, token) => expect.closeTo(expected(token), 6)))
  })
  test('is of the end of a text that leaves no room for a label', async () => {
    const { learner, labels } = await learnt()
    const long = [...row, ...row]
    const { bitsPerByte } = await learner.predict(String.fromCharCode(...long), { domain: 'a' })
    const nats = lossAfter(learner.model, labels.tokensOf({ domain: 'a' }), long.slice(-7))
    expect(bitsPerByte).toBeCloseTo(nats / Math.LN2, 5)
  })
  test('with a label that nobody learnt is refused, and says which there are', async () => {
    const { learner } = await learnt()
    const said =
      "got domain 'd' as given; expected labels that were learnt: domain 'a', domain 'b', domain 'c'."
    await expect(learner.predict(text, { domain: 'd' })).rejects.toThrow(said)
    await expect(learner.predict(text, { colour: 'a' })).rejects.toThrow(OptionError)
  })
  test('of a text of any length reads each window after the labels', async () => {
    const sizes = { context: 8, embed: 8, heads: 2, layers: 1 }
    const { learner, labels } = await learnt(Gpt.create(sizes, { device, seed: 1 }))
    const { model } = learner
    const bytes = Uint8Array.from([...row, ...row, 7, 8, 3])
    const contexts = labels.contextsOf()
    const evaluated = (some: typeof contexts, switching = 0) =>
      evaluateText(model, bytes, { contexts: some, window: 5, stride: 5, switching })
    const alone = await Promise.all(contexts.map((context) => evaluated([context])))
    // Three windows; the last one has four tokens to predict.
    const windows = [bytes.subarray(0, 6), bytes.subarray(5, 11), bytes.subarray(10)]
    contexts.forEach(({ name, tokens }, c) => {
      const nats = windows.map((own) => lossAfter(model, tokens, [...own]) * (own.length - 1))
      expect(alone[c].natsPerToken).toBeCloseTo(sum(nats) / 14, 5)
      expect(alone[c].context).toEqual({ [name]: 1 })
      expect([alone[c].tokens, alone[c].bytes]).toEqual([14, 14])
    })
    const all = await evaluated(contexts)
    const weights = alone.map(({ natsPerToken }) => Math.exp(-14 * natsPerToken))
    expect(all.natsPerToken).toBeCloseTo(-Math.log(sum(weights) / 3) / 14, 5)
    contexts.forEach(({ name }, c) => expect(all.context?.[name]).toBeCloseTo(weights[c] / sum(weights), 4))
    expect((await evaluated(contexts, 0.3)).natsPerToken).not.toBe(all.natsPerToken)
    const unlike = [contexts[0], { name: 'none', tokens: [] }]
    await expect(evaluated(unlike)).rejects.toThrow('a context of 1 labels and one of 0; expected as many')
    const wide = evaluateText(model, bytes, { contexts, window: 8 })
    await expect(wide).rejects.toThrow('got window 8; expected')
  })
  test('of a learner without labels says nothing of a context', async () => {
    expect(await labelled().learner.predict(text)).not.toHaveProperty('context')
  })
})
