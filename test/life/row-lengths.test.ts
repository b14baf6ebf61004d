/** Rows of any length live together, in the batch and in memory, while everything grows; what is no batch is refused at the door. */
import {
  accumulate,
  adafactor,
  adamw,
  byPath,
  chain,
  type GradientTransform,
  lion,
  movingAverage,
  muon,
  sgd,
} from '@burgeon/autograd/optim'
import {
  type TokenBatch,
  batchOfTokens,
  compose,
  everySteps,
  freezeConverged,
  fisherInformation,
  type GrowthPolicy,
  growingVocabulary,
  joinBatches,
  laMaml,
  Learner,
  type LearnerState,
  measureBlocks,
  onlineEwc,
  padding,
  partImportance,
  reservoirReplay,
  type Strategy,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { OptionError, RandomStream, scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drawFrom, drawRequest, everyByte, numbersOf } from '../growth/tiny-model.ts'

const reference = openReference()
const wasm = openWasm()
const sizes = { vocabulary: 16, context: 8, embed: 6, heads: 2, layers: 2, mlpHidden: 6 }
const adam = (): GradientTransform => adamw({ learningRate: 0.01 })

/** Rows of the given lengths in tokens, side by side in rows of `length` predictions. */
function batchOf(lengths: readonly number[], length: number, seed = 1, vocabulary = 16): TokenBatch {
  const random = drawFrom(seed)
  const tokens = new Int32Array(lengths.length * (length + 1)).fill(padding)
  lengths.forEach((count, row) => {
    for (let t = 0; t < count; t++) tokens[row * (length + 1) + t] = random.below(vocabulary)
  })
  return { rows: lengths.length, length, tokens, domains: lengths.map(() => 'a') }
}

/** The same rows in a batch with more padding. */
function padded(batch: TokenBatch, length: number): TokenBatch {
  const wide = batchOf(Array<number>(batch.rows).fill(0), length)
  for (let row = 0; row < batch.rows; row++)
    wide.tokens.set(
      batch.tokens.subarray(row * (batch.length + 1), (row + 1) * (batch.length + 1)),
      row * (length + 1),
    )
  return wide
}

test('a learner whose context grows beside a replay goes on with rows of both lengths', async () => {
  const model = Gpt.create({ ...sizes, context: 4 }, { device: reference, seed: 1 })
  const growth: GrowthPolicy<null> = {
    ...{ name: 'longer', initial: null },
    decide: ({ step, config }) => ({
      ...{ request: step === 2 ? { kind: 'growContext', to: 2 * config.context } : null },
      ...{ reason: 'longer', state: null },
    }),
  }
  const strategy = compose({ rehearsal: reservoirReplay({ capacity: 8 }), growth })
  const learner = new Learner({ model, optimizer: adam(), strategy })
  for (let step = 0; step < 6; step++) {
    const { length } = { length: model.config.context }
    const { rehearsedRows } = await learner.observe(batchOf([length + 1, 3], length, step))
    if (step > 0) expect(rehearsedRows).toBe(2)
  }
  expect(model.config.context).toBe(8)
})

test('the loss, every gradient and every measurement are the same with more padding', async () => {
  const short = batchOf([5, 3, 2], 4)
  const long = padded(short, 8)
  const model = Gpt.create(sizes, { device: reference, seed: 2 })
  const key = (() => {
    let row = 0
    return (): readonly [number, number] => [3, row++ % 3]
  })()
  const fisher = (batch: TokenBatch): unknown => scope(() => numbersOf(fisherInformation(model, batch, key)))
  const close = (a: unknown, b: unknown): void => {
    const [x, y] = [a, b].map(
      (value) =>
        JSON.stringify(value)
          .match(/-?\d+(\.\d+)?(e-?\d+)?/g)
          ?.map(Number) ?? [],
    )
    expect(x.length).toBe(y.length)
    x.forEach((n, i) => expect(y[i]).toBeCloseTo(n, 9))
  }
  close(fisher(short), fisher(long))
  close(await partImportance(model, short), await partImportance(model, long))
  close(await measureBlocks(model, short), await measureBlocks(model, long))
  for (const lookAhead of [undefined, laMaml({ rate: 0.1, rateOfRates: 0.05 })]) {
    const reports = [short, long].map(async (batch) => {
      const own = Gpt.create(sizes, { device: reference, seed: 2 })
      const strategy = lookAhead ? { lookAhead: laMaml({ rate: 0.1, rateOfRates: 0.05 }) } : {}
      const { loss, rowLosses, tokens, gradientNorm, updateNorm } = await new Learner({
        ...{ model: own, optimizer: sgd(1), strategy },
      }).observe(batch)
      return { loss, rowLosses, tokens, gradientNorm, updateNorm }
    })
    const [a, b] = await Promise.all(reports)
    close(a, b)
    expect(a.tokens).toBe(7)
  }
})

test('rows of several lengths weigh by their tokens, whichever of them come from memory', () => {
  const joined = joinBatches([batchOf([3, 5], 4), batchOf([9], 8, 2)])
  expect([joined.rows, joined.length]).toEqual([3, 8])
  expect([...joined.tokens].filter((token) => token === padding)).toHaveLength(27 - 17)
})

const whole = batchOf([5, 5], 4)
const odd: readonly (readonly [string, unknown])[] = [
  ['too few tokens', { ...whole, tokens: whole.tokens.slice(1) }],
  ['fractional tokens', { ...whole, tokens: Float64Array.from(whole.tokens, (x) => x + 0.5) }],
  ['a list of tokens', { ...whole, tokens: [...whole.tokens] }],
  ['a token beyond the vocabulary', { ...whole, tokens: whole.tokens.map((x, i) => (i === 3 ? 16 : x)) }],
  ['a negative token', { ...whole, tokens: whole.tokens.map((x, i) => (i === 3 ? -2 : x)) }],
  ['padding before a token', { ...whole, tokens: whole.tokens.map((x, i) => (i === 3 ? -1 : x)) }],
  ['a row of padding', { ...whole, tokens: whole.tokens.map((x, i) => (i < 5 ? -1 : x)) }],
  ['a row of one token', { ...whole, tokens: whole.tokens.map((x, i) => (i > 0 && i < 5 ? -1 : x)) }],
  ['no rows', { rows: 0, length: 4, tokens: new Int32Array(0), domains: [] }],
  ['no length', { ...whole, length: 0 }],
  ['half a row', { ...whole, rows: 1.5 }],
  ['too few domains', { ...whole, domains: ['a'] }],
  ['no domains', { ...whole, domains: undefined }],
  ['rows beyond the context', batchOf([10], 9)],
  ['nothing', null],
  ['a number', 3],
  ['an empty text', ''],
  ['a text of one byte', 'a'],
  ['a text beyond the vocabulary', 'abc'],
]

test.each(odd)(
  '%s is refused at the door: nothing is learnt, and not a byte has changed',
  async (_, data) => {
    const model = Gpt.create(sizes, { device: reference, seed: 1 })
    const strategy = { rehearsal: reservoirReplay({ capacity: 4 }) }
    const learner = new Learner({ model, optimizer: adam(), strategy })
    await learner.observe(whole)
    const before = [everyByte(model, []), structuredClone(await learner.toState())]
    await expect(learner.observe(data as TokenBatch)).rejects.toThrow(OptionError)
    expect([everyByte(model, []), structuredClone(await learner.toState())]).toEqual(before)
    await learner.observe(whole)
    expect(learner.step).toBe(2)
  },
)

test('tokens that are no integers from 0 make no batch', () => {
  for (const token of [0.5, -1, Number.NaN, 2 ** 31, '3' as unknown as number]) {
    expect(() => batchOfTokens([1, token], 4, 'a')).toThrow(OptionError)
  }
  for (const length of [0, 1.5, Number.NaN])
    expect(() => batchOfTokens([1, 2], length, 'a')).toThrow(OptionError)
})

const optimizers: Readonly<Record<string, () => GradientTransform>> = {
  adamw: adam,
  accumulate: () => accumulate(2, adam()),
  adafactor: () => adafactor({ learningRate: 0.01 }),
  muon: () =>
    byPath((path) => (path.startsWith('blocks.') && path.endsWith('.weight') ? 'hidden' : 'others'), {
      hidden: muon({ momentum: 0.9, learningRate: 0.01 }),
      others: adam(),
    }),
  lion: () => lion({ learningRate: 0.001 }),
  average: () => chain(adam(), movingAverage(0.9)),
}
const parts: Readonly<Record<string, (seed: number) => Strategy>> = {
  replay: (seed) => ({ rehearsal: reservoirReplay({ capacity: 5, seed }) }),
  ewc: (seed) => ({ penalties: [onlineEwc({ strength: 1, seed })], consolidateWhen: everySteps(2) }),
  freezing: () => ({ freezing: freezeConverged({ every: 1, patience: 2, settle: 1, tolerance: 0.9 }) }),
  vocabulary: () => ({
    vocabulary: growingVocabulary({ tokens: 270, minCount: 1, growWhen: everySteps(3) }),
  }),
}
const life = fc.record({
  seed: fc.nat(1e6),
  optimizer: fc.constantFrom(...Object.keys(optimizers), 'laMaml'),
  parts: fc.subarray(Object.keys(parts)),
  saves: fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
})

test('every axis beside every part, saved and loaded at any step: the same bits', async () => {
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(life, async ({ seed, optimizer, parts: chosen, saves }) => {
      const growth: GrowthPolicy<null> = {
        ...{ name: 'drawn', initial: null },
        decide: ({ step, config }) => ({
          request: step % 2 === 1 ? drawRequest(config, drawFrom(seed + step)) : null,
          ...{ reason: 'drawn', state: null },
        }),
      }
      const options = () => ({
        optimizer: optimizer === 'laMaml' ? sgd(1) : optimizers[optimizer](),
        strategy: compose(
          ...chosen.map((part) => parts[part](seed)),
          ...(optimizer === 'laMaml' ? [{ lookAhead: laMaml({ rate: 0.01, rateOfRates: 0.01 }) }] : []),
          { growth },
        ),
        seed,
      })
      const born = (): Gpt => Gpt.create({ ...sizes, vocabulary: 256, context: 5 }, { device: wasm, seed })
      const live = async (mayPause: boolean): Promise<LearnerState> => {
        let learner = new Learner({ ...options(), model: born() })
        for (let step = 0; step < saves.length; step++) {
          const random = new RandomStream([seed, step])
          const length = 2 + random.below(learner.model.config.context - 1)
          const lengths = Array.from({ length: 1 + random.below(3) }, () => 2 + random.below(length))
          const { events } = await learner.observe(batchOf(lengths, length, seed + step, 90))
          for (const event of events)
            seen.add(event.kind === 'growth' ? event.data.record.request.kind : event.kind)
          if (!(mayPause && saves[step])) continue
          const state = structuredClone(await learner.toState())
          const { model } = learner
          learner.dispose()
          model.dispose()
          learner = Learner.fromState(state, { ...options(), device: wasm })
        }
        const state = structuredClone(await learner.toState())
        const { model } = learner
        learner.dispose()
        model.dispose()
        return state
      }
      expect(await live(true)).toEqual(await live(false))
    }),
    { numRuns: 30, seed: 20 },
  )
  const kinds = [
    'growContext',
    'addExperts',
    'growVocabulary',
    'addHeads',
    'addLayer',
    'copyLayers',
    'widenEmbed',
  ]
  for (const kind of [...kinds, 'consolidation']) expect(seen, kind).toContain(kind)
})
