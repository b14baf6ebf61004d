/**
 * The reference backend: plain loops over plain arrays, in double precision. Slow and right; the oracle of
 * every test.
 */
import type { Backend, Kernel, Operand } from '../../device.ts'
import type { DType, NumericArray } from '../../dtype.ts'
import type { OpName } from '../../op-table.ts'
import { sizeOf, type TensorSpec } from '../../shape.ts'

/** A plain array. `f32` is kept in double precision, so that finite differences are meaningful. */
export type ReferenceBuffer = Float64Array | Int32Array

export type ReferenceKernel<K extends OpName> = Kernel<K, ReferenceBackend>
export type ReferenceOperand = Operand<ReferenceBuffer>

export class ReferenceBackend implements Backend<ReferenceBuffer> {
  readonly name = 'reference'

  allocate(spec: TensorSpec): ReferenceBuffer {
    const size = sizeOf(spec.shape)
    return spec.dtype === 'f32' ? new Float64Array(size) : new Int32Array(size)
  }

  /** Garbage collection frees them: these are ordinary arrays. */
  free(): void {}

  write(buffer: ReferenceBuffer, data: ArrayLike<number>, _dtype: DType): void {
    buffer.set(data)
  }

  read(buffer: ReferenceBuffer, spec: TensorSpec): Promise<NumericArray> {
    return Promise.resolve(this.readSync(buffer, spec))
  }

  readSync(buffer: ReferenceBuffer, { shape }: TensorSpec, first = 0): NumericArray {
    return buffer.slice(first, first + sizeOf(shape))
  }
}
