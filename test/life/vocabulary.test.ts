/** Reaches inside gpt for a disk in memory, and into rehearsal for the rows it packs. */
import { adamw } from '@burgeon/autograd/optim'
import {
  afterDrift,
  anyOf,
  type TokenBatch,
  batchOfTokens,
  bitsPerByteOf,
  everySteps,
  growingVocabulary,
  type GrowingVocabulary,
  Learner,
  type LearnerOptions,
  type LearnerState,
  meanLoss,
  neverTrigger,
  onlineEwc,
  pageHinkley,
  type Rehearsal,
  savedPart,
  reservoirReplay,
  type StepReport,
  type VocabularyOptions,
  type WantedTokens,
} from '@burgeon/continual'
import { BytePairTokenizer, Gpt, type GrowingTokenizer, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { grow, holdModel } from '@burgeon/gpt/growth'
import { keyFromSeed, OptionError, RandomStream } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { unpackRow } from '../../packages/continual/src/rehearsal/storage/packed-row.ts'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'

const english = 'the cat sat on the mat, and the hat of the cat was on the mat, too. '
const french = 'le chat était là où la chatte était, sous le château à côté de là. '
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const sizes = { context: 16, embed: 16, heads: 2, layers: 1, mlpHidden: 16 }
const modelOf = (): Gpt => Gpt.create(sizes, { seed: 5 })

/** Byte batches of four rows, as the front door cuts a stream, across words and characters. */
function* batchesOf(text: string, steps: number, rows = 4): Generator<TokenBatch> {
  const all = bytesOf(text.repeat(Math.ceil((steps * rows * 16) / text.length) + 1))
  for (let i = 0; i < steps; i++) {
    const from = i * rows * sizes.context
    yield batchOfTokens(all.subarray(from, from + rows * sizes.context + 1), sizes.context, 'stream')
  }
}

const parts = (options: Partial<VocabularyOptions> = {}): Omit<LearnerOptions, 'model'> => ({
  optimizer: adamw({ learningRate: 5e-3 }),
  strategy: {
    rehearsal: reservoirReplay({ capacity: 12, share: 0.5, seed: 1 }),
    penalties: [onlineEwc({ strength: 1, decay: 0.9, seed: 1 })],
    detector: pageHinkley({ mode: 'up', delta: 0.1, threshold: 2 }),
    vocabulary: growingVocabulary({
      ...{ tokens: 300, tokensAtOnce: 8, minCount: 5, growWhen: everySteps(5) },
      ...options,
    }),
  },
})

/** The same learner without a vocabulary. */
function partsWithout(): Omit<LearnerOptions, 'model'> {
  const { strategy = {}, ...rest } = parts()
  const { vocabulary: _, ...without } = strategy
  return { ...rest, strategy: without }
}

const learnerOf = (options: Partial<VocabularyOptions> = {}): Learner =>
  new Learner({ model: modelOf(), ...parts(options) })

async function observed(learner: Learner, batches: Iterable<TokenBatch>): Promise<StepReport[]> {
  const reports: StepReport[] = []
  for (const batch of batches) reports.push(await learner.observe(batch))
  return reports
}

const tokenizerOf = ({ strategy }: Learner): GrowingTokenizer =>
  (strategy.vocabulary as GrowingVocabulary).tokenizer

describe('a growing vocabulary', () => {
  test('grows with the model when its trigger says so, and the journal records it', async () => {
    const learner = learnerOf()
    const reports = await observed(learner, batchesOf(english, 12))
    const growths = reports.map(({ events }) => events.filter(({ kind }) => kind === 'growth').length)
    expect(growths).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0])
    expect(learner.model.config.vocabulary).toBe(256 + 16)
    expect(tokenizerOf(learner).vocabulary).toBe(256 + 16)
    const [event] = learner.journal
    if (event.kind !== 'growth') throw new Error(event.kind)
    expect(event.part).toBe('vocabulary of at most 300 tokens')
    expect(event.data.reason).toMatch(/^"at", .*, … seen \d+ to \d+ times$/)
    expect(event.data.record).toMatchObject({
      summary: 'vocabulary 256 → 264',
      logitsMoved: expect.any(Number),
    })
    expect(reports[11].parameters).toBe(learner.model.parameters.size)
  })
  test('predicts the bytes of every batch once, in fewer tokens the more it has grown', async () => {
    const learner = learnerOf()
    const reports = await observed(learner, batchesOf(english + french, 24))
    expect(reports.map(({ bytes }) => bytes)).toEqual(reports.map(() => 64))
    expect(reports.slice(0, 5).map(({ tokens }) => tokens)).toEqual([64, 64, 64, 64, 64])
    expect(reports[23].tokens).toBeLessThan(48)
    for (const { loss, tokens, bytes, bitsPerByte } of reports) {
      expect(bitsPerByte).toBeCloseTo((loss * tokens) / Math.LN2 / bytes, 10)
    }
  })
  test('that never grows changes nothing, to the last bit', async () => {
    const plain = new Learner({ model: modelOf(), ...partsWithout() })
    const learner = learnerOf({ growWhen: neverTrigger })
    const batches = [...batchesOf(french, 8)]
    expect(await observed(learner, batches)).toEqual(await observed(plain, batches))
    expect(await learner.predict(french)).toEqual(await plain.predict(french))
    expect((await learner.toState()).model).toEqual((await plain.toState()).model)
  })
  test('grows some steps after a drift alarm, when the new has been seen', async () => {
    const learner = learnerOf({ growWhen: afterDrift(3) })
    await observed(learner, batchesOf('ab', 60))
    expect(learner.journal).toEqual([])
    await observed(learner, batchesOf(french, 12))
    const kinds = learner.journal.map(({ kind, step }) => ({ kind, step }))
    const alarm = kinds.findLast(({ kind }) => kind === 'drift')?.step ?? Number.NaN
    expect(kinds.filter(({ kind }) => kind === 'growth')).toEqual([{ kind: 'growth', step: alarm + 3 }])
    expect(anyOf(neverTrigger, afterDrift(2))({ step: 9, drift: false, stepsSinceDrift: null })).toBe(false)
  })
  test('asks for no more than the budget allows, and for nothing when that is nothing', async () => {
    const parameters = modelOf().parameters.size + 256 + 3 * 17
    const learner = new Learner({ model: modelOf(), ...parts(), budget: { parameters } })
    await observed(learner, batchesOf(english, 20))
    expect(learner.model.parameters.size).toBe(parameters)
    expect(learner.model.config.vocabulary).toBe(259)
    expect(learner.journal.filter(({ kind }) => kind === 'growth').length).toBe(1)
  })
  test('stays as it is when the model cannot grow', async () => {
    const learner = learnerOf()
    const held = holdModel(learner.model)
    await observed(learner, batchesOf(english, 5))
    expect(learner.journal.map(({ kind }) => kind)).toEqual(['growth refused'])
    expect(learner.model.config.vocabulary).toBe(256)
    expect(tokenizerOf(learner).vocabulary).toBe(256)
    held[Symbol.dispose]()
    await observed(learner, batchesOf(english, 5))
    expect(learner.model.config.vocabulary).toBe(264)
    expect(tokenizerOf(learner).vocabulary).toBe(264)
  })
  test('takes texts, rows that do not follow each other, and the tokens of any time', async () => {
    const learner = learnerOf()
    await observed(learner, batchesOf(english, 5))
    const text = await learner.observe(english)
    expect(text.bytes).toBeGreaterThan(english.length - 4)
    expect(text.tokens).toBeLessThan(english.length)
    const { isContinuous: _, ...apart } = batchOfTokens(bytesOf(english).subarray(0, 49), 16, 'apart')
    const rows = await learner.observe(apart)
    expect([rows.rowLosses.length, rows.bytes]).toEqual([3, 48])
    const now = batchOfTokens(tokenizerOf(learner).encode(english), 16, 'now')
    const encoded = await learner.observe(now)
    expect(encoded.bytes).toBe(english.length - tokenizerOf(learner).bytesOf(now.tokens[0]).length)
    const unknown = { ...now, tokens: now.tokens.map(() => 299) }
    await expect(learner.observe(unknown)).rejects.toThrow('got token 299; expected an integer from 0 to 263')
    expect(learner.step).toBe(8)
  })
})

