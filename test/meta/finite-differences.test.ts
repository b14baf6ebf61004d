/** Meta-gradients of a model that is no quadratic, against central differences of the whole meta-objective in double precision. */
import { adapt, anil, fomaml, maml, metaSgd, type MetaTask } from '@burgeon/continual'
import {
  add,
  matmul,
  mean,
  scope,
  square,
  subtract,
  tanh,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { Draw } from '../gradients/draw.ts'
import { centralDifferences, furthest } from './central-differences.ts'

const draw = new Draw(5)
const weights = { 'in.w': draw.tensor([2, 4]), 'in.b': draw.tensor([4]), 'out.w': draw.tensor([4, 1]) }
const rates = Object.fromEntries(
  Object.entries(weights).map(([path, { shape }]) => [path, draw.uniform(shape, 0.05, 0.4)]),
)
const predict = (w: TensorsByPath, x: Tensor): Tensor =>
  matmul(tanh(add(matmul(x, w['in.w']), w['in.b'])), w['out.w'])
const errorOn = (rows: number): ((w: TensorsByPath) => Tensor) => {
  const [x, y] = [draw.tensor([rows, 2]), draw.tensor([rows, 1])]
  return (w) => mean(square(subtract(predict(w, x), y)))
}
const tasks: readonly MetaTask[] = [0, 1, 2].map(() => ({ support: errorOn(5), query: errorOn(6) }))

describe.each([1, 3])('after %d inner steps', (steps) => {
  test('MAML', () => {
    const options = { rate: 0.3, steps }
    const wanted = centralDifferences((w) => maml(tasks, w, options).value, weights)
    expect(furthest(maml(tasks, weights, options).gradient, wanted)).toBeLessThan(1e-8)
    // What is left out is not small: a test that FOMAML passed too would show nothing.
    expect(furthest(fomaml(tasks, weights, options).gradient, wanted)).toBeGreaterThan(1e-2)
  })

  test('ANIL', () => {
    const options = { rate: 0.3, steps, adapts: (path: string) => path.startsWith('out.') }
    const wanted = centralDifferences((w) => anil(tasks, w, options).value, weights)
    expect(furthest(anil(tasks, weights, options).gradient, wanted)).toBeLessThan(1e-8)
  })

  test('Meta-SGD, by the weights and by the rates', () => {
    const found = metaSgd(tasks, weights, rates, { steps })
    const byWeights = centralDifferences((w) => metaSgd(tasks, w, rates, { steps }).value, weights)
    const byRates = centralDifferences((r) => metaSgd(tasks, weights, r, { steps }).value, rates)
    expect(furthest(found.gradient, byWeights)).toBeLessThan(1e-8)
    expect(furthest(found.rates, byRates)).toBeLessThan(1e-8)
  })

  test('FOMAML is the gradient of the query loss where the inner steps lead', () => {
    const options = { rate: 0.3, steps }
    const [only] = tasks
    const adapted = scope(() => adapt(only.support, weights, 0.3, { steps }))
    const wanted = centralDifferences(only.query, adapted)
    expect(furthest(fomaml([only], weights, options).gradient, wanted)).toBeLessThan(1e-8)
  })
})
