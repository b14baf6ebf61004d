/** Adapters whose every number is random, and what a model computes with them. */
import { type AdapterTarget, type Gpt, LoraAdapter, type LoraOptions, type RowAdapters } from '@burgeon/gpt'
import { type Device, type PlainTensor, type RandomStream, scope, type Tensor } from '@burgeon/tensor'
import { drawConfig, drawFrom, modelOf } from '../growth/tiny-model.ts'

/** Some of all maps, or query, key and value with one A. */
function drawTargets({ config }: Gpt, random: RandomStream): AdapterTarget[] {
  const ofMlp = ['output', 'up', 'down', ...(config.activation === 'swiglu' ? ['gate'] : [])]
  const all = [...(random.below(2) === 0 ? ['qkv'] : ['query', 'key', 'value']), ...ofMlp] as AdapterTarget[]
  const some = all.filter(() => random.below(2) === 0)
  return some.length > 0 ? some : all
}

function drawOptions(model: Gpt, random: RandomStream): LoraOptions {
  return {
    rank: 1 + random.below(3),
    targets: drawTargets(model, random),
    ...(random.below(2) === 0 && { alpha: [1, 0.5, 3, -2][random.below(4)] }),
    ...(random.below(2) === 0 && { useRslora: true }),
  }
}

/** An adapter with random A and B. */
export async function drawAdapter(
  model: Gpt,
  random: RandomStream,
  options?: LoraOptions,
): Promise<LoraAdapter> {
  using made = disposable(LoraAdapter.create(model, options ?? drawOptions(model, random)))
  const { config, weights } = await made.value.toState()
  const noisy = Object.entries(weights).map(([path, { shape, data }]): [string, PlainTensor] => [
    path,
    { shape, data: Float32Array.from(data, () => 0.5 * random.normal()) },
  ])
  return LoraAdapter.fromState({ config, weights: Object.fromEntries(noisy) }, model)
}

function disposable<T extends { dispose(): void }>(value: T): { readonly value: T } & Disposable {
  return { value, [Symbol.dispose]: () => value.dispose() }
}

/** A drawn model, perhaps with experts and with adapters of growth. */
export const drawModel = (seed: number, device: Device): Gpt =>
  modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 100), device)

/** The logits of all rows, one after the other. */
export function logitsWith(model: Gpt, tokens: Tensor, adapters?: RowAdapters): number[] {
  return scope(() => [...model.forward(tokens, undefined, adapters ? { adapters } : {}).readSync()])
}

export const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), Math.abs(a.length - b.length))
