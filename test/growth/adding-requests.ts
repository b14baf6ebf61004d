/** Growth that adds something, on every axis, and which numbers of a model are new after it. */
import type { TokenBatch } from '@burgeon/continual'
import type { Gpt, GptConfig } from '@burgeon/gpt'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { fill, scope, TensorMirror } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { drawConfig, drawFrom, modelOf } from './tiny-model.ts'

const device = openReference()

/** A request on every axis that adds something. */
export const addingRequests: Readonly<Record<string, (config: GptConfig) => GrowthRequest | null>> = {
  units: ({ blocks: [{ id, mlpHidden }] }) => ({ kind: 'widenMlp', block: id, to: mlpHidden + 2 }),
  heads: ({ blocks: [{ id, heads, kvHeads }] }) => ({
    ...{ kind: 'addHeads', block: id },
    to: heads + (kvHeads < heads ? kvHeads : 1),
  }),
  'wider heads': ({ queryKeyNorm, blocks: [{ id, headDim }] }) =>
    queryKeyNorm ? null : { kind: 'widenHeads', block: id, to: headDim + 2 },
  'a layer': () => ({ kind: 'addLayer', at: 1 }),
  'a copied layer': () => ({ kind: 'addLayer', at: 1, how: 'copy' }),
  'layers that write nothing': () => ({ kind: 'copyLayers', writes: 'nothing' }),
  channels: ({ embed }) => ({ kind: 'widenEmbed', to: embed + 3 }),
  'an adapter': ({ blocks: [{ id, adapter }] }) => ({
    ...{ kind: 'addAdapter', block: id },
    to: (adapter?.rank ?? 0) + 1,
  }),
  tokens: () => ({ kind: 'growVocabulary', tokens: [{ parts: [0, 1] }, { parts: [2], share: 0.3 }] }),
}

export function sampleFor({ config }: Gpt, seed: number): TokenBatch {
  const random = drawFrom(seed + 50)
  const [rows, length] = [3, config.context - 1]
  const tokens = Int32Array.from({ length: rows * (length + 1) }, () => random.below(config.vocabulary))
  return { rows, length, tokens, domains: ['a', 'b', 'c'] }
}

/** A drawn model, and a mirror that is 0, or missing, where growth has added something. */
export function drawn(seed: number): { model: Gpt; sample: TokenBatch; old: TensorMirror } {
  const model = modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 1), device)
  const old = new TensorMirror('old', 'gradient')
  scope(() => {
    for (const { path, tensor } of model.parameters) old.set(path, fill(device, tensor.shape, 1))
  })
  return { model, old, sample: sampleFor(model, seed) }
}

export const numbersIn = (mirror: TensorMirror, path: string, size: number): ArrayLike<number> =>
  mirror.get(path)?.readSync() ?? new Float64Array(size)
