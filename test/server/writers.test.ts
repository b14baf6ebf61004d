/** Which weights a text begins with. Reaches inside: no route lets a test move the clock between two steps of a lesson. */
import { sgd } from '@burgeon/autograd/optim'
import { batchOfTokens, Learner } from '@burgeon/continual'
import { byteTokenizer, Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { Turns } from '@burgeon/server'
import { openReference } from '@burgeon/tensor/reference'
import { expect, test } from 'vitest'
import { Lessons } from '../../packages/server/src/lessons.ts'
import { Writers } from '../../packages/server/src/openai/writers.ts'
import { WeightsVersion } from '../../packages/server/src/weights-version.ts'

const born = (): Gpt =>
  Gpt.create(
    { context: 24, embed: 4, heads: 1, layers: 1, mlpHidden: 4 },
    { device: openReference(), seed: 4 },
  )

/** Writers, a clock, and a step of learning. */
function served() {
  const state = { model: born(), step: 0, time: 1000 }
  const model = {
    ...{ id: 'small', tokenizer: byteTokenizer, endTokens: [], step: () => state.step },
    transcript: { stopTexts: [], promptOf: () => Promise.resolve(Int32Array.of(1)) },
    get model() {
      return state.model
    },
  } as unknown as ConstructorParameters<typeof Writers>[0]['served']
  const lessons = new Lessons()
  const version = new WeightsVersion(model)
  const writers = new Writers({
    ...{ served: model, turns: new Turns(), version, lessons, now: () => state.time },
  })
  const begin = () => writers.begin(['a'], { tokens: 8, seed: 1, tokenizer: byteTokenizer })
  const learn = async (): Promise<void> => {
    const learner = new Learner({ model: state.model, optimizer: sgd({ learningRate: 1 }) })
    await learner.observe(batchOfTokens(byteTokenizer.encode('some text'), 8, 'text'))
    state.step++
  }
  return { state, writers, lessons, begin, learn }
}

test('in the middle of a lesson a text begins with the weights of the one before it, for a while', async () => {
  const { state, writers, begin, learn } = served()
  const first = await begin()
  await learn()
  state.time += 250
  const second = await begin()
  expect([second.version, writers.snapshots]).toEqual([first.version, 1])
  // The weights that are shared are as old as they are, whoever began with them last.
  state.time += 1
  const third = await begin()
  expect(third.version).toMatch(/^1-/)
  expect(writers.snapshots).toBe(2)
  for (const { generation } of [first, second, third]) generation.end()
  expect(writers.snapshots).toBe(0)
})

test('what a lesson taught is in every text that begins after it', async () => {
  const { lessons, begin, learn } = served()
  const first = await begin()
  await lessons.after(learn)
  expect((await begin()).version).toMatch(/^1-/)
  // One that failed may have learnt something, too.
  await lessons.after(async () => (await learn(), Promise.reject(new Error('disk')))).catch(() => {})
  expect((await begin()).version).toMatch(/^2-/)
  first.generation.end()
})

test('where nothing is written any more, a text begins with the weights of now', async () => {
  const { begin, learn } = served()
  const first = await begin()
  first.generation.end()
  await learn()
  expect((await begin()).version).toMatch(/^1-/)
})

test('after growth or a rollback a text begins with the model of now', async () => {
  const { state, writers, begin } = served()
  const first = await begin()
  await grow(
    state.model,
    { kind: 'growVocabulary', tokens: [{ parts: [97, 98] }] },
    { mirrors: [], key: [1, 2] },
  )
  const second = await begin()
  expect(second.version).not.toBe(first.version)
  state.model = born()
  expect((await begin()).version).toBe(first.version)
  expect(writers.snapshots).toBe(3)
})
