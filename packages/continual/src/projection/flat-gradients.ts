/**
 * Gradients of many parameters as one vector, so that a projection is a product or two and not one per path.
 */
import { concatenate, reshape, split, type Tensor, type TensorsByPath } from '@burgeon/tensor'

/** The numbers of some tensors, `f32 [1, N]`, path by path. */
export const flatRow = (tensors: TensorsByPath, paths: readonly string[]): Tensor =>
  concatenate(
    paths.map((path) => reshape(tensors[path], [1, tensors[path].size])),
    1,
  )

/** Tensors of the shapes of `like` from their numbers, `f32 [1, N]`, in the order of `paths`. */
export function fromFlatRow(
  row: Tensor,
  paths: readonly string[],
  like: TensorsByPath,
): Record<string, Tensor> {
  const parts = split(
    row,
    paths.map((path) => like[path].size),
    1,
  )
  return Object.fromEntries(paths.map((path, i) => [path, reshape(parts[i], like[path].shape)]))
}
