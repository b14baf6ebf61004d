/**
 * Root-mean-square normalization over the last axis (Zhang & Sennrich 2019, eq. 4): y = gain · x/√(mean(x²) +
 * ε).
 */
import * as checks from '../../checks/checks.ts'
import { checkArgument } from '../../checks/check-options.ts'
import { checkTensor } from '../../checks/check-tensor.ts'
import { runOp } from '../../engine.ts'
import * as e from '../../expression/expression.ts'
import { defineOp, f32 } from '../../op.ts'
import { sizeOf } from '../../shape.ts'
import type { Tensor } from '../../tensor.ts'
import { divide, multiply, square, subtract } from '../elementwise/arithmetic.ts'
import { elementwise } from '../elementwise/elementwise.ts'
import type { NormAttrs } from '../layer-norm/layer-norm.ts'
import { checkGradInputs, checkRowVectors, columnSum } from '../layer-norm/row-vectors.ts'
import { mean, sum } from '../reduce/reduce.ts'

export interface RmsNormAttrs extends NormAttrs, RmsWidth {}

/** The number that sums over a row are divided by. */
export interface RmsWidth {
  /** Positive; the length of a row unless given. */
  readonly width?: number
}

const lastAxis = { axes: [-1], keepDims: true }
const rsqrt = e.divide(e.constant(1), e.sqrt(e.add(e.input(0), e.scalar(0))))

/** The sum over the last axis as a share of the width. */
const meanBy = (x: Tensor, width: number | undefined): Tensor =>
  width === undefined ? mean(x, lastAxis) : divide(sum(x, lastAxis), width)

export const rmsNormOp = defineOp<RmsNormAttrs>()({
  name: 'rmsNorm',
  takes: { x: 'f32', gain: 'f32' },
  // x[…, C], gain[C] → y[…, C], rrms[…, 1]
  infer([x, gain]) {
    checkRowVectors('rmsNorm', x, { gain })
    return [f32(x.shape), f32([...x.shape.slice(0, -1), 1])]
  },
  flops: ([x]) => 4 * sizeOf(x.shape),
  definition([x, gain], { epsilon, width }) {
    const rrms = elementwise(rsqrt, [meanBy(square(x), width)], [epsilon])
    return [multiply(multiply(x, rrms), gain), rrms]
  },
})

/** The gradient of rmsNorm, from the cotangent dy and the results that the forward pass kept. */
export const rmsNormGradOp = defineOp<RmsWidth>()({
  name: 'rmsNormGrad',
  takes: { dy: 'f32', x: 'f32', gain: 'f32', rrms: 'f32' },
  // dy[…, C], x[…, C], gain[C], rrms[…, 1] → dx[…, C], dgain[C]
  infer([dy, x, gain, rrms]) {
    checkRowVectors('rmsNormGrad', x, { gain })
    checkGradInputs('rmsNormGrad', x, dy, { rrms })
    return [f32(dy.shape), f32(gain.shape)]
  },
  flops: ([, x]) => 10 * sizeOf(x.shape),
  definition([dy, x, gain, rrms], { width }) {
    // x̂ = x·rrms;  dx = rrms·(dŷ − x̂·mean(dŷ·x̂)) with dŷ = dy·gain
    const normal = multiply(x, rrms)
    const dnormal = multiply(dy, gain)
    const along = multiply(normal, meanBy(multiply(dnormal, normal), width))
    return [multiply(subtract(dnormal, along), rrms), columnSum(multiply(dy, normal))]
  },
})

/**
 * Normalizes by the root mean square over the last axis.
 *
 * @param x `[…, C]`.
 * @param gain `[C]`.
 * @param epsilon Added to the mean square. Default 1e-5.
 * @param width Number that the sum of squares is divided by; positive. Default: C. A norm that was made for
 *   another width does with it what it did there, whatever zeros have come to x since.
 */
export function rmsNorm(x: Tensor, gain: Tensor, epsilon = 1e-5, width?: number): Tensor {
  checkTensor('rmsNorm', 'x', x)
  checkTensor('rmsNorm', 'gain', gain)
  checkArgument('rmsNorm', 'epsilon', epsilon, checks.number({ from: 0 }))
  if (width !== undefined) checkArgument('rmsNorm', 'width', width, checks.number({ above: 0 }))
  return runOp('rmsNorm', [x, gain], { epsilon, ...(width !== undefined && { width }) })[0]
}
