import { grad } from '@burgeon/autograd'
import { type TokenBatch, fisherInformation, padding } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import {
  add,
  argmax,
  crossEntropy,
  divide,
  log,
  multiply,
  negate,
  randomUniform,
  type RandomStream,
  scope,
  slice,
  square,
  sum,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { largestDifference } from '@burgeon/tensor/testing'
import { expect, test } from 'vitest'
import { drawConfig, drawFrom, modelOf } from '../growth/tiny-model.ts'

const device = openReference()
const keyOf = (row: number): readonly [number, number] => [7, row]

/** Rows of random length, padded at the end, as a short text is. */
function drawSample(
  random: RandomStream,
  { config: { vocabulary, context } }: Gpt,
  rows: number,
): TokenBatch {
  const width = context + 1
  const tokens = new Int32Array(rows * width).fill(padding)
  for (let row = 0; row < rows; row++) {
    const length = 2 + random.below(context)
    for (let t = 0; t < length; t++) tokens[row * width + t] = random.below(vocabulary)
  }
  return { rows, length: context, tokens, domains: new Array<string>(rows).fill('noise') }
}

/** The gradient of one sequence, of its own length, squared and divided by the number of its predictions. */
function scoreSquares(model: Gpt, sample: TokenBatch, row: number): TensorsByPath {
  const { length, tokens } = sample
  const own = tokens.slice(row * (length + 1), (row + 1) * (length + 1)).filter((token) => token >= 0)
  const count = own.length - 1
  const ids = device.tensor(own.subarray(0, count), { shape: [1, count], dtype: 'i32' })
  const uniform = slice(randomUniform(device, keyOf(row), [length, model.config.vocabulary]), [0], [count])
  const gumbel = negate(log(negate(log(uniform))))
  const gradients = grad((w: TensorsByPath) => {
    const logits = model.forward(ids, w)
    return sum(crossEntropy(logits, argmax(add(logits, gumbel))))
  })(model.parameters.tensors())
  return Object.fromEntries(
    Object.entries(gradients).map(([path, gradient]) => [path, divide(square(gradient), count)]),
  )
}

test.each([1, 2, 3, 4])(
  'the Fisher information is the mean over sequences of squared scores per token (seed %d)',
  (seed) => {
    scope(() => {
      const random = drawFrom(seed)
      const model = modelOf(drawConfig(random), random, device)
      const rows = 1 + random.below(5)
      const sample = drawSample(random, model, rows)
      let next = 0
      const got = fisherInformation(model, sample, () => keyOf(next++))
      const each = Array.from({ length: rows }, (_, row) => scoreSquares(model, sample, row))
      for (const path of Object.keys(got)) {
        const mean = multiply(
          each.map((squares) => squares[path]).reduce((a, b) => add(a, b)),
          1 / rows,
        )
        expect(largestDifference(got[path].readSync(), mean.readSync()), path).toBeLessThan(1e-10)
      }
      expect(next).toBe(rows)
      model.dispose()
    })
  },
)
