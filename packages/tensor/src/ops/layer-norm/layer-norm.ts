/**
 * Layer normalization over the last axis (Ba, Kiros & Hinton 2016, eq. 4): y = gain · (x − μ)/√(σ² + ε) +
 * bias.
 */
import * as checks from '../../checks/checks.ts'
import { checkArgument } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import * as e from '../../expression/expression.ts'
import { defineOp, f32 } from '../../op.ts'
import { sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { add, multiply, square, subtract } from '../elementwise/arithmetic.ts'
import { elementwise } from '../elementwise/elementwise.ts'
import { mean } from '../reduce/reduce.ts'
import { checkGradInputs, checkRowVectors, columnSum } from './row-vectors.ts'

export interface NormAttrs {
  /** Added to the variance (or mean square); positive. */
  readonly epsilon: number
}

const lastAxis = { axes: [-1], keepDims: true }
const rsqrt = e.divide(e.constant(1), e.sqrt(e.add(e.input(0), e.scalar(0))))

export const layerNormOp = defineOp<NormAttrs>()({
  name: 'layerNorm',
  takes: { x: 'f32', gain: 'f32', bias: 'f32' },
  // x[…, C], gain[C], bias[C] → y[…, C], mean[…, 1], rstd[…, 1]
  infer([x, gain, bias]) {
    checkRowVectors('layerNorm', x, { gain, bias })
    const perRow = f32([...x.shape.slice(0, -1), 1])
    return [f32(x.shape), perRow, perRow]
  },
  flops: ([x]) => 8 * sizeOf(x.shape),
  definition([x, gain, bias], { epsilon }) {
    const mu = mean(x, lastAxis)
    const centered = subtract(x, mu)
    const rstd = elementwise(rsqrt, [mean(square(centered), lastAxis)], [epsilon])
    return [add(multiply(multiply(centered, rstd), gain), bias), mu, rstd]
  },
})

/** The gradient of layerNorm, from the cotangent dy and the results that the forward pass kept. */
export const layerNormGradOp = defineOp<object>()({
  name: 'layerNormGrad',
  takes: { dy: 'f32', x: 'f32', gain: 'f32', mean: 'f32', rstd: 'f32' },
  // dy[…, C], x[…, C], gain[C], mean[…, 1], rstd[…, 1] → dx[…, C], dgain[C], dbias[C]
  infer([dy, x, gain, mu, rstd]) {
    checkRowVectors('layerNormGrad', x, { gain })
    checkGradInputs('layerNormGrad', x, dy, { mean: mu, rstd })
    return [f32(dy.shape), f32(gain.shape), f32(gain.shape)]
  },
  flops: ([, x]) => 14 * sizeOf(x.shape),
  definition([dy, x, gain, mu, rstd]) {
    // x̂ = (x − μ)·rstd;  dx = rstd·(dŷ − mean(dŷ) − x̂·mean(dŷ·x̂)) with dŷ = dy·gain
    const normal = multiply(subtract(x, mu), rstd)
    const dnormal = multiply(dy, gain)
    const along = multiply(normal, mean(multiply(dnormal, normal), lastAxis))
    const dx = multiply(subtract(subtract(dnormal, mean(dnormal, lastAxis)), along), rstd)
    return [dx, columnSum(multiply(dy, normal)), columnSum(dy)]
  },
})

/**
 * Normalizes over the last axis.
 *
 * @param x `[…, C]`.
 * @param gain `[C]`.
 * @param bias `[C]`.
 * @param epsilon Added to the variance. Default 1e-5.
 */
export function layerNorm(x: Tensor, gain: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  checkTensor('layerNorm', 'x', x)
  checkTensor('layerNorm', 'gain', gain)
  checkTensor('layerNorm', 'bias', bias)
  checkArgument('layerNorm', 'epsilon', epsilon, checks.number({ from: 0 }))
  return runOp('layerNorm', [x, gain, bias], { epsilon })[0]
}