test('remembered rows are encoded anew when the vocabulary grows: the same bytes in fewer tokens', async () => {
  const learner = learnerOf({ growWhen: neverTrigger })
  await observed(learner, batchesOf(english + french, 9))
  const tokenizer = new BytePairTokenizer()
  const before = rowsOf(await learner.toState())
  const rehearsal = learner.strategy.rehearsal as Rehearsal
  const grown = learnerOf()
  await observed(grown, batchesOf(english + french, 5))
  const newer = tokenizerOf(grown)
  const after = rowsOf(await grown.toState())
  expect(after.length).toBe(12)
  for (const tokens of after) {
    const anew = newer.encodeBytes(newer.decodeBytes(tokens.slice(1)))
    expect(tokens.slice(1)).toEqual([...anew])
    expect(newer.decodeBytes(tokens).length).toBe(17)
  }
  expect(after.flat().filter((token) => token > 255).length).toBeGreaterThan(20)
  // The rule alone: what a row becomes is what the rehearsal keeps.
  rehearsal.recode?.((row) => row.toReversed())
  expect(rowsOf(await learner.toState())).toEqual(before.map((row) => row.toReversed()))
  expect(tokenizer.vocabulary).toBe(256)
})

/** The rows that a saved rehearsal holds. */
function rowsOf(saved: LearnerState): number[][] {
  const { packed, sizes } = savedPart(saved, 'rehearsal') as { packed: Uint8Array; sizes: Int32Array }
  let end = 0
  return Array.from(sizes, (size) => {
    end += size
    const row = unpackRow(packed.subarray(end - size, end), '')
    return 'tokens' in row ? [...row.tokens] : []
  })
}

