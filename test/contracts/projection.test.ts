/** Projections are gradient transforms, and keep the contract of these while they change gradients. */
import { checkGradientTransform } from '@burgeon/autograd/testing'
import {
  aGem,
  gem,
  type Model,
  orthogonalGradientDescent,
  type Projection,
  reservoirReplay,
} from '@burgeon/continual'
import {
  add,
  type Device,
  matmul,
  ParameterStore,
  scope,
  type TensorMirror,
  tensorFrom,
} from '@burgeon/tensor'
import { expect, test } from 'vitest'
import { row, rowsOf } from '../continual/tiny-learner.ts'
import { stepOf } from '../continual/step-of.ts'

/** A memory that has seen rows of two domains. */
function filled(): ReturnType<typeof reservoirReplay> {
  const memory = reservoirReplay({ capacity: 4, seed: 1 })
  memory.remember(stepOf({ ...rowsOf(row(1), row(2)), domains: ['one', 'two'] }))
  return memory
}

/** A model of the parameters that the suite tries transforms on. */
function linear(device: Device): Model {
  const parameters = new ParameterStore()
  scope(() => {
    parameters.add(
      'w',
      ['embed', 'embed'],
      tensorFrom([3, 4], (i) => Math.sin(i), device),
    )
    parameters.add(
      'b',
      ['embed'],
      tensorFrom([4], (i) => Math.cos(i), device),
    )
  })
  const forward: Model['forward'] = (x, w = parameters.tensors()) => add(matmul(x, w['w']), w['b'])
  return { device, parameters, forward, toState: () => null }
}

/** Consolidated when it sees the first gradient, on the device of the suite. */
function consolidated(): Projection {
  const own = orthogonalGradientDescent({ capacity: 3, rows: 2 })
  const sample = {
    ...{ rows: 2, inputs: Float32Array.of(1, 0.5, -1, 0.2, 2, 0), targets: Float32Array.of(1, 3) },
    domains: ['one', 'one'],
  }
  const isNew = (): boolean => (own.mirrors[0] as TensorMirror).paths.length === 0
  return {
    ...own,
    transform(gradients, context) {
      const [first] = Object.values(gradients)
      if (first !== undefined && isNew()) own.consolidate?.(linear(first.device), sample)
      return own.transform(gradients, context)
    },
  }
}

test.each<[string, () => Projection]>([
  ['A-GEM', () => aGem({ memory: filled(), rows: 2 })],
  ['GEM', () => gem({ memory: filled(), rows: 2, margin: 0.1 })],
  ['orthogonal gradient descent', consolidated],
])('%s keeps every statement', async (_, make) => {
  const results = await checkGradientTransform(make)
  expect(results.filter(({ holds }) => !holds)).toEqual([])
  expect(results.length).toBeGreaterThanOrEqual(9)
})
