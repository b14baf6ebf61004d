/** A device: the engine at the bottom, which runs ops with kernels of its backend. */
import { didYouMean } from './checks/did-you-mean.ts'
import { checkTensor } from './checks/check-tensor.ts'
import { checkArgument, shown } from './checks/check-options.ts'
import * as checks from './checks/checks.ts'
import { checkDType, checkNumbers, type DType, type NumericArray } from './dtype.ts'
import { type Engine, withoutEngines } from './engine.ts'
import { OptionError, ShapeError } from './errors.ts'
import type { OpDefinition } from './op.ts'
import { type AliasOpName, type Attrs, type FusedOpName, type OpName, opTable } from './op-table.ts'
import { adoptTensor, scope } from './scope.ts'
import { checkShape, formatShape, sizeOf, type TensorSpec } from './shape.ts'
import { type Storage, Tensor } from './tensor.ts'

/** The view that a kernel has of a tensor: its spec and the backend's own buffer. */
export interface Operand<Buffer> extends TensorSpec {
  readonly buffer: Buffer
}

// The buffer of any backend. A buffer is opaque to everyone but its own backend, so the table is generic in
// it and this alias erases it.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyBackend = Backend<any>

/** Computes the outputs (already allocated) of one op. Shapes have been checked. */
export type Kernel<K extends OpName, B extends AnyBackend> = (
  backend: B,
  inputs: readonly Operand<BufferOf<B>>[],
  outputs: readonly Operand<BufferOf<B>>[],
  attrs: Attrs<K>,
) => void

export type BufferOf<B> = B extends Backend<infer Buffer> ? Buffer : never

/** A kernel for every op that has one. */
export type KernelTable<B extends AnyBackend> = {
  readonly [K in Exclude<OpName, AliasOpName>]: Kernel<K, B>
}

/** A kernel for every primitive op; a fused op without one runs its definition. */
export type PrimitiveKernelTable<B extends AnyBackend> = Omit<KernelTable<B>, FusedOpName> &
  Partial<Pick<KernelTable<B>, FusedOpName>>

/** The parts that a backend must provide; everything else follows. */
export interface Backend<Buffer> {
  readonly name: string
  /** Uninitialized room for `spec`. Throws OutOfMemoryError; `madeBy` is the op that wants it. */
  allocate(spec: TensorSpec, madeBy: string): Buffer
  free(buffer: Buffer): void
  /** Throws OutOfMemoryError where the numbers of a buffer were never computed, for lack of memory. */
  requireNumbers?(buffer: Buffer): void
  write(buffer: Buffer, data: ArrayLike<number>, dtype: DType): void
  read(buffer: Buffer, spec: TensorSpec): Promise<NumericArray>
  /** True where reading cannot be synchronous, and `readSync` throws UnsupportedError. */
  readonly readsLater?: boolean
  /** @param first Index in the buffer of the first number. Default 0. */
  readSync(buffer: Buffer, spec: TensorSpec, first?: number): NumericArray
  /** Bytes taken from the system, where the backend keeps freed memory. */
  readonly reservedBytes?: number
}

const aList = checks.role<ArrayLike<number>>('an array of numbers', 'length')
const aSpec = checks.object<TensorSpec>('an object with shape and dtype')

/** Live memory of a device. */
export interface MemoryUse {
  /** Storages that live tensors share. */
  readonly buffers: number
  /** Bytes of these storages, counted with the element sizes of `f32` and `i32`. */
  readonly bytes: number
  /**
   * Bytes taken from the system for tensors that exist, have existed or are being computed; they are kept for
   * the next ones.
   */
  readonly reserved: number
}

/** The engine that computes. One per backend instance. */
export class Device implements Engine {
  readonly name: string
  readonly #backend: Backend<unknown>
  readonly #kernels: PrimitiveKernelTable<Backend<unknown>>
  readonly #peakFlops: ((backend: Backend<unknown>) => number) | undefined
  #buffers = 0
  #bytes = 0

  private constructor(
    backend: Backend<unknown>,
    kernels: PrimitiveKernelTable<Backend<unknown>>,
    peakFlops: ((backend: Backend<unknown>) => number) | undefined,
  ) {
    this.name = backend.name
    this.#backend = backend
    this.#kernels = kernels
    this.#peakFlops = peakFlops
  }

  /**
   * Joins a backend and its kernel table, which must know the same kind of buffer.
   *
   * @param peakFlops Measures what `Device.peakFlops` returns.
   */
  static of<B extends AnyBackend>(
    backend: B,
    kernels: PrimitiveKernelTable<B>,
    peakFlops?: (backend: B) => number,
  ): Device {
    return new Device(
      backend,
      kernels as unknown as PrimitiveKernelTable<Backend<unknown>>,
      peakFlops as ((backend: Backend<unknown>) => number) | undefined,
    )
  }

  /**
   * Floating-point operations per second that matrix products reach at best, on all threads; `undefined`
   * where that was not measured. The first call may take some twenty milliseconds.
   */
  get peakFlops(): number | undefined {
    return this.#peakFlops?.(this.#backend)
  }

