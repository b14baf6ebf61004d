/** A linear map of a block, with the low-rank adapters beside it where there are any. */
import {
  add,
  linear,
  matmul,
  multiply,
  packedMatmul,
  reshape,
  type Shape,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { AdaptedRows } from '../../adapters/applied-adapter.ts'
import type { BlockConfig } from '../../config/gpt-config.ts'

/**
 * y = x·W + b, or x·W where there is no bias, and with an adapter + scale·(x·A)·B (Hu et al. 2022, section
 * 4.1). The narrow product in the middle is scaled: it has the fewest numbers.
 *
 * @param x `[N, K]`; weights of more dimensions are read as `[K, M]`, packed ones are rows `[M, K]`.
 * @param adapted What adapters beside the model add to each row.
 * @returns `[N, M]`.
 */
export function linearMap(
  w: TensorsByPath,
  block: BlockConfig,
  at: string,
  x: Tensor,
  M: number,
  adapted?: AdaptedRows,
): Tensor {
  const y = ownMap(w, block, at, x, M)
  return adapted ? adapted.add(at, x, y) : y
}

function ownMap(
  w: TensorsByPath,
  { adapter, packed }: BlockConfig,
  at: string,
  x: Tensor,
  M: number,
): Tensor {
  const [weight, bias] = [w[`${at}.weight`], w[`${at}.bias`]]
  const K = x.shape[1]
  const product = (): Tensor => {
    if (packed) return withBias(packedMatmul(x, weight, packed), bias, M)
    const matrix = asShape(weight, [K, M])
    return bias ? linear(x, matrix, asShape(bias, [M])) : matmul(x, matrix)
  }
  const y = product()
  if (adapter === undefined) return y
  const { rank, scale } = adapter
  const narrow = matmul(x, asShape(w[`${at}.adapter.a.weight`], [K, rank])) // [N, rank]
  const scaled = scale === 1 ? narrow : multiply(narrow, scale)
  return add(y, matmul(scaled, asShape(w[`${at}.adapter.b.weight`], [rank, M])))
}

const withBias = (y: Tensor, bias: Tensor | undefined, M: number): Tensor =>
  bias ? add(y, asShape(bias, [M])) : y

const asShape = (x: Tensor, shape: Shape): Tensor => (x.shape.length === shape.length ? x : reshape(x, shape))
