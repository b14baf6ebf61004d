/** Norms of the residual stream, and of heads. */
import {
  add,
  divide,
  layerNorm,
  mean,
  multiply,
  rmsNorm,
  sqrt,
  square,
  subtract,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'

/** Added to the mean square or the variance in every norm, unless the configuration says otherwise. */
const usualEpsilon = 1e-5

/** The norm of the residual stream before a part of the model. */
export function normalize(config: GptConfig, w: TensorsByPath, at: string, x: Tensor): Tensor {
  const { embed, normWidth = embed } = config
  return normalizeBy(normWidth, config, w, at, x)
}

/**
 * A norm that divides by n, the width it was born with. With C the present one, √(n/C)·norm with ε·n/C does
 * so where it subtracts the mean, to rounding; without that the sum of squares is divided by n itself, and
 * channels of zeros leave every bit of the others.
 */
export function normalizeBy(n: number, config: GptConfig, w: TensorsByPath, at: string, x: Tensor): Tensor {
  const { norm, epsilon = usualEpsilon } = config
  const [gain, bias] = [w[`${at}.gain`], w[`${at}.bias`]]
  const share = n / gain.shape[0]
  if (norm !== 'layer' || bias === undefined) {
    return share === 1 ? rmsNorm(x, gain, epsilon) : rmsNorm(x, gain, epsilon, n)
  }
  const scaled = share === 1 ? gain : multiply(gain, Math.sqrt(share))
  return layerNorm(x, scaled, bias, epsilon * share)
}

/**
 * The share of a part of `x` in the norm of `x`, `[N, C]`: the same divisor, and no bias. So it is linear in
 * the part, and the shares of parts that sum to `x` sum to its norm less the bias.
 *
 * @param x `[N, C]`.
 * @param part `[N, C]`.
 */
export function shareInNorm(
  config: GptConfig,
  w: TensorsByPath,
  at: string,
  x: Tensor,
  part: Tensor,
): Tensor {
  const { norm, embed, normWidth = embed, epsilon = usualEpsilon } = config
  const [gain, bias] = [w[`${at}.gain`], w[`${at}.bias`]]
  const alongRow = { axes: [1], keepDims: true }
  if (norm !== 'layer' || bias === undefined) {
    const divisor = sqrt(add(divide(sum(square(x), alongRow), normWidth), epsilon))
    return multiply(divide(part, divisor), gain)
  }
  const share = normWidth / gain.shape[0]
  const centered = (y: Tensor): Tensor => subtract(y, mean(y, alongRow))
  const divisor = sqrt(add(mean(square(centered(x)), alongRow), epsilon * share))
  return multiply(divide(centered(part), divisor), share === 1 ? gain : multiply(gain, Math.sqrt(share)))
}
