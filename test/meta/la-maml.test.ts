/**
 * A learner that looks ahead: what it does in one step, how well it learns, and what it takes along.
 * Reaches inside gpt for a disk that lies in memory.
 */
import { grad } from '@burgeon/autograd'
import { clipByGlobalNorm, dynamicLossScale, sgd } from '@burgeon/autograd/optim'
import {
  adapt,
  type TokenBatch,
  batchOfTokens,
  compose,
  growOnSchedule,
  laMaml,
  type LaMamlOptions,
  Learner,
  type LearnerOptions,
  type LearnerState,
  everySteps,
  onlineEwc,
  type Rehearsal,
  reservoirReplay,
} from '@burgeon/continual'
import { Gpt, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { fill, mean, OptionError, scope, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import { largestDifference } from '@burgeon/tensor/testing'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { someOf } from '../how-long.ts'

const wasm = openWasm({ threads: 1 })
const sizes = { context: 8, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }
const encoder = new TextEncoder()
const batchOf = (text: string): TokenBatch => batchOfTokens(encoder.encode(text), sizes.context, 'text')

const replay = (): Rehearsal => reservoirReplay({ capacity: 40, seed: 3 })
const parts = (options: Partial<LaMamlOptions> = {}): Omit<LearnerOptions, 'model'> => ({
  optimizer: sgd(1),
  strategy: compose(
    { rehearsal: replay() },
    { lookAhead: laMaml({ rate: 0.1, rateOfRates: 0.05, ...options }) },
  ),
})

const numbersOf = (model: Gpt): number[] =>
  [...model.parameters].flatMap(({ tensor }) => [...tensor.readSync()])

describe('one step', () => {
  const device = openReference()
  const [text, rate, rateOfRates] = ['learning by looking ahead', 0.2, 40]

  // Rows of the text that each inner step sees, from one to before another: the fresh ones are split as equally as can be.
  const whole = [0, 3] as const
  const inTwo = [[0, 1] as const, [1, 3] as const]
  const rowByRow = [[0, 1] as const, [1, 2] as const, [2, 3] as const]

  /** The mean loss of the rows from one to before another. */
  function lossOf(model: Gpt, { tokens }: TokenBatch, [from, to]: readonly [number, number]) {
    const at = (t: number): number[] =>
      Array.from({ length: (to - from) * 8 }, (_, i) => tokens[(from + Math.floor(i / 8)) * 9 + (i % 8) + t])
    const inputs = device.tensor(at(0), { shape: [to - from, 8], dtype: 'i32' })
    const targets = device.tensor(at(1), { shape: [(to - from) * 8], dtype: 'i32' })
    return (w: TensorsByPath): Tensor => mean(model.losses(inputs, targets, w))
  }

  /** The weights after one step that tries these rows one after another, worked out number by number. */
  function algorithmOne(
    model: Gpt,
    batch: TokenBatch,
    limit: number,
    tries: readonly (readonly [number, number])[],
  ) {
    return scope(() => {
      const loss = lossOf(model, batch, [0, batch.rows])
      const parts = tries.map((rows) => lossOf(model, batch, rows))
      const weights = model.parameters.tensors()
      const rates = Object.fromEntries(
        Object.entries(weights).map(([path, { shape }]) => [path, fill(device, shape, rate)]),
      )
      const numbers = (trees: TensorsByPath): number[] =>
        Object.values(trees).flatMap((x) => [...x.readSync()])
      const ahead = (from: TensorsByPath, alpha: TensorsByPath): Tensor =>
        loss(parts.reduce((w, part) => adapt(part, w, alpha), from))
      const byWeights = grad((w: TensorsByPath) => ahead(w, rates))(weights)
      const byRates = numbers(grad((r: TensorsByPath) => ahead(weights, r))(rates))
      const factor = Math.min(1, limit / (Math.hypot(...byRates) + 1e-6))
      const gradients = numbers(byWeights)
      const learned = byRates.map((gradient) => rate - rateOfRates * factor * gradient)
      const after = numbers(weights).map((x, i) => x - Math.max(0, learned[i]) * gradients[i])
      return { before: loss(weights).item(), after, lowest: Math.min(...learned) }
    })
  }

  test.each([
    ['', {}, Infinity, [whole]],
    [', gradients of rates held to a norm', { clipRateGradients: 0.3 }, 0.3, [whole]],
    [', in two steps', { steps: 2 }, Infinity, inTwo],
    [', in more steps than there are rows', { steps: 5 }, Infinity, rowByRow],
  ] as const)(
    'is what algorithm 1 says: rates first, none below 0, then weights%s',
    async (_, options, limit, tries) => {
      const model = Gpt.create(sizes, { device, seed: 2 })
      const batch = batchOf(text)
      const wanted = algorithmOne(model, batch, limit, tries)
      const learner = new Learner({ model, ...parts({ rate, rateOfRates, ...options }) })
      const { loss, rowLosses } = await learner.observe(batch)
      expect(wanted.lowest).toBeLessThan(0)
      expect(loss).toBeCloseTo(wanted.before, 12)
      expect(rowLosses).toHaveLength(batch.rows)
      expect(largestDifference(numbersOf(model), wanted.after)).toBeLessThan(1e-12)
    },
  )

  test('with rates that stay and next to no inner step it is plain gradient descent', async () => {
    const numbersAfter = async (options: Omit<LearnerOptions, 'model'>): Promise<number[]> => {
      const learner = new Learner({ model: Gpt.create(sizes, { device, seed: 2 }), ...options })
      await learner.observe(text)
      return numbersOf(learner.model)
    }
    const tiny = 1e-7
    const ahead = await numbersAfter({
      optimizer: sgd(0.3 / tiny),
      strategy: { lookAhead: laMaml({ rate: tiny, rateOfRates: 0 }) },
    })
    const plain = await numbersAfter({ optimizer: sgd(0.3) })
    expect(largestDifference(ahead, plain)).toBeLessThan(1e-6)
    expect(largestDifference(ahead, plain)).toBeGreaterThan(0)
  })
})

test('blocks may be computed again instead of being kept', async () => {
  const numbersWith = async (checkpointBlocks: boolean): Promise<number[]> => {
    const model = Gpt.create(sizes, { device: openReference(), seed: 2 })
    const learner = new Learner({ model, checkpointBlocks, ...parts({ steps: 2 }) })
    for (const text of ['one text and', 'another text']) await learner.observe(text)
    return numbersOf(model)
  }
  // Second derivatives are added in another order, so not to the bit.
  expect(largestDifference(await numbersWith(true), await numbersWith(false))).toBeLessThan(1e-11)
})

describe('on a stream that drifts', () => {
  const sentences = ['the cat sat on the mat. ', 'let x = 3; let y = 4; ', '1, 2, 4, 8, 16, 32, 64, ']
  const text = sentences.map((sentence) => sentence.repeat(28)).join('')

  async function meanLossOf(seed: number, options: Omit<LearnerOptions, 'model'>): Promise<number> {
    const learner = new Learner({ model: Gpt.create(sizes, { device: wasm, seed }), ...options })
    let [total, steps] = [0, 0]
    for (let at = 0; at + 25 <= text.length; at += 24, steps++) {
      total += (await learner.observe(batchOf(text.slice(at, at + 25)))).loss
    }
    learner.dispose()
    learner.model.dispose()
    return total / steps
  }

  const rate = 0.02
  const clip = { transforms: [clipByGlobalNorm(2)] }
  /** One run tells little: several steps of second order are sensitive to the last bits of a gradient. */
  const overSeeds = async (options: () => Omit<LearnerOptions, 'model'>): Promise<number> => {
    const losses = []
    for (const seed of [1, 2, 3]) losses.push(await meanLossOf(seed, options()))
    return losses.reduce((a, b) => a + b, 0) / losses.length
  }
  const plain = overSeeds(() => ({ optimizer: sgd(rate), strategy: compose(clip, { rehearsal: replay() }) }))
  const ways: readonly (readonly [string, number, Partial<LaMamlOptions>])[] = [
    ['one inner step', 0.2, {}],
    ['three', 0.1, { steps: 3 }],
    ['three, first order', 0.2, { steps: 3, firstOrder: true }],
  ]
  test.each(someOf(ways, 1))(
    '%s: it predicts better than plain descent at the rate it began with',
    async (_, rateOfRates, options) => {
      const learning = (ofRates: number): Promise<number> =>
        overSeeds(() => {
          const { optimizer, strategy } = parts({
            rate,
            rateOfRates: ofRates,
            clipRateGradients: 2,
            ...options,
          })
          return { optimizer, strategy: compose(clip, strategy ?? {}) }
        })
      expect(await learning(rateOfRates)).toBeLessThan((await plain) - 0.3)
      // It is the rates that make the difference: without learning them it is no better.
      expect(await learning(0)).toBeGreaterThan((await plain) - 0.1)
    },
  )
})

describe('a life', () => {
  const grown = (): Omit<LearnerOptions, 'model'> => {
    const base = parts({ steps: 2 })
    const growth = growOnSchedule([
      { step: 4, request: { kind: 'widenMlp', block: 'b0', to: 12, how: 'split' } },
      { step: 6, request: { kind: 'addLayer', at: 1 } },
      { step: 9, request: { kind: 'widenEmbed', to: 12 } },
    ])
    return {
      ...base,
      strategy: compose(base.strategy ?? {}, {
        growth,
        penalties: [onlineEwc({ strength: 1 })],
        consolidateWhen: everySteps(5),
      }),
    }
  }
  const textOf = (step: number): string => `step ${step} of a life that looks ahead`

  test('grows, is saved and wakes up, to the byte', async () => {
    const begin = (): Learner =>
      new Learner({ model: Gpt.create(sizes, { device: wasm, seed: 4 }), ...grown() })
    const whole = begin()
    let broken = begin()
    const disk = memoryDisk()
    for (let step = 0; step < 12; step++) {
      await whole.observe(textOf(step))
      await broken.observe(textOf(step))
      const { model, ...rest } = await broken.toState()
      await writeCheckpoint(disk, { model, learner: rest })
      broken.dispose()
      broken.model.dispose()
      const saved = await readCheckpoint(disk)
      const state = { ...(saved['learner'] as object), model: saved['model'] } as LearnerState
      broken = Learner.fromState(state, { ...grown(), device: wasm })
    }
    expect(whole.journal.filter(({ kind }) => kind === 'growth')).toHaveLength(3)
    expect(await broken.toState()).toEqual(await whole.toState())
    whole.dispose()
    broken.dispose()
  })

  test('holds no more memory from step to step, and lets go of it in the end', async () => {
    const device = openWasm({ threads: 1 })
    const model = Gpt.create(sizes, { device, seed: 4 })
    const own = device.memory.buffers
    const learner = new Learner({ model, ...parts({ steps: 2 }) })
    await learner.observe(textOf(0))
    const { buffers, bytes } = device.memory
    for (let step = 1; step < 6; step++) await learner.observe(textOf(step))
    expect(device.memory).toMatchObject({ buffers, bytes })
    learner.dispose()
    expect(device.memory.buffers).toBe(own)
  })
})

describe('refuses', () => {
  test.each([
    ['a rate of 0', { rate: 0 }],
    ['a negative rate of rates', { rateOfRates: -1 }],
    ['a bound of 0 for gradients', { clipRateGradients: 0 }],
    ['no steps', { steps: 0 }],
    ['half a step', { steps: 0.5 }],
  ])('%s', (_, options) => {
    expect(() => parts(options)).toThrow(OptionError)
  })

  test('a loss scale beside it, and a second look-ahead', () => {
    const model = Gpt.create(sizes, { device: wasm })
    expect(() => new Learner({ model, ...parts(), lossScale: dynamicLossScale() })).toThrow(OptionError)
    const lookAhead = laMaml({ rate: 1, rateOfRates: 1 })
    expect(() => compose({ lookAhead }, { lookAhead })).toThrow(OptionError)
  })
})
