import { matmul, sum, type Tensor } from '@burgeon/tensor'
import { sumIfBroadcast } from './movement.ts'
import { type GradientRule, inputsOnly, withReads } from './gradient-rule.ts'

/** C = A·B: dA = dC·Bᵀ and dB = Aᵀ·dC. A transposed operand gets the transpose, a broadcast batch its sum. */
export const matmulRule: GradientRule<'matmul'> = withReads(inputsOnly, (call) => {
  const {
    inputs: [a, b],
    attrs,
    cotangents,
    needed,
  } = call
  const dc = cotangents[0] as Tensor
  const { transposeA, transposeB } = attrs
  const da = (): Tensor =>
    transposeA
      ? matmul(b, dc, { transposeA: transposeB, transposeB: true })
      : matmul(dc, b, { transposeB: !transposeB })
  const db = (): Tensor =>
    transposeB
      ? matmul(dc, a, { transposeA: true, transposeB: transposeA })
      : matmul(a, dc, { transposeA: !transposeA })
  return [
    needed[0] ? sumIfBroadcast(da(), a.shape) : undefined,
    needed[1] ? sumIfBroadcast(db(), b.shape) : undefined,
  ]
})

/** y = x·W + b: dx = dy·Wᵀ, dW = xᵀ·dy, db = column sums of dy. */
export const linearRule: GradientRule<'linear'> = withReads(inputsOnly, (call) => {
  const {
    inputs: [x, w],
    cotangents,
    needed,
  } = call
  const dy = cotangents[0] as Tensor
  return [
    needed[0] ? matmul(dy, w, { transposeB: true }) : undefined,
    needed[1] ? matmul(x, dy, { transposeA: true }) : undefined,
    needed[2] ? sum(dy, { axes: [0] }) : undefined,
  ]
})
