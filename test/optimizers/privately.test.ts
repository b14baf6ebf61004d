/** Reaches inside autograd for single divergences: gradients of single rows are clipped and hidden, and what that promises is what papers say. */
import {
  adamw,
  chain,
  accumulate,
  byPath,
  clipByGlobalNorm,
  privacyOf,
  privately,
  sgd,
  type UpdateContext,
} from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  darkReplay,
  everySteps,
  ewc,
  growOnSchedule,
  joinBatches,
  Learner,
  reservoirReplay,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import {
  keyFromSeed,
  OptionError,
  RandomStream,
  StateError,
  tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renyiDivergence } from '../../packages/autograd/src/optim/privacy/privacy-of.ts'

const device = openReference()
const sizes = { context: 8, embed: 8, heads: 2, layers: 1, mlpHidden: 8, vocabulary: 64 }
const model = (): Gpt => Gpt.create(sizes, { device, seed: 1 })
const random = new RandomStream(keyFromSeed(3))
const row = (): TokenBatch =>
  batchOfTokens(
    Int32Array.from({ length: 9 }, () => random.below(64)),
    8,
    'text',
  )
const batch = (rows: number): TokenBatch => joinBatches<TokenBatch>(Array.from({ length: rows }, row))
const weightsOf = async (learner: Learner): Promise<Record<string, Float32Array>> =>
  Object.fromEntries(
    await Promise.all(
      [...learner.model.parameters].map(
        async ({ path, tensor: own }) => [path, Float32Array.from(await own.read())] as const,
      ),
    ),
  )

/** Gradients of rows that are numbers: row 3 of a parameter of two numbers has the gradient [3, −3]. */
const rowsOf = (rows: readonly number[]): UpdateContext => ({
  ...{ parameters: { x: tensor([0, 0], { device }), y: tensor([0], { device }) }, step: 0 },
  rows: () => rows.map((value) => ({ value })),
  gradientOn: (given) => {
    const { value } = given as { readonly value: number }
    return { x: tensor([value, -value], { device }), y: tensor([2 * value], { device }) }
  },
})
const anything = (): TensorsByPath => ({ x: tensor([9, 9], { device }), y: tensor([9], { device }) })
const numbersIn = async (tensors: TensorsByPath): Promise<number[]> =>
  (await Promise.all(Object.values(tensors).map((one) => one.read()))).flatMap((all) => [...all])

