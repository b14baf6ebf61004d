/** No step spoils what is known along what growth has added, on every axis. */
import { grad } from '@burgeon/autograd'
import {
  aGem,
  gem,
  orthogonalGradientDescent,
  passOf,
  type Projection,
  reservoirReplay,
  type TokenBatch,
} from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import {
  multiply,
  oneHot,
  scope,
  sum,
  type Tensor,
  type TensorMirror,
  type TensorsByPath,
} from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addingRequests, drawn, numbersIn, sampleFor } from '../growth/adding-requests.ts'
import { drawFrom, tokensFor } from '../growth/tiny-model.ts'
import { times } from '../how-long.ts'
import { dot, norm } from './vectors.ts'

const aSeed = fc.integer({ min: 1, max: 2 ** 31 })

/** The gradient of a function of a model's weights, path by path. */
function gradientOf(model: Gpt, of: (weights: TensorsByPath) => Tensor): number[] {
  return scope(() => flat(grad(of)(model.parameters.tensors())))
}
const flat = (tensors: TensorsByPath): number[] =>
  Object.keys(tensors)
    .toSorted()
    .flatMap((path) => [...tensors[path].readSync()])
const lossOn =
  (model: Gpt, rows: TokenBatch) =>
  (weights: TensorsByPath): Tensor =>
    sum(passOf(model, rows, weights).losses)
const outputsFor =
  (model: Gpt, rows: TokenBatch) =>
  (weights: TensorsByPath): Tensor => {
    const pass = passOf(model, rows, weights)
    return sum(multiply(pass.logits(), oneHot(pass.tensors.targets, model.config.vocabulary)))
  }

/** The gradient of the loss of some rows, and what a projection lets pass of it. */
function stepOf(
  projection: Projection,
  model: Gpt,
  rows: TokenBatch,
  sign = 1,
): { wanted: number[]; taken: number[] } {
  return scope(() => {
    const parameters = model.parameters.tensors()
    const gradientOn = (own: object): TensorsByPath => grad(lossOn(model, own as TokenBatch))(parameters)
    const gradients = grad((w: TensorsByPath) => multiply(lossOn(model, rows)(w), sign))(parameters)
    const taken = flat(projection.transform(gradients, { parameters, step: 0, gradientOn }))
    return { wanted: flat(gradients), taken }
  })
}

/** Whether each number is new, in the same order. */
const areNew = (model: Gpt, old: TensorMirror): boolean[] =>
  [...model.parameters]
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .flatMap(({ path, tensor }) => Array.from(numbersIn(old, path, tensor.size), (x) => x === 0))

describe.each(Object.entries(addingRequests))('after growth of %s', (_, requestFor) => {
  const grown = async (
    seed: number,
    projection: Projection,
    prepare: (model: Gpt, sample: TokenBatch) => void,
  ): Promise<{ model: Gpt; sample: TokenBatch; isNew: boolean[]; others: TokenBatch }> => {
    const { model, old, sample } = drawn(seed)
    const others = sampleFor(model, seed + 7)
    const request = requestFor(model.config)
    fc.pre(request !== null)
    prepare(model, sample)
    using probe = tokensFor(model, drawFrom(seed))
    await grow(model, request, { mirrors: [...projection.mirrors, old], probe, key: [1, 2] })
    return { model, sample, isNew: areNew(model, old), others }
  }

  test.each(['aGem', 'gem'])(
    'no step of %s raises what rows cost, along new weights either',
    async (method) => {
      await fc.assert(
        fc.asyncProperty(aSeed, async (seed) => {
          const sampled = { current: null as TokenBatch | null }
          const memory = { ...reservoirReplay({ capacity: 3 }), sample: () => sampled.current }
          const projection = method === 'gem' ? gem({ memory, rows: 3 }) : aGem({ memory, rows: 3 })
          const { model, sample, isNew, others } = await grown(seed, projection, (__, own) => {
            sampled.current = { ...own, domains: own.domains.map(() => 'one') }
          })
          const reference = gradientOf(model, lossOn(model, sample))
          expect(norm(reference.filter((_, i) => isNew[i]))).toBeGreaterThan(0)
          const { wanted, taken } = stepOf(projection, model, others)
          expect(dot(taken, reference)).toBeGreaterThan(-1e-9 * norm(wanted) * norm(reference))
          // A step that undoes what was learnt of them does nothing else.
          const against = stepOf(projection, model, sample, -1).taken
          expect(norm(against)).toBeLessThan(1e-6 * norm(reference))
        }),
        { numRuns: times(1, 12) },
      )
    },
  )

  test('no step of orthogonal gradient descent changes outputs along new weights, if they are measured', async () => {
    await fc.assert(
      fc.asyncProperty(aSeed, async (seed) => {
        for (const fresh of ['measured', 'plastic'] as const) {
          const projection = orthogonalGradientDescent({ capacity: 8, rows: 3, fresh })
          const { model, sample, isNew, others } = await grown(seed, projection, (own, rows) =>
            projection.consolidate?.(own, rows),
          )
          projection.afterGrowth?.(model, sample)
          const { taken } = stepOf(projection, model, others)
          const share = Math.max(
            ...[0, 1, 2].map((i) => {
              const { length, tokens } = sample
              const one = { ...sample, rows: 1, domains: ['a'] }
              const from = i * (length + 1)
              const only = { ...one, tokens: tokens.slice(from, from + length + 1) }
              const outputs = gradientOf(model, outputsFor(model, only)).map((x, at) => (isNew[at] ? x : 0))
              return Math.abs(dot(taken, outputs)) / (norm(taken) * norm(outputs))
            }),
          )
          if (fresh === 'measured') expect(share).toBeLessThan(1e-9)
          else expect(share).toBeGreaterThan(1e-9)
        }
      }),
      { numRuns: times(1, 12) },
    )
  })
})
