import { type globalNorm, NonFiniteError, normScale, runOp, scope, type TensorsByPath } from '@burgeon/tensor'
import { hasNonFinite } from './non-finite.ts'

/** `normScale` times the norm of all tensors, which is finite for all finite numbers. There must be one. */
export const scaledNormOf = (tensors: TensorsByPath): ReturnType<typeof globalNorm> =>
  runOp('globalNorm', Object.values(tensors), {})[1]

/**
 * Throws a NonFiniteError that names the path unless all numbers are below `largest` in size. One reduction
 * where they are; only on devices that can be read at once.
 *
 * @param largest Infinity unless given.
 */
export function requireFinite(
  who: string,
  what: string,
  tensors: TensorsByPath,
  largest: number = Infinity,
): void {
  const [first] = Object.values(tensors)
  if (!first?.device.readsAtOnce) return
  scope(() => {
    // The norm is no smaller than any of the numbers.
    if (scaledNormOf(tensors).item() < largest * normScale) return
    for (const [path, tensor] of Object.entries(tensors)) {
      if (hasNonFinite(tensor, largest).item() === 0) continue
      const sizes = [...tensor.readSync()]
      const at = sizes.findIndex((x) => !(Math.abs(x) < largest))
      const expected =
        largest === Infinity ? 'finite numbers' : `numbers below ${largest.toPrecision(3)} in size`
      throw new NonFiniteError(
        `${who}: the ${what} of ${path} has ${sizes[at]} at place ${at} of ${sizes.length}; expected ${expected}. ` +
          'Nothing was changed. Is the learning rate too high, or should gradients be clipped?',
      )
    }
  })
}
