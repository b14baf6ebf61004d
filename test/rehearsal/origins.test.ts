/** A row says which experience it is, wherever it goes. Reaches inside for what cuts batches, and into gpt for a disk in memory. */
import { sgd } from '@burgeon/autograd/optim'
import {
  balancedMemory,
  type Batch,
  batchOfTokens,
  classifier,
  darkReplay,
  everySteps,
  type ExampleBatch,
  greedyMemory,
  growingVocabulary,
  joinBatches,
  Learner,
  type LearnerState,
  lossAwareMemory,
  type Origin,
  ownTextReplay,
  type Rehearsal,
  replay,
  reservoirReplay,
  ringMemory,
  surpriseMemory,
  type TokenBatch,
} from '@burgeon/continual'
import {
  type BytePairTokenizer,
  Gpt,
  type GrowingTokenizer,
  readCheckpoint,
  writeCheckpoint,
  gptConfig,
} from '@burgeon/gpt'
import { OptionError, StateError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { recentRows } from '../../packages/continual/src/rehearsal/recent-rows.ts'
import { partsOf, rowsBetween, withinContext } from '../../packages/continual/src/stream/batch.ts'
import { batchFromRows, rowAt } from '../../packages/continual/src/stream/row.ts'
import { batchOf as encodedBatch } from '../../packages/continual/src/vocabulary/encode-batch.ts'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { stepOf } from '../continual/step-of.ts'
import { numbered } from './offered.ts'

const originOf = (id: number, domain = 'a'): Origin => ({
  ...{ id, source: `source ${id % 2}`, domain, at: 100 * id, trust: 0.5 },
})

/** One row, of the experience whose number stands in it. */
const ofExperience = (id: number, domain = 'a'): TokenBatch => ({
  ...numbered(id, domain),
  origins: [originOf(id, domain)],
})

const example = (id: number): ExampleBatch => ({
  ...{ rows: 1, inputs: Float32Array.of(id, 1), targets: Float32Array.of(id % 2), domains: ['a'] },
  origins: [originOf(id)],
})

describe('origins stay with their rows', () => {
  const three = joinBatches([ofExperience(1), numbered(2, 'b'), ofExperience(3, 'c')])
  const wanted = [originOf(1), null, originOf(3, 'c')]
  test('when batches are joined, also with some of which nobody said', () => {
    expect(three.origins).toEqual(wanted)
    expect(joinBatches([example(1), example(2)]).origins).toEqual([originOf(1), originOf(2)])
    expect(joinBatches([numbered(1, 'a'), numbered(2, 'a')])).not.toHaveProperty('origins')
  })
  test('when a batch is parted, cut to a context, or taken row by row', () => {
    expect(partsOf(three, 3).map(({ origins }) => origins)).toEqual([[wanted[0]], undefined, [wanted[2]]])
    expect(rowsBetween(three, 1, 3).origins).toEqual([null, wanted[2]])
    expect(rowsBetween(example(4), 0, 1).origins).toEqual([originOf(4)])
    const cut = withinContext(three, gptConfig({ context: 1, embed: 2, heads: 1, layers: 1 }))
    expect([cut.length, cut.origins]).toEqual([1, wanted])
    expect(batchFromRows([2, 1, 0].map((row) => rowAt(three, row))).origins).toEqual(wanted.toReversed())
    expect(batchFromRows([rowAt(example(5), 0)]).origins).toEqual([originOf(5)])
  })
})

const rehearsals: Readonly<Record<string, () => Rehearsal>> = {
  reservoir: () => reservoirReplay({ capacity: 8, share: 1 }),
  'reservoir in bytes': () => reservoirReplay({ capacity: { bytes: 60 } }),
  ring: () => replay({ capacity: 8, memory: ringMemory() }),
  balanced: () => replay({ capacity: 8, memory: balancedMemory() }),
  greedy: () => replay({ capacity: 8, memory: greedyMemory() }),
  'loss-aware': () => replay({ capacity: 8, memory: lossAwareMemory() }),
  surprise: () => replay({ capacity: 8, memory: surpriseMemory() }),
  dark: () => darkReplay({ capacity: 8 }),
  'beside own text': () => ownTextReplay({ rows: 2, beside: reservoirReplay({ capacity: 8 }) }),
}

/** Words, each made of other letters, so that the vocabulary finds something to join. */
const textOf = (id: number): string =>
  `${'abcdefgh'[id % 8].repeat(3)}-the-${id}-`.padEnd(17, 'the ').slice(0, 17)

test.each(Object.entries(rehearsals))(
  'a life with %s recalls rows that say where they came from, after growth of the vocabulary and a resume',
  async (_, make) => {
    const parts = () => ({
      optimizer: sgd(0.1),
      strategy: {
        rehearsal: make(),
        vocabulary: growingVocabulary({
          ...{ tokens: 280, tokensAtOnce: 4, minCount: 2, growWhen: everySteps(4) },
        }),
      },
    })
    const sizes = { context: 16, embed: 8, heads: 1, layers: 1, mlpHidden: 8 }
    const learner = new Learner({ model: Gpt.create(sizes, { seed: 1 }), ...parts() })
    const live = async (with_: Learner, from: number, to: number): Promise<void> => {
      for (let id = from; id < to; id++) {
        const batch = batchOfTokens(new TextEncoder().encode(textOf(id)), 16, 'text')
        await with_.observe({ ...batch, origins: [originOf(id, 'text')] })
      }
    }
    await live(learner, 0, 9)
    const disk = memoryDisk()
    await writeCheckpoint(disk, { learner: await learner.toState() })
    learner.dispose()
    const { learner: state } = await readCheckpoint(disk)
    const resumed = Learner.fromState(state as LearnerState, parts())
    await live(resumed, 9, 12)
    const { tokenizer } = resumed.strategy.vocabulary as { tokenizer: GrowingTokenizer }
    expect(tokenizer.vocabulary).toBeGreaterThan(256)
    const kept = resumed.strategy.rehearsal?.sample(8) as TokenBatch
    const texts = Array.from({ length: kept.rows }, (_row, row) => rowAt(kept, row)).map((row) => {
      const { tokens, origin } = row as { tokens: Int32Array; origin: Origin }
      expect(origin).toEqual(originOf(origin.id, 'text'))
      const bytes = Uint8Array.from(tokenizer.decodeBytes(tokens.filter((token) => token >= 0)))
      expect(new TextDecoder().decode(bytes)).toBe(textOf(origin.id))
      return origin.id
    })
    expect(texts.length).toBeGreaterThan(2)
    expect(Math.min(...texts)).toBeLessThan(9)
    resumed.dispose()
    for (const one of [learner, resumed]) one.model.dispose()
  },
)

test('the latest rows of a life without rehearsal, and examples, keep theirs too', () => {
  for (const of of [ofExperience, example]) {
    const [rows, other] = [recentRows(3), recentRows(3)]
    for (const id of [0, 1, 2, 3]) rows.remember(stepOf(of(id) as TokenBatch))
    other.restore(structuredClone(rows.toState()))
    expect(other.sample(3)?.origins).toEqual([1, 2, 3].map((id) => originOf(id)))
  }
})

test('a state without origins, as of an earlier version, goes on beside rows that have one', () => {
  for (const make of [() => reservoirReplay({ capacity: 9 }), () => recentRows(9)]) {
    const [old, next] = [make(), make()]
    old.remember(stepOf(numbered(1, 'a')))
    const saved = structuredClone(old.toState()) as object
    expect(saved).not.toHaveProperty('origins')
    next.restore(saved)
    next.remember(stepOf(ofExperience(2)))
    old.restore(structuredClone(next.toState()))
    const { domains, origins } = old.sample(9) as Batch
    expect(domains).toEqual(['a', 'a'])
    expect(new Set(origins?.map((origin) => origin?.id))).toEqual(new Set([undefined, 2]))
  }
})

test.each<[string, (saved: Record<string, unknown>) => unknown]>([
  ['of too few rows', (saved) => ({ ...saved, ids: Float64Array.of(1) })],
  ['of a source that is not named', (saved) => ({ ...saved, sources: ['one'] })],
  ['with a trust of 2', (saved) => ({ ...saved, trust: Float64Array.of(1, 2) })],
  ['of another kind', () => 3],
])('origins %s are refused, and nothing changes', (_, change) => {
  for (const rehearsal of [reservoirReplay({ capacity: 4 }), recentRows(4)]) {
    rehearsal.remember(stepOf(joinBatches([ofExperience(0), ofExperience(1)])))
    const before = structuredClone(rehearsal.toState()) as { origins: Record<string, unknown> }
    expect(() => rehearsal.restore({ ...before, origins: change(before.origins) })).toThrow(StateError)
    expect(rehearsal.toState()).toEqual(before)
  }
})

describe('a learner', () => {
  const learnerOf = (): Learner =>
    new Learner({
      model: Gpt.create({ context: 4, embed: 4, heads: 1, layers: 1, mlpHidden: 4 }),
      optimizer: sgd(0.1),
      strategy: {
        rehearsal: reservoirReplay({ capacity: 9 }),
        vocabulary: growingVocabulary({ tokens: 257, growWhen: everySteps(1000) }),
      },
    })
  test('does not join rows of two experiences that follow each other', async () => {
    const learner = learnerOf()
    const batch = batchOfTokens([1, 2, 3, 4, 5, 6, 7], 4, 'a')
    await learner.observe({ ...batch, origins: [originOf(1), originOf(2)] })
    const kept = learner.strategy.rehearsal?.sample(9) as TokenBatch
    expect(kept.origins?.map((origin) => origin?.id).toSorted()).toEqual([1, 2])
    await learner.observe({ ...batch, origins: [originOf(3), originOf(3)] })
    expect(learner.strategy.rehearsal?.sample(9)?.origins).toHaveLength(4)
  })
  test('has rows of one text, in fewer tokens, begin where they do', () => {
    const vocabulary = growingVocabulary({ tokens: 300, growWhen: everySteps(1000) })
    ;(vocabulary.tokenizer as BytePairTokenizer).add([[97, 98]])
    const sizes = { context: 4, embed: 4, heads: 1, layers: 1, mlpHidden: 4 }
    const model = Gpt.create({ ...sizes, vocabulary: 257 })
    const batch = batchOfTokens(new TextEncoder().encode('xabababababab'), 4, 'a')
    const places = [0, 4, 8].map((at) => ({ ...originOf(1), at }))
    // x, ab, ab, ab, and then the row whose first byte is the seventh, of the second row before.
    const { rows, origins } = encodedBatch({ ...batch, origins: places }, model, { vocabulary })
    expect(rows).toBe(2)
    expect(origins?.map((origin) => origin?.at)).toEqual([0, 4])
    expect(encodedBatch(batch, model, { vocabulary })).not.toHaveProperty('origins')
    model.dispose()
  })
  test.each<[string, unknown]>([
    ['too few', []],
    ['of another domain', [originOf(1, 'b')]],
    ['with a broken number', [{ ...originOf(1), id: 0.5 }]],
    ['with a trust above 1', [{ ...originOf(1), trust: 1.5 }]],
    ['before the beginning', [{ ...originOf(1), at: -1 }]],
    ['without a source', [{ ...originOf(1), source: undefined }]],
    ['that are undefined', [undefined]],
    ['that are no list', 'here'],
  ])('refuses origins %s, before anything is learnt', async (_, origins) => {
    const learner = learnerOf()
    const before = await learner.toState()
    const ofTokens = { ...batchOfTokens([1, 2, 3], 2, 'a'), origins } as never
    await expect(learner.observe(ofTokens)).rejects.toThrow(/origin.*Nothing was learnt/)
    expect(await learner.toState()).toEqual(before)
    const model = classifier({ inputs: 2, hidden: [2], classes: 2 })
    const ofExamples = new Learner({ model, optimizer: sgd(0.1) })
    await expect(ofExamples.observe({ ...example(1), origins } as never)).rejects.toThrow(OptionError)
  })
})
