/** Growing and then learning comes to the same as learning and then growing, as long as copies keep to the pace of their original. */
import { adamw, applyUpdates, type GradientTransform, lion, sgd } from '@burgeon/autograd/optim'
import type { Gpt, GptConfig } from '@burgeon/gpt'
import { grow, type GrowthRequest, planGrowth } from '@burgeon/gpt/growth'
import {
  elementwise,
  expression,
  fill,
  scope,
  type Tensor,
  TensorMirror,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'
import {
  drawConfig,
  drawFrom,
  logitsOf,
  lossAndGradients,
  modelOf,
  relativeDifference,
  tokensFor,
} from './tiny-model.ts'

const device = openReference()
const steps = 10

/** Optimizers whose step of a number depends on its gradients, its own value and its age alone. */
const optimizers: Readonly<Record<string, (copyPacing: number) => GradientTransform>> = {
  'plain descent': (copyPacing) => sgd({ learningRate: 0.05, copyPacing }),
  momentum: (copyPacing) => sgd({ learningRate: 0.02, momentum: 0.8, copyPacing }),
  'Nesterov momentum': (copyPacing) =>
    sgd({ learningRate: 0.02, momentum: 0.7, nesterov: true, warmUp: 5, copyPacing }),
  adamw: (copyPacing) => adamw({ learningRate: 0.01, epsilon: 1e-3, weightDecay: 0.1, copyPacing }),
  'adamw with warm-up': (copyPacing) =>
    adamw({ learningRate: 0.01, beta2: 0.95, epsilon: 1e-4, warmUp: 6, copyPacing }),
  lion: (copyPacing) => lion({ learningRate: 0.002, weightDecay: 0.2, copyPacing }),
}

/**
 * Requests after which every number has a share of its gradient that is the same at every step. Not among them:
 * heads of keys and values, experts and layers whose copies see different things and part at once; channels
 * under LayerNorm, whose new ones are means of old ones; tokens, which change the loss.
 */
const requests: Readonly<Record<string, (config: GptConfig) => GrowthRequest | null>> = {
  'split units': ({ blocks: [{ id, mlpHidden }] }) => ({
    kind: 'widenMlp',
    block: id,
    to: 2 * mlpHidden - 1,
    how: 'split',
  }),
  'split channels of normalized heads': ({ queryKeyNorm, blocks: [{ id, headDim }] }) =>
    queryKeyNorm && headDim > 2 ? { kind: 'widenHeads', block: id, to: 2 * headDim - 2 } : null,
  'fresh units': ({ blocks: [{ id, mlpHidden }] }) => ({ kind: 'widenMlp', block: id, to: mlpHidden + 2 }),
  heads: ({ blocks: [{ id, heads, kvHeads }] }) => ({
    kind: 'addHeads',
    block: id,
    to: heads + (kvHeads < heads ? kvHeads : 1),
  }),
  'wider heads': ({ queryKeyNorm, blocks: [{ id, headDim }] }) =>
    queryKeyNorm ? null : { kind: 'widenHeads', block: id, to: headDim + 2 },
  'a layer': () => ({ kind: 'addLayer', at: 1 }),
  'a copied layer': () => ({ kind: 'addLayer', at: 0, how: 'copy' }),
  'layers that write nothing': () => ({ kind: 'copyLayers', writes: 'nothing' }),
  channels: ({ norm, embed }) => (norm === 'rms' ? { kind: 'widenEmbed', to: embed + 3 } : null),
  context: ({ context }) => ({ kind: 'growContext', to: context + 2 }),
  rank: ({ blocks: [{ id, adapter }] }) => ({ kind: 'addAdapter', block: id, to: (adapter?.rank ?? 0) + 1 }),
}

const { abs, constant, input, less, select } = expression
// The gradient where something is old and has more of one than rounding leaves, else 0.
const settled = select(
  less(constant(0), input(1)),
  select(less(abs(input(0)), constant(1e-13)), constant(0), input(0)),
  constant(0),
)

/** A model with an optimizer, and a mirror that is 0 in what growth has added. */
class Life {
  readonly model: Gpt
  readonly #optimizer: GradientTransform
  readonly #old = new TensorMirror('old', 'gradient')
  readonly #tokens: Tensor
  #step = 0

  constructor(config: GptConfig, seed: number, optimizer: GradientTransform) {
    this.model = modelOf(config, drawFrom(seed), device)
    this.#optimizer = optimizer
    this.#tokens = tokensFor(this.model, drawFrom(seed + 1))
    scope(() => {
      for (const { path, tensor } of this.model.parameters) this.#old.set(path, fill(device, tensor.shape, 1))
    })
  }

  /** Takes steps in which new numbers stay where they are. */
  learn(count: number): void {
    for (let i = 0; i < count; i++) {
      scope(() => {
        const { gradient } = lossAndGradients(this.model, this.#tokens)
        const parameters = this.model.parameters.tensors()
        const own = Object.entries(gradient).map(([path, g]): [string, Tensor] => [
          path,
          elementwise(settled, [g, this.#oldIn(path, g)]),
        ])
        const context = { parameters, step: this.#step++ }
        applyUpdates(parameters, this.#optimizer.transform(Object.fromEntries(own), context))
      })
    }
  }

  async grow(request: GrowthRequest): Promise<void> {
    const mirrors = [...this.#optimizer.mirrors, this.#old]
    await grow(this.model, request, { mirrors, probe: this.#tokens, key: [3, 4] })
  }

  /** The logits, and the numbers that are not new. */
  numbers(): { readonly logits: number[]; readonly old: number[] } {
    const weights: TensorsByPath = this.model.parameters.tensors()
    const old = Object.entries(weights).flatMap(([path, tensor]) => {
      const isOld = scope(() => [...this.#oldIn(path, tensor).readSync()])
      return [...tensor.readSync()].filter((_, i) => isOld[i] > 0)
    })
    return { logits: logitsOf(this.model, this.#tokens), old }
  }

  #oldIn(path: string, like: Tensor): Tensor {
    return this.#old.get(path) ?? fill(device, like.shape, 0)
  }

  dispose(): void {
    for (const mirror of [...this.#optimizer.mirrors, this.#old]) mirror.dispose?.()
    this.#tokens.dispose()
    this.model.dispose()
  }
}

/** How far growing first and growing last lead apart, after some steps before both; null where the request does not fit. */
async function distance(
  seed: number,
  make: (copyPacing: number) => GradientTransform,
  requestFor: (config: GptConfig) => GrowthRequest | null,
  copyPacing: number,
): Promise<number | null> {
  // With a small ε, norms of two or three channels are hardly more than signs, and a rounding error soon shows.
  const config = { ...drawConfig(drawFrom(seed)), epsilon: 1e-2 }
  const request = requestFor(config)
  if (request === null || !planGrowth(config, request, [3, 4]).isExact) return null
  const [first, last] = [0, 1].map(() => new Life(config, seed, make(copyPacing)))
  for (const life of [first, last]) life.learn(3)
  await first.grow(request)
  first.learn(steps)
  last.learn(steps)
  await last.grow(request)
  const [a, b] = [first.numbers(), last.numbers()]
  for (const life of [first, last]) life.dispose()
  expect(a.old.length).toBe(b.old.length)
  return Math.max(relativeDifference(a.logits, b.logits), relativeDifference(a.old, b.old))
}

const aSeed = fc.integer({ min: 1, max: 2 ** 31 })
const anOptimizer = fc.constantFrom(...Object.keys(optimizers))
const splits = ['split units', 'split channels of normalized heads']

async function commutes(seed: number, optimizer: string, kind: string): Promise<void> {
  const apart = await distance(seed, optimizers[optimizer], requests[kind], Infinity)
  fc.pre(apart !== null)
  expect(apart, `${kind} under ${optimizer}`).toBeLessThan(1e-12)
}

describe('growing and then learning is learning and then growing', () => {
  test('on every axis, under every optimizer that goes number by number', async () => {
    const kinds = fc.constantFrom(...Object.keys(requests))
    await fc.assert(fc.asyncProperty(aSeed, anOptimizer, kinds, commutes), { numRuns: times(6, 100) })
  })
  test.each(Object.keys(optimizers))('where slices share what one did, under %s', async (optimizer) => {
    const kinds = fc.constantFrom(...splits)
    await fc.assert(
      fc.asyncProperty(aSeed, kinds, (seed, kind) => commutes(seed, optimizer, kind)),
      { numRuns: times(2, 20) },
    )
  })
  test('but not where each of two copies takes the whole step', async () => {
    await fc.assert(
      fc.asyncProperty(aSeed, anOptimizer, async (seed, optimizer) => {
        const apart = await distance(seed, optimizers[optimizer], requests['split units'], 0)
        expect(apart, optimizer).toBeGreaterThan(1e-5)
      }),
      { numRuns: times(3, 50) },
    )
  })
})
