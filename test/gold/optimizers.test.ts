/** Twenty steps of every optimizer that PyTorch has among ours lead where PyTorch's lead. See `write-optimizers.py`. */
import { valueAndGrad } from '@burgeon/autograd'
import {
  adamw,
  applyUpdates,
  chain,
  clipByGlobalNorm,
  clipByValue,
  decayWeights,
  type GradientTransform,
  sgd,
} from '@burgeon/autograd/optim'
import { add, type Device, elementwise, expression, scope, sum, type TensorsByPath } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, it } from 'vitest'
import { distance, type GoldTensor, placed, readGold } from './read-gold.ts'

type GoldTensors = Readonly<Record<string, GoldTensor>>

const gold = readGold('optimizers.json') as {
  readonly start: GoldTensors
  readonly steepness: GoldTensors
  readonly target: GoldTensors
  readonly noise: readonly GoldTensors[]
  /** By name, then by steps taken. */
  readonly runs: Readonly<Record<string, Readonly<Record<string, GoldTensors>>>>
}

const options = { learningRate: 0.02, beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weightDecay: 0.5 }
const ours: Readonly<Record<string, () => GradientTransform>> = {
  sgd: () => sgd(0.05),
  'sgd, decay': () => chain(decayWeights(0.1), sgd(0.05)),
  momentum: () => sgd(0.05, { momentum: 0.9 }),
  'momentum, decay': () => chain(decayWeights(0.1), sgd(0.05, { momentum: 0.9 })),
  nesterov: () => sgd(0.05, { momentum: 0.9, nesterov: true }),
  'nesterov, decay': () => chain(decayWeights(0.1), sgd(0.05, { momentum: 0.9, nesterov: true })),
  adam: () => adamw({ learningRate: 0.05, weightDecay: 0 }),
  'adam, decay': () =>
    chain(decayWeights(0.1), adamw({ learningRate: 0.05, beta1: 0.8, beta2: 0.95, weightDecay: 0 })),
  adamw: () => adamw({ learningRate: 0.05 }),
  'adamw, own options': () => adamw(options),
  'sgd, clipped by norm': () => chain(clipByGlobalNorm(1), sgd(0.05)),
  'adamw, clipped by norm': () => chain(clipByGlobalNorm(1), adamw({ learningRate: 0.05 })),
  'sgd, clipped by value': () => chain(clipByValue(0.5), sgd(0.05)),
  'momentum, clipped by value': () => chain(clipByValue(0.5), sgd(0.05, { momentum: 0.9 })),
}

const { constant, input, multiply, subtract } = expression
const away = subtract(input(0), input(2))
// a/2·(w − t)² + n·w
const lossOf = expression.add(
  multiply(multiply(constant(0.5), input(1)), multiply(away, away)),
  multiply(input(3), input(0)),
)

function gradientsAt(weights: TensorsByPath, step: number, device: Device): TensorsByPath {
  const place = (tensor: GoldTensor) => placed(device, tensor)
  return valueAndGrad((w: TensorsByPath) =>
    Object.keys(gold.start)
      .map((path) => {
        const inputs = [gold.steepness, gold.target, gold.noise[step]].map((tensors) => place(tensors[path]))
        return sum(elementwise(lossOf, [w[path], ...inputs]))
      })
      .reduce((a, b) => add(a, b)),
  )(weights).gradient
}

it('every run of PyTorch has one of ours', () => {
  expect(Object.keys(ours)).toEqual(Object.keys(gold.runs))
})

describe.each([
  ['the reference', openReference(), 1e-13],
  ['wasm', openWasm(), 1e-5],
] as const)('on %s', (_, device, bound) => {
  it.each(Object.entries(ours))('%s', async (name, make) => {
    const optimizer = make()
    const weights = Object.fromEntries(
      Object.entries(gold.start).map(([path, start]) => [path, placed(device, start)]),
    )
    for (const [step] of gold.noise.entries()) {
      scope(() => {
        const gradients = gradientsAt(weights, step, device)
        applyUpdates(weights, optimizer.transform(gradients, { parameters: weights, step }))
      })
      for (const [path, expected] of Object.entries(gold.runs[name][step + 1] ?? {})) {
        expect(await distance(weights[path], expected), `${path} after step ${step + 1}`).toBeLessThan(bound)
      }
    }
    for (const mirror of optimizer.mirrors) mirror.dispose?.()
    for (const tensor of Object.values(weights)) tensor.dispose()
  })
})