describe('a learner with a grown vocabulary', () => {
  test('resumed from a checkpoint ends where one that was never stopped ends, bit for bit', async () => {
    const stream = [...batchesOf(`$ __proto__ 42 ${english}${french}`, 24)]
    const whole = learnerOf()
    const reports = await observed(whole, stream)
    const first = learnerOf()
    await observed(first, stream.slice(0, 13))
    const disk = memoryDisk()
    await writeCheckpoint(disk, { learner: await first.toState() })
    const { learner: state } = await readCheckpoint(disk)
    const second = Learner.fromState(state as LearnerState, parts())
    expect(await observed(second, stream.slice(13))).toEqual(reports.slice(13))
    expect(await second.toState()).toEqual(await whole.toState())
    expect(tokenizerOf(second).vocabulary).toBe(second.model.config.vocabulary)
  })
  test('without a vocabulary is woken without one and refused with one', async () => {
    const plain = new Learner({ model: modelOf(), ...partsWithout() })
    await observed(plain, batchesOf(english, 2))
    const saved = await plain.toState()
    expect(savedPart(saved, 'vocabulary')).toBeUndefined()
    const woken = Learner.fromState(saved, partsWithout())
    const next = [...batchesOf(french, 3)]
    expect(await observed(woken, next)).toEqual(await observed(plain, next))
    expect(() => Learner.fromState(saved, parts())).toThrow('the saved one was made of')
  })
  test('says of a text how many bits a byte takes, however many bytes a token has', async () => {
    const learner = learnerOf()
    await observed(learner, batchesOf(english, 20))
    const { model } = learner
    const tokenizer = tokenizerOf(learner)
    const tokens = tokenizer.encodeBytes(bytesOf(french).subarray(1))
    const all = Int32Array.from([bytesOf(french)[0], ...tokens])
    const nats = (await meanLoss(model, all)) * tokens.length
    const expected = nats / Math.LN2 / (bytesOf(french).length - 1)
    expect(await bitsPerByteOf(model, french, tokenizer)).toBeCloseTo(expected, 10)
    const word = tokenizer.encode('the cat sat')
    const { bitsPerByte, next } = await learner.predict('the cat sat')
    const wordNats = (await meanLoss(model, word)) * (word.length - 1)
    const rest = tokenizer.decodeBytes(word.subarray(1)).length
    expect(bitsPerByte).toBeCloseTo(wordNats / Math.LN2 / rest, 6)
    expect(next.length).toBe(model.config.vocabulary)
    const one = tokenizer.decode([tokenizer.vocabulary - 1])
    expect((await learner.predict(one)).bitsPerByte).toBeNull()
  })
  test('has lost little of what it knew right after growth, and far less than with the usual share', async () => {
    const [counted, usual] = await Promise.all([true, false].map((isCounted) => bitsAroundGrowth(isCounted)))
    expect(counted.before).toBeLessThan(3)
    expect(counted.before).toBe(usual.before)
    expect(counted.after).toBeLessThan(1.1 * counted.before)
    expect(usual.after).toBeGreaterThan(1.3 * usual.before)
  })
  test('goes on with importance and the detector: it consolidates after growth', async () => {
    const learner = learnerOf()
    await observed(learner, batchesOf(english, 30))
    await observed(learner, batchesOf('1 + 2 = 3; 4 × 5 = 20; ', 20))
    const kinds = learner.journal.map(({ kind }) => kind)
    expect(kinds.indexOf('consolidation')).toBeGreaterThan(kinds.indexOf('growth'))
    expect(kinds).not.toContain('growth refused')
  })
})

