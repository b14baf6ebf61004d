/** Averages of weights: known values, what answers, and that nothing of what is learnt changes by them. */
import { sgd } from '@burgeon/autograd/optim'
import {
  averagedWeights,
  batchOfTokens,
  evaluateText,
  growOnSchedule,
  Learner,
  type LearnerOptions,
  reservoirReplay,
  type Strategy,
  type WeightAverage,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { OptionError, scope, StateError } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { addingRequests } from '../growth/adding-requests.ts'
import { drawConfig, drawFrom, logitsOf, modelOf, tokensFor } from '../growth/tiny-model.ts'
import { times } from '../how-long.ts'

const device = openReference()
const born = (): Gpt =>
  Gpt.create({ context: 16, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }, { device, seed: 3 })
const optionsOf = (strategy: Strategy): Omit<LearnerOptions, 'model'> => ({
  optimizer: sgd({ learningRate: 0.5 }),
  strategy,
})
const learnerOf = (strategy: Strategy): Learner => new Learner({ model: born(), ...optionsOf(strategy) })
const text = 'the cat sat on the mat with the Hat of 12 rats. '
const rowsAt = (step: number) =>
  batchOfTokens(new TextEncoder().encode(text.slice((5 * step) % 20).padEnd(17)).subarray(0, 17), 16, 'cats')
async function live(learner: Learner, from: number, to: number): Promise<void> {
  for (let step = from; step < to; step++) await learner.observe(rowsAt(step))
}
const numbersOf = (model: Gpt): number[] =>
  [...model.parameters].flatMap(({ tensor }) => [...tensor.readSync()])
const averageOf = ({ strategy }: Learner): WeightAverage => strategy.average as WeightAverage
const replay = () => reservoirReplay({ capacity: 10, seed: 1 })

test('is the mean that the formula says, with what is first forgotten fastest', async () => {
  const learner = learnerOf({ average: averagedWeights({ decay: 0.7 }) })
  let mean: number[] = []
  for (let n = 1; n <= 40; n++) {
    await live(learner, n - 1, n)
    const share = Math.max(0.3, 9 / (9 + n))
    const now = numbersOf(learner.model)
    mean = now.map((w, i) => (n === 1 ? w : mean[i] + share * (w - mean[i])))
  }
  const own = numbersOf(averageOf(learner).modelOf(learner.model))
  expect(Math.max(...own.map((w, i) => Math.abs(w - mean[i])))).toBeLessThan(1e-5)
  expect(own).not.toEqual(numbersOf(learner.model))
})

test('with a decay of 0 it is, in the end, the weights themselves; before the first step it is, too', async () => {
  const learner = learnerOf({ average: averagedWeights({ decay: 0 }) })
  const model = averageOf(learner).modelOf(learner.model)
  expect(numbersOf(model)).toEqual(numbersOf(learner.model))
  await live(learner, 0, 3)
  expect(numbersOf(model).map((w) => w.toFixed(5))).toEqual(numbersOf(learner.model).map((w) => w.toFixed(5)))
})

test('changes no bit of what is learnt, and of what is on record; rehearsal is averaged, too', async () => {
  const [plain, own] = [
    learnerOf({ rehearsal: replay() }),
    learnerOf({ rehearsal: replay(), average: averagedWeights() }),
  ]
  for (let step = 0; step < 12; step++)
    expect(await own.observe(rowsAt(step))).toEqual(await plain.observe(rowsAt(step)))
  const before = numbersOf(averageOf(own).modelOf(own.model))
  expect(await own.rehearse(3)).toEqual(await plain.rehearse(3))
  expect(numbersOf(own.model)).toEqual(numbersOf(plain.model))
  expect(numbersOf(averageOf(own).modelOf(own.model))).not.toEqual(before)
})

test('what predicts and answers is the average; what learns is not', async () => {
  const learner = learnerOf({ average: averagedWeights({ decay: 0.9 }) })
  await live(learner, 0, 20)
  const average = averageOf(learner).modelOf(learner.model)
  const [own, raw] = [await bitsOf(average), await bitsOf(learner.model)]
  expect(own).not.toBeCloseTo(raw, 3)
  expect((await learner.predict('the cat sat')).bitsPerByte).toBeCloseTo(own, 5)
  const how = { tokens: 8, temperature: 0 }
  const { tokens } = await learner.answer('the ', how)
  expect(tokens).toEqual([...(await average.generate([...new TextEncoder().encode('the ')], how)).tokens])
})
const bitsOf = async (model: Gpt): Promise<number> => (await evaluateText(model, 'the cat sat')).bitsPerByte

test('is steadier: with noise in every step it lies nearer to what the weights move about', async () => {
  // A rate at which the weights never come to rest.
  const learner = learnerOf({ average: averagedWeights({ decay: 0.95 }) })
  await live(learner, 0, 150)
  let [own, raw] = [0, 0]
  for (let step = 150; step < 170; step++) {
    await live(learner, step, step + 1)
    own += await bitsOf(averageOf(learner).modelOf(learner.model))
    raw += await bitsOf(learner.model)
  }
  expect(own).toBeLessThan(raw)
})

describe('growth', () => {
  test.each(Object.entries(addingRequests))('%s changes nothing that the average says', async (_, asked) => {
    let tried = 0
    for (let seed = 0; seed < times(3, 30); seed++) {
      const model = modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 1), device)
      const request = asked(model.config)
      if (request === null) continue
      const average = averagedWeights({ decay: 0.5 })
      // Two updates with other weights between them.
      average.update(model)
      const random = drawFrom(seed + 9)
      scope(() => {
        for (const { path, tensor } of [...model.parameters]) {
          const other = tensor.readSync().map((w) => w + 0.1 * (random.uniform() - 0.5))
          model.parameters.replace(path, device.tensor(other, { shape: tensor.shape, dtype: 'f32' }))
        }
      })
      average.update(model)
      const tokens = tokensFor(model, drawFrom(seed + 2))
      const own = average.modelOf(model)
      const [before, { vocabulary }] = [[...logitsOf(own, tokens)], own.config]
      expect(before).not.toEqual([...logitsOf(model, tokens)])
      await grow(model, request, { mirrors: average.mirrors, key: [seed, 1] })
      const grown = average.modelOf(model)
      expect(grown).toBe(own)
      expect(grown.config).toBe(model.config)
      const after = [...logitsOf(grown, tokens)].filter(
        (_logit, i) => i % grown.config.vocabulary < vocabulary,
      )
      const largest = Math.max(...before.map(Math.abs))
      expect(Math.max(...after.map((logit, i) => Math.abs(logit - before[i])))).toBeLessThan(1e-4 * largest)
      tried++
    }
    expect(tried).toBeGreaterThan(0)
  })
  test('in the middle of a life, which is saved and taken up at any step, leads to the same bits', async () => {
    const strategy = (): Strategy => ({
      rehearsal: replay(),
      average: averagedWeights({ decay: 0.8 }),
      growth: growOnSchedule([
        { step: 4, request: { kind: 'addLayer', at: 1, how: 'copy' } },
        { step: 7, request: { kind: 'widenMlp', block: 'b0', to: 12 } },
      ]),
    })
    const whole = learnerOf(strategy())
    await live(whole, 0, 12)
    const wanted = numbersOf(averageOf(whole).modelOf(whole.model))
    for (const cut of [2, 4, 5, 7, 9]) {
      const first = learnerOf(strategy())
      await live(first, 0, cut)
      const state = structuredClone(await first.toState())
      const second = Learner.fromState(state, { device, ...optionsOf(strategy()) })
      await live(second, cut, 12)
      expect(numbersOf(second.model)).toEqual(numbersOf(whole.model))
      expect(numbersOf(averageOf(second).modelOf(second.model))).toEqual(wanted)
    }
  })
})

