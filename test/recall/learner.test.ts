/** A recall beside a learner: what is on record, through growth, forks and checkpoints. Reaches inside gpt for a disk in memory. */
import { sgd } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  classifier,
  episodicMemory,
  evaluateText,
  everySteps,
  fixedVocabulary,
  growingVocabulary,
  heldBack,
  Learner,
  type LearnerOptions,
  type LearnerState,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import { BytePairTokenizer, Gpt, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { encoded, originOf } from './read-texts.ts'

const device = openWasm()
const facts = ['Melkin', 'Orda', 'Tesset', 'Ulm', 'Vardy'].map(
  (name, i) => `The keeper of ${'zqxwj'[i].repeat(7)} is ${name} of Dorrin.`,
)

const modelOf = (vocabulary = 256): Gpt =>
  Gpt.create({ vocabulary, context: 64, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }, { device, seed: 3 })
const optionsOf = (strategy: Strategy): Omit<LearnerOptions, 'model'> => ({
  optimizer: sgd({ learningRate: 0.1 }),
  strategy,
})
const learnerOf = (strategy: Strategy = recalling()): Learner =>
  new Learner({ model: modelOf(), ...optionsOf(strategy) })
const recalling = (): Strategy => ({ recall: episodicMemory({ bytes: 2 ** 18 }) })

/** A fact as a row of its own. */
function rowOf(fact: string, id: number, source = 's'): TokenBatch {
  const batch = batchOfTokens(encoded(fact), 64, 'text')
  return { ...batch, origins: [originOf(id, source)], isContinuous: false }
}

describe('what is on record', () => {
  test('is the loss of the model alone, and beside it the one with what was recalled', async () => {
    const [learner, plain] = [learnerOf(), learnerOf({})]
    const weightsOf = ({ model }: Learner): unknown =>
      Object.values(model.parameters.tensors()).map((tensor) => [...tensor.readSync()])
    const mixed: number[] = []
    for (let round = 0; round < 4; round++) {
      for (const [id, fact] of facts.entries()) {
        const report = await learner.observe(rowOf(fact, id))
        const { mixedBitsPerByte = NaN, ...others } = report
        expect(others).toEqual(await plain.observe(rowOf(fact, id)))
        mixed.push(mixedBitsPerByte / report.bitsPerByte)
      }
    }
    expect(weightsOf(learner)).toEqual(weightsOf(plain))
    expect(mixed[0]).toBe(1)
    expect(Math.max(...mixed.slice(-5))).toBeLessThan(0.5)
  })

  test('counts rows that are held back as the model predicts them, and never remembers them', async () => {
    const probes = heldBack({ share: 0.3, every: 1000 })
    const recall = episodicMemory({ bytes: 2 ** 18 })
    const strategy = { recall, probes }
    const learner = learnerOf(strategy)
    let held = 0
    for (let id = 0; id < 30; id++) {
      const {
        heldBackRows = 0,
        mixedBitsPerByte,
        bitsPerByte,
      } = await learner.observe(rowOf(`${id} is ${facts[id % 5]}`, id))
      if (heldBackRows > 0) expect(mixedBitsPerByte).toBe(bitsPerByte)
      held += heldBackRows
    }
    expect(held).toBeGreaterThan(2)
    const { ids } = (recall.toState() as { origins: { ids: Float64Array } }).origins
    expect(new Set(ids).size).toBe(30 - held)
  })

  test('joins rows that follow each other, so that what crosses their border is found', async () => {
    const learner = learnerOf()
    await learner.observe(batchOfTokens(encoded(facts.join(' ')), 30, 'text'))
    for (const fact of facts.slice(1)) {
      const { recalled = [] } = await learner.predict(fact.slice(0, 25))
      expect(recalled[0]?.bytes.startsWith(fact.slice(25))).toBe(true)
    }
  })
})

describe('what a prediction says', () => {
  test('is what came to mind, from where, and both together sum to 1', async () => {
    const learner = learnerOf()
    for (const [id, fact] of facts.entries()) await learner.observe(rowOf(fact, id, `u${id}`))
    const { recalled, next, bitsPerByte } = await learner.predict('The keeper of xxxxxxx is ')
    expect(recalled).toEqual([
      { id: 2, source: 'u2', domain: 'text', bytes: 'Tesset of Dorrin.', weight: expect.any(Number) },
    ])
    expect(next.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
    expect(next['T'.charCodeAt(0)]).toBeGreaterThan((recalled?.[0].weight ?? 0) * 0.9)
    const plain = await learnerOf({}).predict('The keeper of xxxxxxx is ')
    expect(plain).not.toHaveProperty('recalled')
    expect(bitsPerByte).toBeLessThan(plain.bitsPerByte ?? 0)
    expect((await learner.predict('Q')).recalled).toEqual([])
  })

  test('is measured with and without it on any text', async () => {
    const learner = learnerOf()
    for (const [id, fact] of facts.entries()) await learner.observe(rowOf(fact, id))
    const text = facts.join('\n').repeat(20)
    const [alone, both] = [
      await evaluateText(learner.model, text, { window: 16 }),
      await evaluateText(learner.model, text, { window: 16, ...learner.strategy }),
    ].map(({ bitsPerByte, mixedBitsPerByte }) => ({ bitsPerByte, mixedBitsPerByte }))
    expect(alone.mixedBitsPerByte).toBeUndefined()
    expect(both.bitsPerByte).toBe(alone.bitsPerByte)
    expect(both.mixedBitsPerByte).toBeLessThan(alone.bitsPerByte / 4)
  })
})

describe('what was remembered', () => {
  test('is found in the tokens that a vocabulary has grown by then', async () => {
    const vocabulary = growingVocabulary({ tokens: 300, minCount: 2, growWhen: everySteps(5) })
    const learner = learnerOf({ ...recalling(), vocabulary })
    for (let round = 0; round < 3; round++) {
      for (const [id, fact] of facts.entries()) await learner.observe(rowOf(fact, id))
    }
    expect(learner.model.config.vocabulary).toBeGreaterThan(256)
    const { mixedBitsPerByte = NaN, bitsPerByte } = await learner.observe(rowOf(facts[1], 1))
    expect(mixedBitsPerByte).toBeLessThan(bitsPerByte / 2)
    const { next, recalled } = await learner.predict('The keeper of qqqqqqq is ')
    expect(recalled?.[0].bytes).toBe('Orda of Dorrin.')
    expect(next.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
  })

  test('comes back with a checkpoint, to the bit', async () => {
    const [whole, half] = [learnerOf(), learnerOf()]
    const reports: unknown[] = []
    for (let i = 0; i < 14; i++) reports.push(await whole.observe(rowOf(facts[i % 5], i)))
    for (let i = 0; i < 7; i++) await half.observe(rowOf(facts[i % 5], i))
    const disk = memoryDisk()
    const { model, ...learner } = await half.toState()
    await writeCheckpoint(disk, { model, learner })
    const saved = await readCheckpoint(disk)
    const state = { ...(saved.learner as object), model: saved.model }
    const resumed = Learner.fromState(state as LearnerState, { ...optionsOf(recalling()), device })
    const later: unknown[] = []
    for (let i = 7; i < 14; i++) later.push(await resumed.observe(rowOf(facts[i % 5], i)))
    expect(later).toEqual(reports.slice(7))
    expect((await resumed.toState()).parts).toEqual((await whole.toState()).parts)
  })

  test('is put back when a fork is dropped, and kept with one that is kept', async () => {
    const learner = learnerOf()
    await learner.observe(rowOf(facts[0], 0))
    const before = structuredClone((await learner.toState()).parts)
    const [dropped, kept] = [learner.fork(), learner.fork()]
    await dropped.observe(rowOf(facts[1], 1))
    await kept.observe(rowOf(facts[2], 2))
    expect((await learner.toState()).parts).toEqual(before)
    await dropped.drop()
    await kept.keep()
    const said = async (i: number) => (await learner.predict(facts[i].slice(0, 25))).recalled?.[0]?.id
    expect([await said(0), await said(2)]).toEqual([0, 2])
    expect(await said(1)).not.toBe(1)
  })
})

test('a recall is refused where nobody knows which bytes the tokens are, and where there are none', () => {
  const model = modelOf(300)
  expect(() => new Learner({ model, ...optionsOf(recalling()) })).toThrow(OptionError)
  const tokenizer = new BytePairTokenizer({ merges: [[97, 98]] })
  const known = { ...recalling(), vocabulary: fixedVocabulary(tokenizer) }
  expect(() => new Learner({ model: modelOf(257), ...optionsOf(known) })).not.toThrow()
  const other = { model: classifier({ inputs: 2, hidden: [2], classes: 2 }), ...optionsOf(recalling()) }
  expect(() => new Learner(other as never)).toThrow(OptionError)
})