/** Words of both languages in any order, so that not everything can be foretold. */
function babble(words: number): string {
  const random = new RandomStream(keyFromSeed(3))
  const all = [...new Set(`${english}${french}`.split(/[^\p{L}]+/u))].filter((word) => word !== '')
  return Array.from({ length: words }, () => all[random.below(all.length)]).join(' ')
}

/** Of a text that a small model has begun to know: just before its vocabulary grows by 8, and just after. */
async function bitsAroundGrowth(isCounted: boolean): Promise<{ before: number; after: number }> {
  const vocabulary = growingVocabulary({ tokens: 300, tokensAtOnce: 8, growWhen: neverTrigger })
  const learner = new Learner({
    model: modelOf(),
    optimizer: adamw({ learningRate: 5e-3 }),
    strategy: { vocabulary },
  })
  const { model } = learner
  const text = babble(4000)
  await observed(learner, batchesOf(text, 200))
  const { request, merges } = vocabulary.wanted() as WantedTokens
  const tokens = isCounted ? request.tokens : request.tokens.map(({ parts: both }) => ({ parts: both }))
  const old = text.slice(0, 3000)
  const before = await bitsPerByteOf(model, old)
  using probe = model.device.tensor(bytesOf(old).subarray(0, 16), { shape: [1, 16], dtype: 'i32' })
  await grow(model, { kind: 'growVocabulary', tokens }, { mirrors: [], probe, key: [1, 2] })
  vocabulary.tokenizer.add(merges)
  return { before, after: await bitsPerByteOf(model, old, vocabulary.tokenizer) }
}

describe('what cannot work is refused', () => {
  test('a rehearsal that would keep old tokens', () => {
    const { recode: _, ...rehearsal } = reservoirReplay({ capacity: 3 })
    const { optimizer, strategy } = parts()
    const build = (): Learner =>
      new Learner({ model: modelOf(), optimizer, strategy: { ...strategy, rehearsal } })
    expect(build).toThrow(OptionError)
    expect(build).toThrow('replay 3 rows, share 1 has no recode(encoded)')
  })
  test('a tokenizer that is not the model’s, before anything is learnt', async () => {
    const tokenizer = new BytePairTokenizer({ merges: [[116, 104]] })
    const learner = learnerOf({ tokenizer })
    await expect(learner.observe(english)).rejects.toThrow('the tokenizer has 257 tokens and the model 256')
    expect(learner.step).toBe(0)
  })
  test.each([{ tokens: 256 }, { tokens: 300.5 }, { tokensAtOnce: 0 }, { minCount: -1 }, { capacity: 0 }])(
    'limits such as %o',
    (options) => {
      expect(() => growingVocabulary({ tokens: 300, ...options })).toThrow(OptionError)
    },
  )
  test.each([
    null,
    {},
    { merges: [], pieces: ['a'], counts: [] },
    { merges: [[1, 2]], pieces: [], counts: [] },
  ])('a state such as %o', (state) => {
    const tokenizer = new BytePairTokenizer({ merges: [[116, 104]] })
    const vocabulary = growingVocabulary({ tokens: 300, tokenizer })
    expect(() => vocabulary.restore(state)).toThrow('expected one that goes on from the 1 merges')
    expect(tokenizer.vocabulary).toBe(257)
  })
})

test('a row that begins inside a character, and would need more tokens alone, is learnt as it is', async () => {
  const tokenizer = new BytePairTokenizer()
  tokenizer.add([[0xa9, 0x74]]) // the second byte of é, and t
  expect([...tokenizer.encode('éte')]).toEqual([0xc3, 256, 0x65])
  const model = Gpt.create({ ...sizes, vocabulary: 257 }, { seed: 5 })
  const learner = new Learner({ model, ...parts({ tokenizer, growWhen: neverTrigger }) })
  const row = Int32Array.from([0xc3, 256, 0x65])
  const batch: TokenBatch = { rows: 1, length: 2, tokens: row, domains: ['French'] }
  const { tokens, bytes } = await learner.observe(batch)
  expect([tokens, bytes]).toEqual([2, 3])
  expect(rowsOf(await learner.toState())[0]).toEqual([...row])
})
