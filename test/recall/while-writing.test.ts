/** Recall in what is written: what was read once is written again, and it is said where it was read. */
import { sgd } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  episodicMemory,
  everySteps,
  growingVocabulary,
  Learner,
  recallWhileWriting,
  type Strategy,
} from '@burgeon/continual'
import { BytePairTokenizer, GenerationPool, Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { encoded, originOf } from './read-texts.ts'

const device = openWasm()
const names = ['Melkin', 'Orda', 'Tesset', 'Ulm', 'Vardy', 'Yorrin', 'Abbet', 'Corv']
const facts = names.map((name, i) => `The keeper of ${'zqxwjkvb'[i].repeat(7)} is ${name} of Dorrin.`)
const [asked, wanted] = [facts[2].slice(0, 25), 'Tesset of Dorrin.']

const learnerOf = (strategy: Strategy): Learner => {
  const config = { context: 64, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }
  return new Learner({
    model: Gpt.create(config, { device, seed: 3 }),
    optimizer: sgd({ learningRate: 0.1 }),
    strategy,
  })
}
const recalling = (): Strategy => ({ recall: episodicMemory({ bytes: 2 ** 18 }) })

/** Reads each fact once, from a source of its own. */
async function readFacts(learner: Learner): Promise<Learner> {
  for (const [id, fact] of facts.entries()) {
    const batch = batchOfTokens(encoded(fact), 64, 'text')
    await learner.observe({ ...batch, origins: [originOf(id, `u${id}`)], isContinuous: false })
  }
  return learner
}

const greedy = { tokens: wanted.length, temperature: 0 }

test('a fact that was read once is written again, with its source; without recall it is not', async () => {
  const learner = await readFacts(learnerOf(recalling()))
  const answer = await learner.answer(asked, greedy)
  expect(answer.text).toBe(wanted)
  expect(answer.recalled).toEqual([
    { id: 2, source: 'u2', domain: 'text', bytes: wanted, weight: expect.any(Number) },
  ])
  expect(answer.recalled?.[0].weight).toBeGreaterThan(0.5)
  expect(answer.recalled?.[0].weight).toBeLessThanOrEqual(1)
  const plain = await (await readFacts(learnerOf({}))).answer(asked, greedy)
  expect(plain.text).not.toBe(wanted)
  expect(plain).not.toHaveProperty('recalled')
})

test('the log-probability of an answer is the model’s own, which feedback is learnt by', async () => {
  const learner = await readFacts(learnerOf(recalling()))
  const { tokens, logProbability } = await learner.answer(asked, greedy)
  let own = 0
  for (const [i, token] of tokens.entries()) {
    const text = new TextDecoder().decode(Uint8Array.from([...encoded(asked), ...tokens.slice(0, i)]))
    const { next } = await (await readFacts(learnerOf({}))).predict(text)
    own += Math.log(next[token])
  }
  expect(logProbability).toBeCloseTo(own, 3)
})

test('where nothing comes to mind, a text has the bits of one without recall, and nothing is told', async () => {
  const how = { tokens: 40, seed: 4, logProbabilities: 1 }
  const never = learnerOf(recalling())
  const { recalled, ...answer } = await never.answer('Quiet', { tokens: 40, seed: 4 })
  expect(recalled).toEqual([])
  expect(answer).toEqual(await learnerOf({}).answer('Quiet', { tokens: 40, seed: 4 }))
  const prompt = encoded('Quiet')
  const { logitsProcessor } = recallWhileWriting(episodicMemory({ bytes: 2 ** 18 }))
  expect(await never.model.generate(prompt, { ...how, logitsProcessor })).toEqual(
    await never.model.generate(prompt, how),
  )
})

test('a text is the same on every path, whoever asks for it', async () => {
  const learner = await readFacts(learnerOf(recalling()))
  const { model, strategy } = learner
  const recall = strategy.recall as NonNullable<Strategy['recall']>
  const tokenizer = new BytePairTokenizer()
  for (const temperature of [0, 1]) {
    const how = { tokens: 30, temperature, seed: 9, tokenizer }
    const inText = () => recallWhileWriting(recall, tokenizer)
    const answer = await learner.answer(asked, { tokens: 30, temperature, seed: 9 })
    const told = { text: answer.text, recalled: answer.recalled }
    const alone = inText()
    const single = await model.generate(asked, { ...how, logitsProcessor: alone.logitsProcessor })
    expect({ text: single.text, recalled: alone.recalledIn(0, single) }).toEqual(told)
    const beside = inText()
    const [, second] = await model.generate([facts[0].slice(0, 25), asked], {
      ...how,
      seed: 8,
      logitsProcessor: beside.logitsProcessor,
    })
    expect({ text: second.text, recalled: beside.recalledIn(1, second) }).toEqual(told)
    const pool = new GenerationPool(model)
    const pooled = inText()
    const [one, other] = [
      pool.begin([asked, 'The'], { ...how, logitsProcessor: pooled.logitsProcessor }),
      pool.begin(['Another text'], { ...how, logitsProcessor: inText().logitsProcessor }),
    ]
    while (!one.isDone || !other.isDone) await pool.step([one, other])
    const [first] = one.results()
    expect({ text: first.text, recalled: pooled.recalledIn(0, first) }).toEqual(told)
  }
})

test('a draft recalls as well: greedy text stays, and what is drafted from memory is accepted', async () => {
  const learner = await readFacts(learnerOf(recalling()))
  const { model, strategy } = learner
  const draft = Gpt.create({ context: 64, embed: 8, heads: 1, layers: 1 }, { device, seed: 8 })
  const recalled = recallWhileWriting(strategy.recall as NonNullable<Strategy['recall']>)
  const { logitsProcessor } = recalled
  const how = { ...greedy, tokenizer: new BytePairTokenizer(), logitsProcessor, draft }
  const written = await model.generate(asked, how)
  expect(written.text).toBe(wanted)
  // Of five tokens at a time the last one is never drafted.
  expect(written.accepted).toBeGreaterThan(10)
  expect(recalled.recalledIn(0, written)[0].bytes).toBe(wanted)
})

describe('what is told', () => {
  const writing = async (learner: Learner, options: object) => {
    const recalled = recallWhileWriting(learner.strategy.recall as NonNullable<Strategy['recall']>)
    const how = { ...greedy, tokens: 20, tokenizer: new BytePairTokenizer(), ...options }
    const written = await learner.model.generate(asked, { ...how, logitsProcessor: recalled.logitsProcessor })
    return { ...written, recalled: recalled.recalledIn(0, written) }
  }

  test('obeys a mask, and is of what was written', async () => {
    const learner = await readFacts(learnerOf(recalling()))
    const allowedTokens = (written: readonly number[]): number[] =>
      written.length === 3 ? [120] : [...encoded(wanted), 120]
    const { text, recalled } = await writing(learner, { allowedTokens, tokens: 17 })
    expect(text?.slice(0, 4)).toBe('Tesx')
    expect(recalled[0].bytes).toBe('Tes')
  })

  test('ends where the text does, before what ended it', async () => {
    const { text, recalled } = await writing(await readFacts(learnerOf(recalling())), { stopTexts: [' of'] })
    expect([text, recalled.map(({ bytes }) => bytes)]).toEqual(['Tesset', ['Tesset']])
  })

  test('is nothing of a row that was never written', async () => {
    const { recalledIn } = recallWhileWriting(episodicMemory({ bytes: 2 ** 18 }))
    expect(recalledIn(0, { tokens: [] })).toEqual([])
    expect(() => recalledIn(0, 'ab' as never)).toThrow(OptionError)
    expect(() => recallWhileWriting({} as never)).toThrow(OptionError)
  })
})

test('a source that is forgotten is not written from any more, also in the middle of a text', async () => {
  const learner = await readFacts(learnerOf(recalling()))
  const { recall } = learner.strategy
  const { logitsProcessor } = recallWhileWriting(recall as NonNullable<typeof recall>)
  const begun = learner.model.generate(asked, {
    ...{ ...greedy, tokenizer: new BytePairTokenizer(), logitsProcessor },
  })
  let text = ''
  for await (const piece of begun) {
    text += piece
    if (text === 'Tes') await learner.forget({ source: 'u2' })
  }
  expect(text.slice(0, 3)).toBe('Tes')
  expect(text).not.toContain('Tesset of')
  const { text: later, recalled = [] } = await learner.answer(asked, greedy)
  expect(later).not.toContain('Tess')
  expect(recalled.map(({ source }) => source)).not.toContain('u2')
})

test('bytes that were read are written in the tokens that the vocabulary has grown since', async () => {
  const vocabulary = growingVocabulary({ tokens: 300, minCount: 2, growWhen: everySteps(5) })
  const learner = await readFacts(await readFacts(learnerOf({ ...recalling(), vocabulary })))
  expect(learner.model.config.vocabulary).toBeGreaterThan(256)
  // The next token of a vocabulary of words begins with its own blank.
  const { text, tokens, recalled = [] } = await learner.answer(asked.trimEnd(), { ...greedy, tokens: 12 })
  expect(text.trimStart().startsWith('Tesset of')).toBe(true)
  expect(Math.max(...tokens)).toBeGreaterThan(255)
  expect(recalled[0].bytes.trimStart().startsWith('Tesset of')).toBe(true)
})
