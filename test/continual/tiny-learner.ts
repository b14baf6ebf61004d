/** A model small enough for the reference backend, rows to learn, and the loss worked out by hand. */
import { valueAndGrad } from '@burgeon/autograd'
import { type GradientTransform, sgd } from '@burgeon/autograd/optim'
import type { TokenBatch } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import {
  crossEntropy,
  type Device,
  divide,
  multiply,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'

const sizes = { vocabulary: 12, context: 4, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }
const rate = 0.1

export const tinyModel = (device: Device = openReference()): Gpt => Gpt.create(sizes, { device, seed: 3 })
export const plainSgd = (): GradientTransform => sgd(rate)

/** Rows of five tokens: four to read, four to predict. */
export function rowsOf(...rows: readonly (readonly number[])[]): TokenBatch {
  return {
    rows: rows.length,
    length: 4,
    tokens: Int32Array.from(rows.flat()),
    domains: rows.map(() => 'text'),
  }
}

/** Row number `i` of a made-up text: no two are alike. */
export const row = (i: number): number[] => [
  i % 12,
  (i * 5 + 1) % 12,
  (i * 7 + 2) % 12,
  (i + 3) % 12,
  11 - (i % 12),
]

/** Mean loss of some rows in nats per token, from the definition. */
export function lossOf(model: Gpt, rows: readonly (readonly number[])[]): (w: TensorsByPath) => Tensor {
  const { device } = model
  const tokens = Int32Array.from(rows.flatMap((own) => own.slice(0, 4)))
  const targets = Int32Array.from(rows.flatMap((own) => own.slice(1)))
  return (w) => {
    const logits = model.forward(device.tensor(tokens, { shape: [rows.length, 4], dtype: 'i32' }), w)
    const losses = crossEntropy(logits, device.tensor(targets, { shape: [targets.length], dtype: 'i32' }))
    return divide(sum(losses), targets.length)
  }
}

export type Numbers = Readonly<Record<string, readonly number[]>>

export const numbersOf = (tensors: TensorsByPath): Numbers =>
  Object.fromEntries(Object.entries(tensors).map(([path, tensor]) => [path, [...tensor.readSync()]]))

/** The weights after one step of plain gradient descent on an objective, worked out beside the learner. */
export function descended(model: Gpt, objective: (w: TensorsByPath) => Tensor): Numbers {
  const weights = model.parameters.tensors()
  const { gradient } = valueAndGrad((w: TensorsByPath) => objective(w))(weights)
  return Object.fromEntries(
    Object.entries(numbersOf(weights)).map(([path, w]) => {
      const g = multiply(gradient[path], rate).readSync()
      return [path, w.map((value, i) => value - g[i])]
    }),
  )
}

/** Largest difference between two sets of numbers. */
export function farthest(a: Numbers, b: Numbers): number {
  return Math.max(
    ...Object.keys(b).map((path) => Math.max(...b[path].map((x, i) => Math.abs(x - a[path][i])))),
  )
}
