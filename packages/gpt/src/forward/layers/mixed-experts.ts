/** Several experts in the place of one MLP. */
import {
  divide,
  elementwise,
  exp,
  expression,
  linear,
  max,
  multiply,
  slice,
  subtract,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { BlockConfig } from '../../config/gpt-config.ts'

const { add, input, multiply: times } = expression
/** inputs: what is there so far, gate, expert */
const andOneMore = add(input(0), times(input(1), input(2)))

/**
 * Σ gateᵢ·expertᵢ(x), the gates a softmax with shares of the router's logits for each token (Jacobs et al.
 * 1991; Shazeer et al. 2017, eq. 1 and 2: each expert computes each token, none is left out).
 *
 * @param x What experts and router read, `[N, C]`.
 * @param outputs Of each expert, `[N, C]`.
 */
export function mixedExperts(
  w: TensorsByPath,
  { id, expertShares = [] }: BlockConfig,
  x: Tensor,
  outputs: readonly Tensor[],
): Tensor {
  const at = `blocks.${id}.mlp.router`
  const [N, E] = [x.shape[0], outputs.length]
  const logits = linear(x, w[`${at}.weight`], w[`${at}.bias`]) // [N, E]
  const powers = exp(subtract(logits, max(logits, { axes: [1], keepDims: true })))
  const areEqual = expertShares.every((share) => share === expertShares[0])
  const shares = areEqual
    ? powers
    : multiply(powers, x.device.tensor(expertShares, { shape: [E], dtype: 'f32' }, 'expert shares'))
  const gates = divide(shares, sum(shares, { axes: [1], keepDims: true })) // [N, E]
  const gate = (i: number): Tensor => slice(gates, [0, i], [N, i + 1]) // [N, 1]
  return outputs
    .slice(1)
    .reduce(
      (mixed, output, i) => elementwise(andOneMore, [mixed, gate(i + 1), output]),
      multiply(gate(0), outputs[0]),
    )
}
