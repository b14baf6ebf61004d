/**
 * Per-example rules for products: each example's gradient of a shared factor is the product of that example's
 * rows alone.
 */
import { concatenate, matmul, reshape, runOp, slice, sum, type Tensor } from '@burgeon/tensor'
import { sumToKeepingFirst } from './broadcast-gradients.ts'
import type { ExampleGradients, Holds } from './example-rules.ts'

/**
 * In a plain product the rows are those of a; in a batched one the outermost batch axis holds the examples.
 */
export const holdsMatmul: Holds<'matmul'> = ({ inputs: [a, b], output, attrs }) => {
  const { length: rank } = output.shape
  if (rank > 2) return [a, b].map((x) => x.shape.length === rank && x.shape[0] === output.shape[0])
  return attrs.transposeA ? 'It reads the examples from the second axis of a.' : [true, false]
}

export const matmulGradients: ExampleGradients<'matmul'> = (
  { inputs, attrs: { transposeA, transposeB }, dy },
  index,
) => {
  const [a, b] = inputs
  const da = (): Tensor =>
    transposeA
      ? matmul(b, dy, { transposeA: transposeB, transposeB: true })
      : matmul(dy, b, { transposeB: !transposeB })
  const db = (): Tensor =>
    transposeB
      ? matmul(dy, a, { transposeA: true, transposeB: transposeA })
      : matmul(a, dy, { transposeA: !transposeA })
  return sumToKeepingFirst(index === 0 ? da() : db(), inputs[index].shape)
}

/** dWₙ = xₙᵀ·dyₙ, and dbₙ the column sums of dyₙ. */
export const linearGradients: ExampleGradients<'linear'> = ({ inputs: [x], dy }, index) =>
  index === 1 ? matmul(x, dy, { transposeA: true }) : sum(dy, { axes: [1] })

/** Takes one example after the other: where this op is used, the logits of several at once would not fit. */
export const linearCrossEntropyGradients: ExampleGradients<'linearCrossEntropy'> = ({
  inputs: [x, w, targets],
  outputs: [, logSumExp],
  count,
  dy,
}) => {
  const gradients = Array.from({ length: count }, (_, n) => {
    const own = (tensor: Tensor): Tensor => reshape(slice(tensor, [n], [n + 1]), tensor.shape.slice(1))
    const [, dw] = runOp('linearCrossEntropyGrad', [own(dy), own(x), w, own(targets), own(logSumExp)], {})
    return reshape(dw, [1, ...w.shape])
  })
  return concatenate(gradients, 0)
}
