/** Functions along other axes than the first keep examples apart, so that their gradients can be squared one by one. */
import { grad, sumOfSquaredGradients } from '@burgeon/autograd'
import * as t from '@burgeon/tensor'
import { multiply, scope, square, sum, type Tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { largestDifference } from '@burgeon/tensor/testing'
import { expect, test } from 'vitest'

const device = openReference()
const perRow = (x: Tensor): Tensor => sum(x, { axes: [1] })

/** A loss for every row of what a layer returns, `[B, 4]`. */
const losses: Readonly<Record<string, (h: Tensor) => Tensor>> = {
  softmax: (h) => perRow(square(t.softmax(h))),
  logSoftmax: (h) => perRow(square(t.logSoftmax(h))),
  logsumexp: (h) => t.logsumexp(h, { axes: [1] }),
  variance: (h) => t.variance(h, { axes: [1] }),
  std: (h) => t.std(h, { axes: [1] }),
  pow: (h) => perRow(t.pow(t.abs(h), 1.5)),
  clip: (h) => perRow(t.clip(h, { min: -0.5, max: 0.5 })),
  huber: (h) => perRow(t.huber(h, t.onesLike(h), { reduction: 'none' })),
  binaryCrossEntropy: (h) => perRow(t.binaryCrossEntropy(h, t.zerosLike(h), { reduction: 'none' })),
  einsum: (h) => t.einsum('bi,bi->b', h, h),
  stack: (h) => sum(square(t.stack([h, square(h)], 1)), { axes: [1, 2] }),
  split: (h) => perRow(multiply(...(t.split(h, 2, 1) as [Tensor, Tensor]))),
  tile: (h) => perRow(square(t.tile(h, [1, 2]))),
  repeat: (h) => perRow(square(t.repeat(h, 2, 1))),
  'squeeze and expandDims': (h) => perRow(square(t.squeeze(t.expandDims(h, 1), [1]))),
}

test.each(Object.entries(losses))('%s: squares are those of each example by itself', (_, losses_) => {
  scope(() => {
    const x = t.tensorFrom([3, 2], (i) => Math.sin(i + 1), device)
    const weight = t.tensorFrom([2, 4], (i) => Math.cos(2 * i), device)
    const lossOf = (rows: Tensor, w: Tensor): Tensor => sum(losses_(t.matmul(rows, w)))
    const { squares } = sumOfSquaredGradients((w: Tensor) => lossOf(x, w), { examples: 3 })(weight)
    const expected = t
      .split(x, 3)
      .map((row) => square(grad((w: Tensor) => lossOf(row, w))(weight)))
      .reduce((a, b) => t.add(a, b))
    expect(largestDifference(squares.readSync(), expected.readSync())).toBeLessThan(1e-12)
  })
})
