/** How the parameters of a dense network begin. */
import type { RandomStream } from '@burgeon/tensor'
import type { DenseShape } from './dense-sizes.ts'

/** Distribution of new weights. */
export type DenseInitial = 'xavier' | 'he' | 'pytorch'

/** Draws all numbers of a parameter as a new network has them; null for biases that begin at 0. */
export function drawDense(
  initial: DenseInitial,
  { path, shape, fan: [from, to] }: DenseShape,
  stream: RandomStream,
): Float32Array | null {
  if (shape.length === 1 && initial !== 'pytorch') return null
  // Half the width of a uniform distribution of variance v is √(3·v).
  const bound = Math.sqrt(3 * { xavier: 2 / (from + to), he: 2 / from, pytorch: 1 / (3 * from) }[initial])
  const random = stream.named(path)
  const size = shape.reduce((product, n) => product * n, 1)
  return Float32Array.from({ length: size }, () => bound * (2 * random.uniform() - 1))
}
