/** What is learnt and counted of rows with labels. Reaches inside for how rows are placed, and for a tokenizer that has a file. */
import { adamw, sgd } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  contextLabels,
  darkReplay,
  fineTune,
  fixedVocabulary,
  growingVocabulary,
  joinBatches,
  Learner,
  type TokenBatch,
} from '@burgeon/continual'
import { BytePairTokenizer, Gpt, PretrainedTokenizer } from '@burgeon/gpt'
import { keyFromSeed, OptionError, RandomStream } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { byteLevelTokenizerJson } from '../../packages/burgeon/src/models/byte-level-tokenizer.ts'
import { placed } from '../../packages/continual/src/context/rows-in-context.ts'
import { readOf, rowOf, targetsOf } from '../../packages/continual/src/stream/batch.ts'
import { numbersOf } from '../continual/tiny-learner.ts'
import { always, bornOn, device, labelled, lossAfter, rowsIn } from './label-lives.ts'

describe('tokens before rows', () => {
  const someRows = fc.array(
    fc.record({
      row: fc.array(fc.nat(9), { minLength: 2, maxLength: 6 }),
      before: fc.array(fc.integer({ min: 10, max: 19 }), { maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  test('push a row back by as many places, and everything that is predicted stays', () => {
    fc.assert(
      fc.property(someRows, (given) => {
        const batch = joinBatches(given.map(({ row }) => batchOfTokens(row, row.length - 1, 'a')))
        const { inputs, targets, length, places } = placed(
          { read: readOf(batch), targets: targetsOf(batch), length: batch.length },
          given.map(({ before }) => before),
        )
        given.forEach(({ row, before }, i) => {
          const read = [...inputs.slice(i * length, (i + 1) * length)]
          const whole = [...before, ...row]
          // What the last token of a row is followed by is not known: it is read where there is padding.
          expect(read.slice(0, whole.length - 1)).toEqual(whole.slice(0, -1))
          expect(read.slice(whole.length).every((token) => token === -1)).toBe(true)
          const wanted = [...targets.slice(i * length, (i + 1) * length)]
          const none = before.map(() => -1)
          expect(wanted.slice(0, whole.length - 1)).toEqual([...none, ...row.slice(1)])
          expect(wanted.slice(whole.length - 1).every((token) => token === -1)).toBe(true)
          const own = [...places.slice(i * batch.length, i * batch.length + row.length - 1)]
          expect(own).toEqual(own.map((_, t) => i * length + before.length + t))
        })
        expect(places).toHaveLength(batch.rows * batch.length)
        expect(length).toBe(batch.length + Math.max(...given.map(({ before }) => before.length)))
      }),
    )
  })
  test('are left out at random: each, and of some rows all', () => {
    const labels = contextLabels({
      ...{ drop: 0.3, dropAll: 0.2 },
      kinds: { domain: ({ domain }) => domain, first: ({ domain }) => domain.slice(0, 1) },
    })
    labels.add([{ kind: 'domain', name: 'ab' }], 20)
    labels.add([{ kind: 'first', name: 'a' }], 21)
    const rows = 4000
    const batch: TokenBatch = {
      ...{ rows, length: 1, tokens: new Int32Array(2 * rows) },
      domains: Array.from({ length: rows }, () => 'ab'),
    }
    const [seed] = fc.sample(fc.nat(), 1)
    const stream = (): RandomStream => new RandomStream(keyFromSeed(seed))
    const some = labels.someBefore(batch, stream())
    const shareOf = (has: (tokens: readonly number[]) => boolean): number => some.filter(has).length / rows
    // Six standard deviations of a binomial distribution at most.
    const near = (share: number, expected: number): void =>
      expect(Math.abs(share - expected)).toBeLessThan(6 * Math.sqrt(0.25 / rows))
    near(
      shareOf((tokens) => tokens.length === 0),
      0.2 + 0.8 * 0.3 ** 2,
    )
    near(
      shareOf((tokens) => tokens.length === 2),
      0.8 * 0.7 ** 2,
    )
    near(
      shareOf((tokens) => tokens.includes(20)),
      0.8 * 0.7,
    )
    near(
      shareOf((tokens) => tokens.includes(21)),
      0.8 * 0.7,
    )
    expect(some.every((tokens) => tokens.length < 2 || tokens[0] === 20)).toBe(true)
    expect(labels.someBefore(batch, stream())).toEqual(some)
    // A row of no label draws as many, so that it changes nothing for those after it.
    const others = { ...batch, domains: batch.domains.with(0, '') }
    expect(labels.someBefore(others, stream()).slice(1)).toEqual(some.slice(1))
  })
})

describe('a step', () => {
  const domains = ['a', 'b', '', 'a']
  test('predicts each row after its labels, and counts no label', async () => {
    const { learner, labels } = labelled()
    await learner.observe(rowsIn(domains))
    const batch = rowsIn(domains, 1)
    const losses = labels
      .before(batch)
      .map((before, row) => lossAfter(learner.model, before, [...rowOf(batch, row)]))
    const { rowLosses, loss, tokens, bytes, bitsPerByte } = await learner.observe(batch)
    expect(rowLosses).toEqual(losses.map((own) => expect.closeTo(own, 5)))
    expect(loss).toBeCloseTo(losses.reduce((a, b) => a + b, 0) / 4, 5)
    expect([tokens, bytes]).toEqual([24, 24])
    expect(bitsPerByte).toBeCloseTo(loss / Math.LN2, 6)
  })
  test('of rows without labels is to the bit one of a learner that knows none', async () => {
    const { learner } = labelled()
    const { context: _, ...strategy } = learner.strategy
    const plain = new Learner({ model: bornOn(), optimizer: adamw({ learningRate: 1e-2 }), strategy })
    for (let step = 0; step < 4; step++) {
      const rows = rowsIn(['', ''], step)
      expect(await learner.observe(rows)).toEqual(await plain.observe(rows))
    }
    expect(numbersOf(learner.model.parameters.tensors())).toEqual(numbersOf(plain.model.parameters.tensors()))
  })
  test('leaves out what it draws by the seed of the learner and its number, so that no bit hangs on the past', async () => {
    const run = async (seed: number): Promise<number[]> => {
      const { learner } = labelled({ drop: 0.5, dropAll: 0 }, {}, { seed })
      const losses = []
      for (let step = 0; step < 6; step++) losses.push((await learner.observe(rowsIn(domains, step))).loss)
      return losses
    }
    const first = await run(1)
    expect(await run(1)).toEqual(first)
    expect(await run(2)).not.toEqual(first)
  })
  test('learns a label by the rows that have it', async () => {
    const { learner } = labelled(always, {}, { optimizer: sgd(0.1) })
    await learner.observe(rowsIn(['a', 'b']))
    const before = numbersOf(learner.model.parameters.tensors())['embed.token.weight']
    await learner.observe(rowsIn(['a', 'a']))
    const after = numbersOf(learner.model.parameters.tensors())['embed.token.weight']
    expect(after.slice(8 * 12, 8 * 13)).not.toEqual(before.slice(8 * 12, 8 * 13))
    expect(after.slice(8 * 13)).toEqual(before.slice(8 * 13))
  })
})

describe('what stands beside labels', () => {
  const withLabels = (more: object, model = bornOn()): Learner =>
    new Learner({ model, optimizer: sgd(0.1), strategy: { context: contextLabels(), ...more } })
  test('is refused where labels would disturb it', () => {
    const pretrained = () => new PretrainedTokenizer(byteLevelTokenizerJson())
    expect(() => withLabels({ rehearsal: darkReplay({ capacity: 4 }) })).toThrow('which keeps outputs')
    const growing = growingVocabulary({ tokens: 300, tokenizer: pretrained() })
    expect(() => withLabels({ vocabulary: growing })).toThrow('whose numbers have no gaps')
    expect(() => withLabels({ vocabulary: fixedVocabulary(pretrained()) })).not.toThrow()
    expect(() => withLabels({ vocabulary: growingVocabulary({ tokens: 300 }) })).not.toThrow()
    const adapted = () => fineTune(bornOn(), { adapter: { rank: 1 }, strategy: { context: contextLabels() } })
    expect(adapted).toThrow('got an adapter and the labels of domain')
  })
  test('is a vocabulary that never grows, whose tokenizer goes without them', async () => {
    const vocabulary = fixedVocabulary(new BytePairTokenizer())
    const { learner, labels } = labelled(
      always,
      { vocabulary },
      { model: Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1 }, { device }) },
    )
    await learner.observe('abcdefgh')
    expect(labels.labels).toEqual([{ kind: 'domain', name: 'text', token: 256 }])
    expect((await learner.observe('abcdefgh')).bytes).toBe(7)
    expect(vocabulary.tokenizer.vocabulary).toBe(256)
  })
  test.each<[string, object]>([
    ['got kinds ; expected one to 4 functions', { kinds: {} }],
    ['got kinds a: 1; expected', { kinds: { a: 1 } }],
    ['expected one to 4', { kinds: Object.fromEntries([1, 2, 3, 4, 5].map((i) => [`k${i}`, () => null])) }],
    ['got drop 1', { drop: 1 }],
    ['got dropAll -0.1', { dropAll: -0.1 }],
    ['got limit 0', { limit: 0 }],
  ])('%s', (said, options) => {
    expect(() => contextLabels(options)).toThrow(said)
    expect(() => contextLabels(options)).toThrow(OptionError)
  })
})
