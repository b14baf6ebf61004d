/** Feedback changes what a learner answers, and as many steps without it do not. */
import { adamw } from '@burgeon/autograd/optim'
import {
  type Answer,
  answerFromText,
  batchOfTokens,
  type FeedbackMemory,
  feedbackMemory,
  Learner,
  ownTextReplay,
  reservoirReplay,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'

const text = 'The sun is warm. The moon is cold. The sea is deep. The hill is high. '.repeat(3)
const device = openWasm()

type Options = Partial<Parameters<typeof feedbackMemory>[0]>

interface Life {
  readonly learner: Learner
  readonly memory: FeedbackMemory
}

const partsOf = (options: Options = {}) => {
  const beside = reservoirReplay({ capacity: 100, share: 1, seed: 2 })
  const memory = feedbackMemory({ capacity: 100, share: 0.5, beside, ...options })
  return { memory, optimizer: adamw({ learningRate: 3e-3 }), strategy: { rehearsal: memory } }
}

/** A learner that knows the text a little. */
async function life(options?: Options): Promise<Life> {
  const { memory, ...parts } = partsOf(options)
  const model = Gpt.create({ context: 24, embed: 16, heads: 2, layers: 1 }, { device, seed: 3 })
  const learner = new Learner({ model, ...parts })
  for (let i = 0; i < 25; i++) await learner.observe(text)
  return { learner, memory }
}

/** Log-probability of an answer at present, in nats. */
async function logProbabilityOf({ learner: { model } }: Life, { prompt, tokens }: Answer): Promise<number> {
  const all = [...prompt, ...tokens]
  using read = model.device.tensor(all.slice(0, -1), { shape: [1, all.length - 1], dtype: 'i32' })
  using targets = model.device.tensor(all.slice(1), { shape: [all.length - 1], dtype: 'i32' })
  using losses = model.losses(read, targets)
  return -[...(await losses.read())].slice(prompt.length - 1).reduce((sum, loss) => sum + loss, 0)
}

/** How much likelier an answer is after some steps with feedback than after the same without. */
async function gainOf(
  answer: Answer,
  say: (memory: FeedbackMemory) => void,
  steps: (life: Life) => Promise<unknown> = ({ learner }) => learner.rehearse(15),
): Promise<number> {
  const [told, untold] = [await life(), await life()]
  say(told.memory)
  for (const each of [told, untold]) await steps(each)
  return (await logProbabilityOf(told, answer)) - (await logProbabilityOf(untold, answer))
}

const [prompt, strange, other] = ['The sun ', 'was wet.', 'can sing']
const answer = answerFromText(prompt, strange)
const wanted = answerFromText(prompt, other)

describe('beside the same steps without', () => {
  test('what is accepted becomes likelier, and what is rejected less likely', async () => {
    expect(await gainOf(answer, (memory) => memory.accept(answer))).toBeGreaterThan(2)
    expect(await gainOf(answer, (memory) => memory.reject(answer))).toBeLessThan(-2)
  })

  test('a correction moves what was wanted up and what was given down', async () => {
    const correct = (memory: FeedbackMemory): void => memory.correct(answer, wanted)
    expect(await gainOf(wanted, correct)).toBeGreaterThan(1)
    expect(await gainOf(answer, correct)).toBeLessThan(-1)
  })

  test('the better rewarded of two becomes likelier, the other less likely; one alone says nothing', async () => {
    const reward = (memory: FeedbackMemory): void => {
      memory.reward(answer, 8)
      memory.reward(wanted, 7.5)
    }
    expect(await gainOf(answer, reward)).toBeGreaterThan(2)
    expect(await gainOf(wanted, reward)).toBeLessThan(-1)
    expect(await gainOf(answer, (memory) => memory.reward(answer, 8))).toBe(0)
  })

  test('it is learnt beside new rows, too', async () => {
    const observe = async ({ learner }: Life): Promise<void> => {
      for (let i = 0; i < 10; i++) await learner.observe(text)
    }
    expect(await gainOf(answer, (memory) => memory.accept(answer), observe)).toBeGreaterThan(2)
  })

  test('a stranger moves nothing, and a source that is trusted does', async () => {
    const source = 'somebody'
    expect(await gainOf(answer, (memory) => memory.accept(answer, { source }))).toBe(0)
    const trusting = await life({ trusted: [source] })
    trusting.memory.accept(answer, { source })
    const before = await logProbabilityOf(trusting, answer)
    await trusting.learner.rehearse(15)
    expect(await logProbabilityOf(trusting, answer)).toBeGreaterThan(before)
  })

  test('what weighs nothing, or is taken back by the opposite, moves nothing', async () => {
    expect(await gainOf(answer, (memory) => memory.accept(answer, { weight: 0 }))).toBe(0)
    const both = await life({ trusted: ['a', 'b'] })
    both.memory.accept(answer, { source: 'a' })
    both.memory.reject(answer, { source: 'b' })
    expect(both.memory.summary().waiting).toBe(0)
    // What one source says later takes the place of what it said.
    both.memory.accept(answer, { source: 'b' })
    expect(both.memory.summary()).toMatchObject({ waiting: 2, kept: { accept: 2, reject: 0 } })
  })
})

test('what became of a piece is told by what was said, of which answer, by whom', async () => {
  const { learner, memory } = await life({ trusted: ['a'] })
  expect(memory.statusOf('accept', answer)).toBeNull()
  memory.reject(answer)
  expect(memory.statusOf('reject', answer)).toEqual({
    ...{ strength: 1, uses: 0, logRatio: null, isWaiting: true },
  })
  await learner.rehearse(6)
  const learnt = memory.statusOf('reject', answer)
  expect(learnt).toMatchObject({ uses: 6, isWaiting: true })
  expect(learnt?.logRatio).toBe(memory.summary().logRatios.disliked)
  expect(learnt?.logRatio).toBeLessThan(0)
  // A thumb takes the place of a thumb, and a reward is another thing.
  memory.accept(answer)
  expect(memory.statusOf('accept', answer)).toMatchObject({ uses: 0 })
  expect(memory.statusOf('reward', answer)).toBeNull()
  memory.reward(answer, 3)
  expect(memory.statusOf('reward', answer)).toMatchObject({ strength: 1, isWaiting: false })
  memory.accept(wanted, { source: 'stranger' })
  const stranger = { ...{ strength: 0, uses: 0, logRatio: null, isWaiting: false } }
  expect(memory.statusOf('accept', wanted, { source: 'stranger' })).toEqual(stranger)
  expect(memory.statusOf('accept', wanted, { source: 'a' })).toBeNull()
  memory.reject(answer, { source: 'a' })
  expect(memory.statusOf('accept', answer)).toMatchObject({ strength: 0, isWaiting: false })
  for (const [kind, of] of [
    ['praise', answer],
    ['accept', {}],
  ] as const) {
    expect(() => memory.statusOf(kind as 'accept', of as Answer)).toThrow(OptionError)
  }
  expect(() => memory.statusOf('accept', answer, { weight: 1 } as object)).toThrow(OptionError)
})

test('the reference is what the model thought when it answered, and ratios are on record', async () => {
  const one = await life()
  const given = await one.learner.answer(prompt, { tokens: 8, seed: 4 })
  expect(given.text).toHaveLength(8)
  expect(given.logProbability).toBeCloseTo(await logProbabilityOf(one, given), 3)
  // Moved before the thumb: the ratio is not 0 at the first use.
  for (let i = 0; i < 5; i++) await one.learner.observe(text)
  const moved = (await logProbabilityOf(one, given)) - (given.logProbability ?? 0)
  one.memory.reject(given)
  await one.learner.rehearse(1)
  expect(one.memory.summary().logRatios.disliked).toBeCloseTo(moved, 3)
  expect(Math.abs(moved)).toBeGreaterThan(0.05)
})

test('of an answer that is longer than the context the end is learnt, by what the model thinks of that end', async () => {
  const one = await life({ likelihood: 0 })
  const long = { ...answerFromText(prompt, 'was wet, and then it was dry for a while'), logProbability: -500 }
  one.memory.accept(long)
  await one.learner.rehearse(1)
  // 500 nats would be more than it asks for.
  expect(one.memory.summary()).toMatchObject({ waiting: 1, logRatios: { liked: 0 } })
  await one.learner.rehearse(5)
  expect(one.memory.summary().logRatios.liked).toBeGreaterThan(0.5)
})

test('own text beside it leaves it what it learns alone', async () => {
  const { memory, optimizer } = partsOf()
  const model = Gpt.create({ context: 24, embed: 16, heads: 2, layers: 1 }, { device, seed: 3 })
  const rehearsal = ownTextReplay({ text: batchOfTokens([65, 66, 67], 2, 'own'), rows: 1, beside: memory })
  const learner = new Learner({ model, optimizer, strategy: { rehearsal } })
  await learner.observe(text)
  memory.accept(answer)
  await learner.rehearse(3)
  expect(memory.summary().logRatios.liked).not.toBe(null)
})

test('a preference that is satisfied rests, and so does one that was learnt often', async () => {
  const eager = await life({ beta: 2, likelihood: 1, share: 1 })
  eager.memory.accept(answer)
  expect(eager.memory.summary().waiting).toBe(1)
  await eager.learner.rehearse(20)
  expect(eager.memory.summary().waiting).toBe(0)
  expect(eager.memory.summary().logRatios.liked).toBeGreaterThan(2.5)
  const stubborn = await life({ beta: 1e-6 })
  stubborn.memory.accept(answer)
  await stubborn.learner.rehearse(31)
  expect(stubborn.memory.summary().waiting).toBe(1)
  await stubborn.learner.rehearse(1)
  expect(stubborn.memory.summary().waiting).toBe(0)
})

test('a correction is not satisfied before what was wanted is the likelier one, however far behind it began', async () => {
  // It would be one nat from there.
  const one = await life({ beta: 5, likelihood: 0 })
  const unheard = answerFromText(prompt, 'zqxjkvbw')
  const lead = async (): Promise<number> =>
    (await logProbabilityOf(one, unheard)) - (await logProbabilityOf(one, answer))
  expect(await lead()).toBeLessThan(-10)
  one.memory.correct(answer, unheard)
  await one.learner.rehearse(32)
  expect(await lead()).toBeGreaterThan(1)
})

test('saved between two steps on feedback, it goes on to the same bits', async () => {
  const [whole, first] = [await life(), await life()]
  for (const { memory } of [whole, first]) {
    memory.accept(answer)
    memory.correct(answerFromText('The sea ', 'is dry'), answerFromText('The sea ', 'is wet'))
    memory.reward(wanted, 3)
    memory.reward(answerFromText(prompt, 'is so'), 1)
  }
  const steps = async ({ learner }: Life): Promise<void> => {
    await learner.observe(text)
    await learner.rehearse(3)
  }
  await steps(whole)
  await steps(first)
  const { memory, ...parts } = partsOf()
  const learner = Learner.fromState(structuredClone(await first.learner.toState()), { ...parts, device })
  expect(memory.summary()).toEqual(whole.memory.summary())
  await steps(whole)
  await steps({ learner, memory })
  expect(await learner.toState()).toEqual(await whole.learner.toState())
})

test('what a source said is forgotten, with its rows and nothing else', async () => {
  const beside = reservoirReplay({ capacity: 5000 })
  const { memory, learner } = await life({ trusted: ['u17'], beside })
  const origins = [{ id: 3, source: 'u17', domain: 'notes', at: 0, trust: 1 }]
  await learner.observe({ ...batchOfTokens([83, 69, 67, 82, 69, 84], 5, 'notes'), origins })
  memory.accept(answer, { source: 'u17' })
  memory.reject(wanted)
  for (let i = 0; i < 3; i++) await learner.observe(text)
  const names = (): string => JSON.stringify(memory.toState())
  expect(names()).toContain('u17')
  expect(Object.values(await learner.forget({ source: 'u17' }))).toEqual([2])
  expect(names()).not.toContain('u17')
  expect(memory.summary().kept).toMatchObject({ accept: 0, reject: 1 })
  expect(await learner.forget({ ids: [3] })).toEqual({})
})

test('what is no feedback is refused', async () => {
  const { memory, learner } = await life()
  const none = { ...answer, tokens: [] }
  for (const wrong of [
    () => memory.accept(none),
    () => memory.reject(answer, { weight: 2 }),
    () => memory.correct(answer, answerFromText('The moon ', 'is far')),
    () => memory.reward(answer, Number.NaN),
    () => answerFromText('', 'a'),
    () => answerFromText('a', ''),
  ]) {
    expect(wrong).toThrow(OptionError)
  }
  await expect(learner.answer('', { tokens: 3 })).rejects.toThrow(OptionError)
  await expect(learner.answer('a', { tokens: 0 })).rejects.toThrow('nothing was written')
})
