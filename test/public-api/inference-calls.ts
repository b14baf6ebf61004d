/** Right calls of caches, passes in parts and packed models, of `@burgeon/gpt`. */
import * as api from '@burgeon/gpt'
import { type Tensor, tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import type { CallsOf } from './call.ts'

const device = openReference()
const sizes = { context: 4, embed: 4, heads: 2, layers: 1, vocabulary: 8, mlpHidden: 4 }
const config = api.gptConfig(sizes)
const modelOf = (): api.Gpt => api.Gpt.create(sizes, { device, seed: 1 })
const kv = (): Tensor => tensor([1, 2, 3, 4], { shape: [1, 1, 2, 2], device })
const tokens = (): Tensor => tensor([1, 2, 3], { shape: [1, 3], dtype: 'i32', device })
const stream = (): Tensor => tensor([1, 2, 3, 4], { shape: [1, 4], device })
const w = (): Record<string, Tensor> => modelOf().parameters.tensors()
const quantizedTakes = {
  'options.calibration': ['array', 'empty'],
} as const

/** By export. */
export const inferenceCalls = {
  aGpt: 'a check',
  quantized: [
    () => ({
      args: {
        model: modelOf(),
        options: {
          weights: 'int4',
          embedding: 'int8',
          group: 32,
          rounding: 'plain',
          activations: 'int8',
          calibration: [[1, 2, 1]],
        },
      },
      run: api.quantized,
      takes: quantizedTakes,
    }),
  ],
  QuantizedGpt: [
    async () => {
      const small = await api.quantized(modelOf(), { weights: 'int8' })
      return {
        args: { tokens: tokens(), options: { lastOnly: true } },
        run: (input: Tensor, options?: api.ForwardOptions) => small.forward(input, undefined, options),
        says: ['forward'],
      }
    },
  ],
  embedTokens: [() => ({ args: { config, w: w(), tokens: tokens(), options: {} }, run: api.embedTokens })],
  throughSomeBlocks: [
    () => ({
      args: {
        ...{ config, w: w(), x: stream() },
        options: { rows: 1, checkpointBlocks: false },
      },
      run: api.throughSomeBlocks,
    }),
  ],
  readoutLosses: [
    () => ({
      args: { config, w: w(), x: stream(), targets: tensor([1], { shape: [1], dtype: 'i32', device }) },
      run: api.readoutLosses,
    }),
  ],
  KeyValueCache: [
    () => ({
      args: { config, device, batch: 1, format: 'int8' },
      run: (...args: ConstructorParameters<typeof api.KeyValueCache>) => new api.KeyValueCache(...args),
    }),
    () => ({
      args: { block: 'b0' },
      run: (b: string) => new api.KeyValueCache(config, device).of(b),
      says: ['cache'],
    }),
    () => ({
      args: { block: 'b0', newKeys: kv(), newValues: kv() },
      run: (b: string, k: Tensor, v: Tensor) => new api.KeyValueCache(config, device).write(b, k, v),
      says: ['cache', 'assign', 'packRows'],
    }),
    () => ({
      args: { block: 'b0', first: 0, end: 1 },
      run: (b: string, from: number, to: number) => new api.KeyValueCache(config, device).read(b, from, to),
      says: ['cache'],
    }),
    () => ({
      args: { rows: [0, 0] },
      run: (rows: number[]) => new api.KeyValueCache(config, device).select(rows),
    }),
    () => ({
      args: { length: 2 },
      run: (length: number) => new api.KeyValueCache(config, device).reserve(length),
    }),
  ],
} satisfies Partial<CallsOf<typeof api>>
