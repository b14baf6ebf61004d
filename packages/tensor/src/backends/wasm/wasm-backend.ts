/** The WebAssembly backend: one linear memory, an allocator over it, and kernels that are assembled when first needed. */
import type { Backend, Kernel, Operand } from '../../device.ts'
import type { DType, NumericArray } from '../../dtype.ts'
import { bytesPerElement } from '../../dtype.ts'
import type { OpName } from '../../op-table.ts'
import { sizeOf, type TensorSpec } from '../../shape.ts'
import { ModuleBuilder } from './assembler/module-builder.ts'
import { type Features, requireFeatures } from './features.ts'
import { Heap } from './heap.ts'
import type { WasmFunction, WasmMemory } from './webassembly.ts'

/** A buffer is a byte address. */
export type Pointer = number
export type WasmKernel<K extends OpName> = Kernel<K, WasmBackend>
export type WasmOperand = Operand<Pointer>

/** The exported functions of one kernel module, by name. */
export type KernelFunctions = Readonly<Record<string, WasmFunction>>

const pageBytes = 65536
/** 32-bit addresses reach so far. */
const largestMemory = 65536 * pageBytes
/** Where the numbers of the call at hand lie, and the first address that is given out. */
const [scalarsAt, firstAddress] = [64, 1024]

export class WasmBackend implements Backend<Pointer> {
  readonly name = 'wasm'
  readonly features: Features
  readonly memory: WasmMemory
  readonly heap: Heap
  readonly #functions = new Map<string, KernelFunctions>()

  /** Throws UnsupportedError where the engine has no WebAssembly SIMD. */
  constructor() {
    const { webAssembly, features } = requireFeatures()
    this.features = features
    this.memory = new webAssembly.Memory({ initial: 256, maximum: largestMemory / pageBytes })
    this.heap = new Heap(this.memory, firstAddress, largestMemory)
  }

  allocate(spec: TensorSpec, madeBy: string): Pointer {
    return this.heap.allocate(sizeOf(spec.shape) * bytesPerElement[spec.dtype], madeBy)
  }

  free(buffer: Pointer): void {
    this.heap.free(buffer)
  }

  write(buffer: Pointer, data: ArrayLike<number>, dtype: DType): void {
    this.view(dtype, buffer, data.length).set(data)
  }

  read(buffer: Pointer, spec: TensorSpec): Promise<NumericArray> {
    return Promise.resolve(this.readSync(buffer, spec))
  }

  readSync(buffer: Pointer, spec: TensorSpec): NumericArray {
    return this.view(spec.dtype, buffer, sizeOf(spec.shape)).slice()
  }

  /** A window on `count` elements. Growing the memory detaches it, so use it before anything is allocated. */
  view(dtype: DType, pointer: Pointer, count: number): Float32Array | Int32Array {
    const { buffer } = this.memory
    return dtype === 'f32' ? new Float32Array(buffer, pointer, count) : new Int32Array(buffer, pointer, count)
  }

  /** The functions that `build` defines, assembled and compiled at the first call with this key. */
  functions(key: string, build: (module: ModuleBuilder) => void): KernelFunctions {
    let found = this.#functions.get(key)
    if (found === undefined) {
      const module = new ModuleBuilder()
      build(module)
      found = module.instantiate(this.memory)
      this.#functions.set(key, found)
    }
    return found
  }

  /** Puts numbers where a kernel finds them until the next call of this; at most 240. */
  scalars(values: readonly number[]): Pointer {
    this.view('f32', scalarsAt, values.length).set(values)
    return scalarsAt
  }

  /** Room that lives while `body` runs. */
  scratch<R>(bytes: number, wantedBy: string, body: (pointer: Pointer) => R): R {
    const pointer = this.heap.allocate(bytes, wantedBy)
    try {
      return body(pointer)
    } finally {
      this.heap.free(pointer)
    }
  }
}
