/** Right calls of `@burgeon/autograd/optim`. */
import * as api from '@burgeon/autograd/optim'
import { ParameterStore, type Tensor, type TensorsByPath, tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import type { CallsOf } from './call.ts'

const device = openReference()
const t = (numbers: readonly number[] = [1, 2, 3, 4], shape: readonly number[] = [2, 2]): Tensor =>
  tensor(numbers, { shape, device })
const x = (): TensorsByPath => ({ x: t() })
const inner = (): api.GradientTransform => api.sgd({ learningRate: 0.1 })
const always = (): boolean => true
const steps = { warmup: 2, total: 9, peak: 1, final: 0.1 }
const rates = { 'options.learningRate': ['function'] } as const
/** By export. */
export const optimCalls: CallsOf<typeof api> = {
  aGradientTransform: 'a check, which takes anything',
  privately: [() => ({ args: { options: { clip: 1, noise: 1, seed: 1 } }, run: api.privately })],
  privacyOf: [
    () => ({ args: { options: { noise: 1, updates: 2, sampleRate: 0.5, delta: 1e-5 } }, run: api.privacyOf }),
  ],
  accumulate: [() => ({ args: { count: 2, inner: inner() }, run: api.accumulate })],
  adafactor: [
    () => ({
      args: {
        options: {
          learningRate: 0.1,
          relative: true,
          weightDecay: 0,
          decays: always,
          rowAxes: () => 1,
          warmUp: 0,
        },
      },
      run: api.adafactor,
      takes: rates,
    }),
  ],
  adamw: [
    () => ({
      args: {
        options: {
          ...{ learningRate: 0.1, beta1: 0.9, beta2: 0.9, epsilon: 1e-8 },
          ...{ weightDecay: 0, decays: always, warmUp: 0, copyPacing: 0 },
        },
      },
      run: api.adamw,
      takes: rates,
    }),
  ],
  lion: [
    () => ({
      args: {
        options: {
          ...{ learningRate: 0.1, beta1: 0.9, beta2: 0.9, weightDecay: 0 },
          ...{ decays: always, warmUp: 0, copyPacing: 0 },
        },
      },
      run: api.lion,
      takes: rates,
    }),
  ],
  muon: [
    () => ({
      args: {
        options: {
          ...{ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0 },
          ...{ decays: always, scale: 'adamw', rowAxes: () => 1, warmUp: 0 },
        },
      },
      run: api.muon,
      takes: rates,
    }),
  ],
  sgd: [
    () => ({
      args: { options: { learningRate: 0.1, momentum: 0.9, nesterov: true, warmUp: 0, copyPacing: 0 } },
      run: api.sgd,
      takes: { ...rates, options: ['number', 'function'] },
    }),
    () => ({
      args: { learningRate: 0.1, options: { momentum: 0.9, nesterov: true, warmUp: 0, copyPacing: 0 } },
      run: api.sgd,
      takes: { learningRate: ['function', 'object'] },
    }),
  ],
  byPath: [() => ({ args: { pick: () => 'a', optimizers: { a: inner() } }, run: api.byPath })],
  clipByGlobalNorm: [() => ({ args: { limit: 1 }, run: api.clipByGlobalNorm })],
  clipByValue: [() => ({ args: { limit: 1 }, run: api.clipByValue })],
  decayWeights: [() => ({ args: { rate: 0.1, decays: always }, run: api.decayWeights })],
  dynamicLossScale: [
    () => ({ args: { options: { initial: 8, growAfter: 5 } }, run: api.dynamicLossScale }),
    () => ({ args: { loss: t([1], []) }, run: (y: Tensor) => api.dynamicLossScale().scaled(y) }),
    () => ({ args: { gradient: t([1], []) }, run: (y: Tensor) => api.dynamicLossScale().unscaled(y) }),
  ],
  movingAverage: [() => ({ args: { decay: 0.9 }, run: api.movingAverage })],
  applyUpdates: [() => ({ args: { parameters: x(), updates: x() }, run: api.applyUpdates })],
  chain: [
    () => ({ args: { stages: inner() }, run: api.chain }),
    () => ({
      args: { gradients: x(), options: { parameters: x(), step: 0 } },
      run: (g: TensorsByPath, c: api.UpdateContext) => api.chain(inner()).transform(g, c),
    }),
    () => ({
      args: { state: [null], parameters: new ParameterStore() },
      run: (state: unknown, p: ParameterStore) => api.chain(inner()).restore(state, p),
    }),
  ],
  stateless: [() => ({ args: { name: 'same', transform: (g: unknown) => g }, run: api.stateless })],
  infiniteSchedule: [
    () => ({
      args: {
        options: {
          warmup: 2,
          constantFrom: 5,
          peak: 1,
          constant: 0.5,
          anneal: { from: 6, total: 9, final: 0.1 },
        },
      },
      run: api.infiniteSchedule,
    }),
    () => ({
      args: { options: { from: 6, total: 9, final: 0.1 } },
      run: (anneal: NonNullable<api.InfiniteOptions['anneal']>) =>
        api.infiniteSchedule({ warmup: 2, constantFrom: 5, peak: 1, constant: 0.5, anneal }),
    }),
  ],
  reWarmedCosine: [() => ({ args: { options: { ...steps, restarts: [5, 8] } }, run: api.reWarmedCosine })],
  scheduleOf: [() => ({ args: { rate: 0.1 }, run: api.scheduleOf, takes: { rate: ['function'] } })],
  warmUp: [() => ({ args: { peak: 1, warmup: 3 }, run: api.warmUp })],
  warmUpCosine: [() => ({ args: { options: steps }, run: api.warmUpCosine })],
  warmUpStableDecay: [() => ({ args: { options: { ...steps, decayFrom: 5 } }, run: api.warmUpStableDecay })],
}
