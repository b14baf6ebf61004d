import { broadcastStrides, sizeOf } from '../../shape.ts'

/** Where each matrix of a broadcast batch starts, in elements. */
export function batchOffsets(own: readonly number[], batch: readonly number[], matrix: number): number[] {
  const strides = broadcastStrides(own, batch)
  return Array.from({ length: sizeOf(batch) }, (_, z) => {
    let rest = z
    let at = 0
    for (let d = batch.length - 1; d >= 0; d--) {
      at += (rest % batch[d]) * strides[d]
      rest = Math.floor(rest / batch[d])
    }
    return at * matrix
  })
}