  /** Whether numbers can be read without waiting (`Tensor.readSync`), as on the CPU. */
  get readsAtOnce(): boolean {
    return this.#backend.readsLater !== true
  }

  get memory(): MemoryUse {
    const reserved = this.#backend.reservedBytes ?? this.#bytes
    return { buffers: this.#buffers, bytes: this.#bytes, reserved }
  }

  /**
   * Makes a tensor with these numbers. `i32` takes integers in [−2³¹, 2³²).
   *
   * @throws ShapeError if their count does not fit the shape, OptionError for values outside these ranges and
   *   for an unknown element type.
   */
  tensor(data: ArrayLike<number>, spec: TensorSpec, madeBy = 'tensor'): Tensor {
    checkArgument('Device.tensor', 'data', data, aList)
    checkArgument('Device.tensor', 'spec', spec, aSpec)
    checkArgument('Device.tensor', 'madeBy', madeBy, checks.text)
    checkShape(madeBy, spec.shape)
    if (data.length !== sizeOf(spec.shape)) {
      throw new ShapeError(
        `${madeBy}: got ${data.length} numbers for shape ${formatShape(spec.shape)}; expected ${sizeOf(spec.shape)}.`,
      )
    }
    checkDType(madeBy, spec.dtype)
    checkNumbers(madeBy, data, spec.dtype)
    const result = this.#make(spec, madeBy)
    this.#backend.write(result.storage.buffer, data, spec.dtype)
    return result
  }

  run<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: Attrs<K>): readonly Tensor[] {
    const definition = opTable[op] as unknown as OpDefinition<Attrs<K>>
    if ((definition as typeof definition | undefined) === undefined) {
      throw new OptionError(
        `run: got op ${shown(op)}, which does not exist; ${didYouMean(op, Object.keys(opTable))}`,
      )
    }
    const specs = definition.infer(inputs, attrs)
    if (definition.alias) {
      const spec = specs[0]
      return [adoptTensor(new Tensor(this, spec, inputs[0].storage, op))]
    }
    const kernels = this.#kernels as Readonly<Partial<Record<OpName, unknown>>>
    const kernel = kernels[op] as Kernel<K, Backend<unknown>> | undefined
    if (kernel === undefined) {
      const lowered = definition.definition as NonNullable<typeof definition.definition>
      return withoutEngines(() => scope(() => lowered(inputs, attrs)))
    }
    for (const i of definition.mutates ?? []) this.#unshare(inputs[i])
    const operands = inputs.map(operand)
    for (const { buffer } of operands) this.#backend.requireNumbers?.(buffer)
    const outputs: Tensor[] = []
    try {
      for (const spec of specs) outputs.push(this.#make(spec, op))
      kernel(this.#backend, operands, outputs.map(operand), attrs)
    } catch (error) {
      for (const output of outputs) output.dispose()
      throw error
    }
    return outputs
  }

  read(tensor: Tensor): Promise<NumericArray> {
    checkTensor('Device.read', 'tensor', tensor)
    return this.#backend.read(tensor.storage.buffer, tensor)
  }

  readSync(tensor: Tensor): NumericArray {
    checkTensor('Device.readSync', 'tensor', tensor)
    return this.#backend.readSync(tensor.storage.buffer, tensor)
  }

  /**
   * Copies `count` numbers out from index `first` on, in row-major order: for looking into large tensors.
   *
   * @throws OptionError for a range that is not within the tensor, UnsupportedError on devices that cannot
   *   read synchronously.
   */
  readPart(tensor: Tensor, first: number, count: number): NumericArray {
    checkTensor('Device.readPart', 'tensor', tensor)
    checkArgument('Device.readPart', 'first', first, checks.integer({ from: 0, to: tensor.size }))
    checkArgument('Device.readPart', 'count', count, checks.integer({ from: 0, to: tensor.size - first }))
    return this.#backend.readSync(tensor.storage.buffer, { shape: [count], dtype: tensor.dtype }, first)
  }

  /** Called by the last tensor that shared the storage. */
  free(storage: Storage): void {
    this.#buffers--
    this.#bytes -= storage.bytes
    this.#backend.free(storage.buffer)
  }

  /**
   * Gives a tensor that is about to be written to a storage of its own: other tensors keep the numbers from
   * before.
   */
  #unshare(tensor: Tensor): void {
    if (tensor.storage.users === 1) return
    const [copy] = this.run('slice', [tensor], { start: tensor.shape.map(() => 0), stop: tensor.shape })
    tensor.exchangeStorage(copy)
    copy.dispose()
  }

  #make(spec: TensorSpec, madeBy: string): Tensor {
    checkShape(madeBy, spec.shape)
    checkDType(madeBy, spec.dtype)
    const bytes = 4 * sizeOf(spec.shape)
    const storage: Storage = { buffer: this.#backend.allocate(spec, madeBy), bytes, users: 0 }
    this.#buffers++
    this.#bytes += bytes
    return adoptTensor(new Tensor(this, spec, storage, madeBy))
  }
}

function operand(tensor: Tensor): Operand<unknown> {
  return { shape: tensor.shape, dtype: tensor.dtype, buffer: tensor.storage.buffer }
}
