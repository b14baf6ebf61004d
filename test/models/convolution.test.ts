/** Dense networks that read an image with filters first. */
import { adamw } from '@burgeon/autograd/optim'
import {
  classifier,
  continualBackpropagation,
  type Convolution,
  type DenseNetwork,
  type DenseSizes,
  type DenseState,
  denseFromState,
  everySteps,
  type ExampleBatch,
  growOnSchedule,
  Learner,
  type LearnerOptions,
  onlineEwc,
  regressor,
  reservoirReplay,
  widenHidden,
} from '@burgeon/continual'
import { BurgeonError, OptionError, RandomStream, scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { times } from '../how-long.ts'

const device = openReference()
const filters: Convolution = { height: 4, width: 5, channels: 2, filters: 3, kernelSize: 3, stride: 2 }
const small = (hidden: readonly number[] = [6]): DenseNetwork =>
  classifier({ inputs: 40, convolution: filters, hidden, classes: 3, seed: 2, device })

/** Images with a bright column; which third of the image it is in is the class. */
function images(rows: number, from: number): ExampleBatch {
  const random = new RandomStream([from, 7])
  const targets = Float32Array.from({ length: rows }, () => random.below(3))
  const inputs = Float32Array.from({ length: rows * 40 }, (_, i) => {
    const column = (i >> 1) % 5
    return (column >> 1 === targets[Math.floor(i / 40)] ? 1 : 0) + 0.3 * random.normal()
  })
  return {
    inputs,
    targets,
    rows,
    domains: targets.length ? Array.from({ length: rows }, () => 'images') : [],
  }
}

const outputsOf = (model: DenseNetwork, inputs: Float32Array): number[] => {
  const shape = [inputs.length / model.sizes.inputs, model.sizes.inputs]
  using found = scope(() => model.forward(device.tensor(inputs, { shape, dtype: 'f32' })))
  return [...found.readSync()]
}

test('every patch is read by every filter: the sums are those of a loop over pixels', async () => {
  const sides = fc.record({
    height: fc.integer({ min: 1, max: 5 }),
    width: fc.integer({ min: 1, max: 5 }),
    channels: fc.integer({ min: 1, max: 3 }),
    filters: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 3 }),
    kernelSize: fc.integer({ min: 1, max: 5 }),
  })
  await fc.assert(
    fc.asyncProperty(sides, async (drawn) => {
      const { height, width, channels, stride } = drawn
      const kernelSize = Math.min(drawn.kernelSize, height, width)
      const convolution = { ...drawn, kernelSize }
      const inputs = height * width * channels
      const model = regressor({ inputs, convolution, outputs: 2, initial: 'pytorch', seed: 1, device })
      const random = new RandomStream([height, width])
      const image = Float32Array.from({ length: inputs }, () => random.normal())
      const { weights } = await model.toState()
      const [w, b] = [weights['convolution.weight'].data, weights['convolution.bias'].data]
      const seen: number[] = []
      for (let top = 0; top + kernelSize <= height; top += stride)
        for (let left = 0; left + kernelSize <= width; left += stride)
          for (let f = 0; f < drawn.filters; f++) {
            let sum = b[f]
            for (let y = 0; y < kernelSize; y++)
              for (let x = 0; x < kernelSize; x++)
                for (let c = 0; c < channels; c++)
                  sum +=
                    image[((top + y) * width + left + x) * channels + c] *
                    w[((y * kernelSize + x) * channels + c) * drawn.filters + f]
            seen.push(Math.max(0, sum))
          }
      const [last, bias] = [weights['layers.0.weight'], weights['layers.0.bias'].data]
      expect(last.shape).toEqual([seen.length, 2])
      const wanted = [0, 1].map((i) => seen.reduce((sum, x, at) => sum + x * last.data[2 * at + i], bias[i]))
      outputsOf(model, image).forEach((x, i) => expect(Math.abs(x - wanted[i])).toBeLessThan(1e-4))
      model.dispose()
    }),
    { numRuns: times(30, 300) },
  )
})

