/** Small models with weights that are far from their initial ones, and requests to grow them. */
import { valueAndGrad } from '@burgeon/autograd'
import { applyUpdates, type GradientTransform } from '@burgeon/autograd/optim'
import { Gpt, type GptConfig, type GptState, gptConfig, parameterSpecs } from '@burgeon/gpt'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import {
  crossEntropy,
  type Device,
  divide,
  keyFromSeed,
  type Mirror,
  RandomStream,
  reshape,
  scope,
  sizeOf,
  sum,
  type Tensor,
  type TensorMirror,
  type TensorsByPath,
} from '@burgeon/tensor'

export const drawFrom = (seed: number): RandomStream => new RandomStream(keyFromSeed(seed))

function pick<T>(random: RandomStream, list: readonly T[]): T {
  return list[random.below(list.length)]
}

export function drawConfig(random: RandomStream): GptConfig {
  const heads = pick(random, [1, 2, 4])
  const positions = pick(random, ['learned', 'rotary'] as const)
  const plain = gptConfig({
    vocabulary: 5 + random.below(5),
    context: 4 + random.below(3),
    embed: heads * pick(random, [2, 3]),
    heads,
    kvHeads: pick(random, [1, Math.ceil(heads / 2), heads]),
    headDim: positions === 'rotary' ? 2 * pick(random, [1, 2]) : pick(random, [2, 3]),
    layers: 1 + random.below(2),
    mlpHidden: 2 + random.below(4),
    norm: pick(random, ['layer', 'rms'] as const),
    positions,
    activation: pick(random, ['gelu', 'swiglu'] as const),
  })
  const blocks = plain.blocks.map((block) => ({
    ...block,
    ...(random.below(3) === 0 && {
      adapter: { rank: 1 + random.below(3), scale: pick(random, [1, 0.5, 3]) },
    }),
    ...(random.below(3) === 0 && {
      expertShares: pick(random, [
        [1, 1],
        [1, 1, 1],
        [0.5, 1, 0.5],
      ]),
    }),
  }))
  return withChoices({ ...plain, blocks }, random)
}

/** Half of the configurations as they are; in the others what pretrained models have, too. */
function withChoices(config: GptConfig, random: RandomStream): GptConfig {
  if (random.below(2) === 0) return config
  const { positions, activation, blocks } = config
  const some = <T extends object>(choices: T): T | false => random.below(2) === 0 && choices
  return {
    ...config,
    // With less than usual, a norm of two channels is hardly more than two signs, and has next to no gradient.
    ...some({ epsilon: pick(random, [1e-3, 1e-2]) }),
    ...some({ biases: pick(random, [[], ['qkv'], ['qkv', 'output'], ['mlp']] as const) }),
    ...some({ untiedHead: true }),
    ...some({ queryKeyNorm: true }),
    activation: activation === 'gelu' ? pick(random, ['gelu', 'geluErf'] as const) : activation,
    blocks: blocks.map((block) => ({
      ...block,
      ...some({ window: 1 + random.below(4) }),
      ...(positions === 'rotary' && some({ scoreWidth: block.headDim / 1.5 })),
    })),
  }
}

/** A model whose every number is random: biases, too, and gains around 1. */
export function modelOf(config: GptConfig, random: RandomStream, device: Device): Gpt {
  const weights = parameterSpecs(config).map(({ path, shape }) => {
    const middle = path.endsWith('.gain') ? 1 : 0
    const data = Float32Array.from({ length: sizeOf(shape) }, () => middle + 0.4 * random.normal())
    return [path, { shape, data }] as const
  })
  const state: GptState = { config, weights: Object.fromEntries(weights) }
  return Gpt.fromState(state, device)
}

/** Random tokens `i32 [B, T]`, T the whole context. */
export function tokensFor({ config, device }: Gpt, random: RandomStream, rows = 2): Tensor {
  const shape = [rows, config.context]
  const tokens = Int32Array.from({ length: sizeOf(shape) }, () => random.below(config.vocabulary))
  return device.tensor(tokens, { shape, dtype: 'i32' })
}

/** Multiples of the first number, above it, that divide the second. */
const multiplesWithin = (from: number, most: number): number[] =>
  Array.from({ length: most / from - 1 }, (_, i) => (i + 2) * from).filter((n) => most % n === 0)

/** A request that this model can fulfil, on any axis. */
export function drawRequest(config: GptConfig, random: RandomStream): GrowthRequest {
  const { id, mlpHidden, heads, kvHeads, headDim, adapter, expertShares = [1] } = pick(random, config.blocks)
  const at = random.below(config.blocks.length + 1)
  const how = pick(random, ['fresh', 'split', 'splitAtRandom', undefined] as const)
  const units = mlpHidden + 1 + random.below(how?.startsWith('split') ? mlpHidden : 4)
  const step = kvHeads < heads ? kvHeads : 1
  return pick<GrowthRequest>(random, [
    { kind: 'widenMlp', block: id, to: units, ...(how && { how }) },
    { kind: 'addHeads', block: id, to: heads + step * (1 + random.below(2)) },
    kvHeads < heads
      ? { kind: 'addKvHeads', block: id, to: pick(random, multiplesWithin(kvHeads, heads)) }
      : { kind: 'addHeads', block: id, to: heads + 1 },
    {
      kind: 'widenHeads',
      block: id,
      to: Math.min(headDim + 2 * (1 + random.below(2)), config.queryKeyNorm ? 2 * headDim : Infinity),
    },
    { kind: 'addLayer', at },
    { kind: 'addLayer', at, how: 'copy' },
    { kind: 'addLayer', at, mlpHidden: 1 + random.below(4) },
    { kind: 'copyLayers', of: [id], order: 'beside', writes: 'nothing' },
    { kind: 'widenEmbed', to: config.embed + 1 + random.below(4) },
    { kind: 'growContext', to: config.context + 1 + random.below(3) },
    {
      ...{ kind: 'growContext', to: config.context + 1 + random.below(3) },
      how: config.positions === 'learned' ? 'repeated' : 'appended',
    },
    adapter
      ? { kind: 'addAdapter', block: id, to: adapter.rank + 1 + random.below(2) }
      : { kind: 'addAdapter', block: id, to: 1 + random.below(3), alpha: pick(random, [1, 4]) },
    { kind: 'addExperts', block: id, to: expertShares.length + 1 + random.below(3) },
  ])
}