describe('gradients of single rows', () => {
  test('without noise, and with a bound that nothing reaches, are those of the whole batch', async () => {
    const [plain, own] = [sgd(0.1), chain(privately({ clip: 1e6, noise: 0, seed: 1 }), sgd(0.1))].map(
      (optimizer) => new Learner({ model: model(), optimizer }),
    )
    for (let i = 0; i < 3; i++) {
      const rows = batch(4)
      await plain.observe(rows)
      await own.observe(rows)
    }
    const [expected, found] = [await weightsOf(plain), await weightsOf(own)]
    for (const [path, numbers] of Object.entries(expected)) {
      numbers.forEach((number, i) => expect(found[path][i]).toBeCloseTo(number, 5))
    }
  })
  test('are each clipped before they are added, whatever comes to it', async () => {
    const found = privately({ clip: 3, noise: 0, seed: 1 }).transform(anything(), rowsOf([0.5, 100]))
    // [½, −½, 1] is within 3; [100, −100, 200] becomes its direction times 3.
    const unit = [1, -1, 2].map((value) => (3 * value) / Math.sqrt(6))
    const expected = [0.5, -0.5, 1].map((value, i) => (value + unit[i]) / 2)
    ;(await numbersIn(found)).forEach((value, i) => expect(value).toBeCloseTo(expected[i], 4))
  })
  test('move the mean by at most twice the bound over the rows, whichever of them is another', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.float({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 5 }),
        fc.float({ min: -50, max: 50, noNaN: true }),
        async (rows, other) => {
          const meanOf = async (all: readonly number[]) =>
            numbersIn(privately({ clip: 2, noise: 0, seed: 1 }).transform(anything(), rowsOf(all)))
          const [a, b] = [await meanOf(rows), await meanOf([...rows.slice(1), other])]
          const distance = Math.hypot(...a.map((value, i) => value - b[i]))
          expect(distance).toBeLessThanOrEqual((2 * 2) / rows.length + 1e-4)
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('noise', () => {
  const drawn = async (updates: number, seed = 1): Promise<number[]> => {
    const part = privately({ clip: 0.5, noise: 3, seed })
    const all: number[] = []
    for (let i = 0; i < updates; i++)
      all.push(...(await numbersIn(part.transform(anything(), rowsOf([0, 0])))))
    return all
  }
  test('has the deviation of the bound times the noise, over the rows, and is another in each update', async () => {
    const all = await drawn(1000)
    const deviation = Math.sqrt(all.reduce((sum, value) => sum + value ** 2, 0) / all.length)
    expect(deviation).toBeGreaterThan(0.75 * 0.97)
    expect(deviation).toBeLessThan(0.75 * 1.03)
    expect(new Set(all).size).toBe(all.length)
  })
  test('is the same by the same seed, and another by another', async () => {
    expect(await drawn(2)).toEqual(await drawn(2))
    expect(await drawn(2, 2)).not.toEqual(await drawn(2))
  })
})

test('a learner that grows is resumed with the same bits, noise and all', async () => {
  const parts = () => ({
    optimizer: chain(privately({ clip: 1, noise: 0.7, seed: 5 }), adamw({ learningRate: 1e-2 })),
    strategy: {
      rehearsal: reservoirReplay({ capacity: 20, seed: 1 }),
      growth: growOnSchedule([{ step: 4, request: { kind: 'addLayer', at: 1 } }]),
    },
  })
  const batches = Array.from({ length: 8 }, () => batch(2))
  const whole = new Learner({ model: model(), ...parts() })
  let resumed = new Learner({ model: model(), ...parts() })
  for (const rows of batches) {
    await whole.observe(rows)
    await resumed.observe(rows)
    if (resumed.step === 3 || resumed.step === 6) {
      const state = await resumed.toState()
      resumed = Learner.fromState(state, { ...parts(), device })
    }
  }
  expect(whole.journal.some(({ kind }) => kind === 'growth')).toBe(true)
  expect(await weightsOf(resumed)).toEqual(await weightsOf(whole))
})

describe('what would be lost is refused', () => {
  const own = () => privately({ clip: 1, noise: 1, seed: 1 })
  test('before it, around it, beside it', () => {
    expect(() => chain(clipByGlobalNorm(1), own())).toThrow('expected it first')
    expect(() => accumulate(2, chain(own(), sgd(0.1)))).toThrow(OptionError)
    expect(() => byPath(() => 'all', { all: chain(own(), sgd(0.1)) })).toThrow(OptionError)
    const optimizer = chain(own(), sgd(0.1))
    expect(
      () =>
        new Learner({
          model: model(),
          optimizer,
          strategy: { penalties: [ewc({ strength: 1 })], consolidateWhen: everySteps(5) },
        }),
    ).toThrow('adds to the loss')
    expect(
      () => new Learner({ model: model(), optimizer, strategy: { rehearsal: darkReplay({ capacity: 8 }) } }),
    ).toThrow('adds to the loss')
  })
  test('options outside their ranges, gradients without rows, and states of others', () => {
    for (const wrong of [{ clip: 0 }, { noise: -1 }, { seed: 0.5 }]) {
      expect(() => privately({ clip: 1, noise: 1, seed: 1, ...wrong })).toThrow(OptionError)
    }
    expect(() => own().transform(anything(), { parameters: anything(), step: 0 })).toThrow('without the rows')
    expect(() => own().restore({ updates: -1 }, model().parameters)).toThrow(StateError)
  })
})

describe('what it promises', () => {
  /** By the conversion of Mironov 2017, proposition 3, that TensorFlow Privacy had until 2021. */
  const classic = (noise: number, sampleRate: number, updates: number, delta: number): number =>
    Math.min(
      ...Array.from({ length: 62 }, (_, i) => {
        const order = i + 2
        return updates * renyiDivergence(order, noise, sampleRate) - Math.log(delta) / (order - 1)
      }),
    )
  test.each([
    [1.1, 3.01],
    [1.12, 2.92],
  ])('is what TensorFlow Privacy says of its example with a noise of %f: ε %f', (noise, published) => {
    // compute_dp_sgd_privacy --N=60000 --batch_size=256 --epochs=60 --delta=1e-5, in its README and in Opacus'.
    const [sampleRate, updates] = [256 / 60_000, Math.ceil((60 * 60_000) / 256)]
    const epsilon = classic(noise, sampleRate, updates, 1e-5)
    expect(epsilon).toBeCloseTo(published, 2)
    const { epsilon: own } = privacyOf({ noise, sampleRate, updates, delta: 1e-5 })
    expect(own).toBeLessThan(epsilon)
    expect(own).toBeGreaterThan(0.8 * epsilon)
  })
  test('of one Gaussian is no less than the exact one, and hardly more', () => {
    // Balle & Wang 2018, theorem 8: the δ of a Gaussian of deviation σ for a sensitivity of 1.
    const phi = (x: number): number => {
      const steps = 4000
      let sum = 0
      const from = -12
      for (let i = 0; i < steps; i++) sum += Math.exp(-((from + ((i + 0.5) * (x - from)) / steps) ** 2) / 2)
      return (sum * (x - from)) / steps / Math.sqrt(2 * Math.PI)
    }
    const deltaOf = (epsilon: number, noise: number): number =>
      phi(1 / (2 * noise) - epsilon * noise) - Math.exp(epsilon) * phi(-1 / (2 * noise) - epsilon * noise)
    for (const noise of [0.5, 1, 2, 4]) {
      const { epsilon } = privacyOf({ noise, updates: 1, delta: 1e-5 })
      expect(deltaOf(epsilon, noise)).toBeLessThan(1e-5)
      expect(deltaOf(0.88 * epsilon, noise)).toBeGreaterThan(1e-5)
    }
    expect(privacyOf({ noise: 1, updates: 1, delta: 1e-5 }).epsilon).toBeCloseTo(4.753, 3)
  })
  test('is the less the more often a row takes part, and the more the less it is drawn', () => {
    const epsilonOf = (updates: number, sampleRate = 1): number =>
      privacyOf({ noise: 1, updates, sampleRate, delta: 1e-5 }).epsilon
    expect(epsilonOf(4)).toBeGreaterThan(epsilonOf(1))
    expect(epsilonOf(4, 0.1)).toBeLessThan(epsilonOf(1))
    // N updates with noise σ are one with noise σ/√N.
    expect(epsilonOf(4)).toBeCloseTo(privacyOf({ noise: 0.5, updates: 1, delta: 1e-5 }).epsilon, 9)
    expect(renyiDivergence(8, 1.3, 1 - 1e-12)).toBeCloseTo(renyiDivergence(8, 1.3, 1), 6)
    expect(() => privacyOf({ noise: 0, updates: 1, delta: 1e-5 })).toThrow(OptionError)
  })
})