test('a fork that is dropped leaves it to the bit, and one that is kept has gone on', async () => {
  const learner = learnerOf({ rehearsal: replay(), average: averagedWeights() })
  await live(learner, 0, 5)
  const now = () => numbersOf(averageOf(learner).modelOf(learner.model))
  const before = now()
  const [dropped, kept] = [learner.fork(), learner.fork()]
  await dropped.observe(rowsAt(5))
  await dropped.drop()
  await learner.predict('the')
  expect(now()).toEqual(before)
  await kept.observe(rowsAt(5))
  await kept.keep()
  const other = learnerOf({ rehearsal: replay(), average: averagedWeights() })
  await live(other, 0, 6)
  expect(now()).toEqual(numbersOf(averageOf(other).modelOf(other.model)))
})

test('what it holds is counted, and let go of', async () => {
  const [plain, own] = [learnerOf({}), learnerOf({ average: averagedWeights() })]
  await live(plain, 0, 6)
  await live(own, 0, 2)
  expect(own.stateBytes - plain.stateBytes).toBe(4 * own.model.parameters.size)
  const model = averageOf(own).modelOf(own.model)
  // No step leaves anything behind.
  const { buffers } = device.memory
  await live(own, 2, 6)
  expect(device.memory.buffers).toBe(buffers)
  own.dispose()
  expect([...model.parameters]).toEqual([])
  expect(numbersOf(own.model)).toEqual(numbersOf(plain.model))
})

test('bad options and states are refused', async () => {
  for (const decay of [1, -0.1, Number.NaN, '0.5'])
    expect(() => averagedWeights({ decay } as never), String(decay)).toThrow(OptionError)
  expect(() => averagedWeights({ window: 5 } as never)).toThrow(OptionError)
  expect(() => learnerOf({ average: {} as never })).toThrow(/averagedWeights\(\)/)
  const adapter = { rank: 1 }
  expect(() => new Learner({ model: born(), adapter, ...optionsOf({ average: averagedWeights() }) })).toThrow(
    /average of weights/,
  )
  const learner = learnerOf({ average: averagedWeights() })
  await live(learner, 0, 2)
  const state = await averageOf(learner).toState()
  const other = averagedWeights({ decay: 0.5 })
  expect(() => other.restore(state, learner.model.parameters)).toThrow(StateError)
})