/** A pruning that this model can bear, or null. */
export function drawPruning({ blocks }: GptConfig, random: RandomStream): GrowthRequest | null {
  const { id, mlpHidden, heads, kvHeads } = blocks[random.below(blocks.length)]
  const kind = random.below(3)
  if (kind === 0) return blocks.length > 1 ? { kind: 'pruneLayer', block: id } : null
  if (kind === 1) {
    if (mlpHidden === 1) return null
    const drop = Array.from({ length: mlpHidden }, (_, i) => i).filter(() => random.below(3) === 0)
    return drop.length === 0 || drop.length === mlpHidden ? null : { kind: 'pruneUnits', block: id, drop }
  }
  if (kvHeads === 1) return null
  const [group, size] = [random.below(kvHeads), heads / kvHeads]
  return { kind: 'pruneHeads', block: id, drop: Array.from({ length: size }, (_, i) => group * size + i) }
}

/** Mean loss of predicting each next token of `tokens`, with its gradients. The caller owns them. */
export function lossAndGradients(model: Gpt, tokens: Tensor): { value: Tensor; gradient: TensorsByPath } {
  return scope(() => {
    const [rows, length] = tokens.shape as [number, number]
    const all = tokens.readSync()
    const next = Int32Array.from(all, (_, i) => ((i + 1) % length === 0 ? -1 : all[i + 1]))
    const targets = reshape(model.device.tensor(next, tokens), [rows * length])
    const { value, gradient } = valueAndGrad((w: TensorsByPath) =>
      divide(sum(crossEntropy(model.forward(tokens, w), targets)), rows * (length - 1)),
    )(model.parameters.tensors())
    return { value, gradient }
  })
}

/** One step of learning; returns the gradients that it used, as numbers by path. */
export function learn(model: Gpt, optimizer: GradientTransform, tokens: Tensor, step: number): Numbers {
  return scope(() => {
    const { gradient } = lossAndGradients(model, tokens)
    const parameters = model.parameters.tensors()
    applyUpdates(parameters, optimizer.transform(gradient, { parameters, step }))
    return numbersOf(gradient)
  })
}

export type Numbers = Readonly<Record<string, readonly number[]>>

export function numbersOf(tensors: TensorsByPath): Numbers {
  return Object.fromEntries(Object.entries(tensors).map(([path, tensor]) => [path, [...tensor.readSync()]]))
}

/** Every number of a model and of the mirrors beside it, with shapes and configuration: equal only if every byte is. */
export function everyByte(model: Gpt, mirrors: readonly Mirror[]): unknown {
  const tensorsOf = (mirror: TensorMirror): TensorsByPath =>
    Object.fromEntries(mirror.paths.map((path) => [path, mirror.get(path) as Tensor]))
  return {
    config: model.config,
    parameters: [...model.parameters].map(({ path, axes, tensor }) => [
      path,
      axes,
      tensor.shape,
      ...tensor.readSync(),
    ]),
    mirrors: mirrors.filter(isTensorMirror).map((mirror) => [mirror.name, numbersOf(tensorsOf(mirror))]),
  }
}

export function isTensorMirror(mirror: Mirror): mirror is TensorMirror {
  return 'paths' in mirror
}

/**
 * Adding the same vector to every key moves all scores of a query alike: the gradient of a key's bias is 0 but for rounding. A position that
 * no token stands on, or whose prediction nobody checks, has none either.
 */
export const isWithoutGradient = (path: string): boolean =>
  path.endsWith('key.bias') || path === 'embed.position.weight'

/**
 * Whether number `i` of a parameter has no gradient in this model on these tokens: besides those above, the row
 * of a token that is not read, where the head is one of its own (the last of a row predicts nothing that is
 * checked), and what makes the scores of a window of one, where the only weight is 1 whatever its score.
 */
export function learnsNothing({ config }: Gpt, tokens: Tensor, path: string, i: number): boolean {
  if (isWithoutGradient(path)) return true
  if (path === 'embed.token.weight' && config.untiedHead) {
    const [, length] = tokens.shape
    const token = Math.floor(i / config.embed)
    return tokens.readSync().every((read, at) => read !== token || (at + 1) % length === 0)
  }
  const alone = config.blocks.filter(({ window }) => window === 1).map(({ id }) => id)
  return alone.some((id) => /^attention\.(query|key)/.test(path.replace(`blocks.${id}.`, '')))
}

/** Largest difference, as a share of the largest number before. */
export function relativeDifference(before: ArrayLike<number>, after: ArrayLike<number>): number {
  const largest = Array.from(before).reduce((most, x) => Math.max(most, Math.abs(x)), 0)
  const moved = Array.from(before).reduce((most, x, i) => Math.max(most, Math.abs(after[i] - x)), 0)
  return moved === 0 ? 0 : moved / largest
}

export function logitsOf(model: Gpt, tokens: Tensor): number[] {
  return scope(() => [...model.forward(tokens).readSync()])
}