test('learns with every part of a learner, is saved and comes back to the bit', async () => {
  const parts = (): Pick<LearnerOptions<DenseNetwork>, 'optimizer' | 'strategy'> => ({
    optimizer: adamw({ learningRate: 0.01 }),
    strategy: {
      rehearsal: reservoirReplay({ capacity: 8 }),
      penalties: [onlineEwc({ strength: 1, fisher: 'exact' as const })],
      consolidateWhen: everySteps(20),
      upkeep: [continualBackpropagation({ replacementRate: 0.01 })],
      growth: growOnSchedule<DenseSizes>([{ step: 30, request: { kind: 'widenHidden', layer: 0, to: 9 } }]),
    },
  })
  const whole = new Learner({ model: small(), ...parts() })
  const losses: number[] = []
  for (let i = 0; i < 50; i++) losses.push((await whole.observe(images(16, i))).loss)
  const mean = (some: readonly number[]): number => some.reduce((a, b) => a + b, 0) / some.length
  expect(mean(losses.slice(-10))).toBeLessThan(0.5 * mean(losses.slice(0, 5)))
  expect(whole.model.sizes).toMatchObject({ hidden: [9], convolution: filters })
  const saved = structuredClone(await whole.toState())
  const modelFromState = (state: DenseState): DenseNetwork => denseFromState(state, device)
  const resumed = Learner.fromState(saved, { ...parts(), modelFromState })
  for (let i = 50; i < 53; i++)
    expect(await resumed.observe(images(16, i))).toEqual(await whole.observe(images(16, i)))
})

test('filters learn, in the loop of a learner', async () => {
  const model = small()
  const learner = new Learner({ model, optimizer: adamw({ learningRate: 0.01 }) })
  const before = [...model.parameters.get('convolution.weight').tensor.readSync()]
  await learner.observe(images(8, 1))
  expect([...model.parameters.get('convolution.weight').tensor.readSync()]).not.toEqual(before)
})

test('a hidden layer grows behind them without a change of the outputs', async () => {
  const model = small([6, 4])
  const { inputs } = images(4, 3)
  const before = outputsOf(model, inputs)
  await widenHidden(model, { layer: 0, to: 9 }, { mirrors: [], key: [1, 2] })
  outputsOf(model, inputs).forEach((x, i) => expect(Math.abs(x - before[i])).toBeLessThan(1e-5))
})

test('a network that is made inside a scope outlives it, and lets go of everything', () => {
  const before = device.memory.buffers
  const made: DenseNetwork[] = []
  scope(() => void made.push(small()))
  const [model] = made
  expect(outputsOf(model, images(2, 1).inputs)).toHaveLength(6)
  model.dispose()
  expect(device.memory.buffers).toBe(before)
})

test('the price counts a filter at every place', async () => {
  const request = { kind: 'widenHidden', layer: 0, to: 7 } as const
  const growth = growOnSchedule<DenseSizes>([{ step: 1, request }])
  const learner = new Learner({
    model: small(),
    optimizer: adamw({ learningRate: 0.01 }),
    strategy: { growth },
  })
  const { events } = await learner.observe(images(4, 1))
  const [grown] = events.filter((event) => event.kind === 'growth')
  // 1 × 2 places of 18 numbers for 3 filters; 6 numbers into 6 units; 6 units into 3 classes.
  expect(grown.data.record.price.before.flopsPerToken.forward).toBe(2 * (2 * 18 * 3 + 6 * 6 + 6 * 3))
})

test.each([
  [{ height: 4, width: 4 }, /4 × 4 × 2 for 40 inputs/],
  [{ kernelSize: 5 }, /kernelSize = 5; expected at most 4/],
  [{ kernelSize: 0 }, /kernelSize/],
  [{ stride: 0 }, /stride/],
  [{ filters: 1.5 }, /filters/],
  [{ kernel: 3 }, /kernel/],
] as const)('sizes that do not fit are refused: %j', async (wrong, message) => {
  const convolution = { ...filters, ...wrong }
  for (const make of [
    () => classifier({ inputs: 40, convolution, classes: 3, device }),
    () => regressor({ inputs: 40, convolution, outputs: 3, device }),
  ]) {
    expect(make).toThrow(OptionError)
    expect(make).toThrow(message)
  }
  const state = await small().toState()
  expect(() => denseFromState({ ...state, convolution }, device)).toThrow(BurgeonError)
})
