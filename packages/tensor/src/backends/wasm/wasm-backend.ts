/**
 * The WebAssembly backend: one linear memory, an allocator over it, and kernels that are assembled when first
 * needed.
 */
import type { Backend, Kernel, Operand } from '../../device.ts'
import type { DType, NumericArray } from '../../dtype.ts'
import { bytesPerElement } from '../../dtype.ts'
import type { OpName } from '../../op-table.ts'
import { formatShape, sizeOf, type TensorSpec } from '../../shape.ts'
import { compilePlainly, ModuleBuilder } from './assembler/module-builder.ts'
import { type Features, requireFeatures } from './features.ts'
import { Heap } from './heap.ts'
import { withRevectorization } from './revectorize.ts'
import { poolBytes, type SharedFunction, ThreadPool } from './threads/thread-pool.ts'
import type { Compile, WasmFunction, WasmMemory } from './webassembly.ts'

/** A buffer is a byte address. */
export type Pointer = number
export type WasmKernel<K extends OpName> = Kernel<K, WasmBackend>
export type WasmOperand = Operand<Pointer>

/** The exported functions of one kernel module, by name. */
export type KernelFunctions = Readonly<Record<string, WasmFunction>>

const pageBytes = 65536
/** 32-bit addresses reach so far. */
const largestMemory = 65536 * pageBytes
const maxScalars = 240
/** Addresses: the numbers of the current call, a row of zeros, and the first that the allocator returns. */
const [scalarsAt, zerosAt, firstAddress] = [64, 1024, pageBytes]

/** A range of units of work: `many` of them from `first` on. */
export interface Stretch {
  readonly first: number
  readonly many: number
}

/** Settings of a WASM device; `openWasm` fills in the defaults. */
export interface WasmSettings {
  /** Number of threads, from 1; the caller is one of them. */
  readonly threads: number
  /** Products are rounded before they are added, so that every machine gives the same bits. */
  readonly strictMath: boolean
  /** Matrix products are compiled with V8's revectorization. */
  readonly revectorized: boolean
}

export class WasmBackend implements Backend<Pointer> {
  readonly name = 'wasm'
  readonly features: Features
  readonly memory: WasmMemory
  readonly heap: Heap
  /** Number of threads among which work is cut up; the result does not depend on it. */
  readonly threads: number
  /** Address of 32 zeros, wide enough for any tile. */
  readonly zeros: Pointer = zerosAt
  /** How matrix products are compiled, and the name of their modules; see `ModuleBuilder`. */
  readonly products: { readonly name: string; readonly compile: Compile }
  #scalars: Float32Array | Int32Array
  readonly #pool: ThreadPool | undefined
  readonly #functions = new Map<string, KernelFunctions>()
  /** The functions as the other threads know them; a module is shared with them when they first need it. */
  readonly #shared = new Map<WasmFunction, () => SharedFunction | undefined>()

  /** Throws UnsupportedError where the engine has no WebAssembly SIMD. */
  constructor({ threads, strictMath, revectorized }: WasmSettings) {
    const { webAssembly, features } = requireFeatures()
    this.features = {
      ...features,
      relaxedSimd: features.relaxedSimd && !strictMath,
      relaxedDot: features.relaxedDot && !strictMath,
    }
    this.products = revectorized
      ? { name: 'burgeon revectorized', compile: withRevectorization(compilePlainly) }
      : { name: 'burgeon', compile: compilePlainly }
    this.threads = features.sharedMemory ? threads : 1
    const shared = this.threads > 1
    const limits = { initial: 256, maximum: largestMemory / pageBytes }
    this.memory = new webAssembly.Memory(shared ? { ...limits, shared } : limits)
    this.#scalars = this.view('f32', scalarsAt, maxScalars)
    if (shared) this.#pool = new ThreadPool(this.memory, firstAddress, this.threads)
    this.heap = new Heap(this.memory, firstAddress + (shared ? poolBytes : 0), largestMemory)
  }

  get reservedBytes(): number {
    return this.heap.reservedBytes
  }

  allocate(spec: TensorSpec, madeBy: string): Pointer {
    const { shape, dtype } = spec
    return this.heap.allocate(sizeOf(shape) * bytesPerElement[dtype], () => `${madeBy} ${formatShape(shape)}`)
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

  readSync(buffer: Pointer, { dtype, shape }: TensorSpec, first = 0): NumericArray {
    return this.view(dtype, buffer + bytesPerElement[dtype] * first, sizeOf(shape)).slice()
  }

  /**
   * Returns a window on `count` elements. Growing the memory detaches it, so use it before anything is
   * allocated.
   */
  view(dtype: DType, pointer: Pointer, count: number): Float32Array | Int32Array {
    const { buffer } = this.memory
    return dtype === 'f32' ? new Float32Array(buffer, pointer, count) : new Int32Array(buffer, pointer, count)
  }

  /** Returns a window on `count` numbers of double precision, which only scratch memory holds. */
  doubles(pointer: Pointer, count: number): Float64Array {
    return new Float64Array(this.memory.buffer, pointer, count)
  }

  /**
   * Returns the functions that `build` defines, assembled and compiled at the first call with this key.
   *
   * @param options `areProducts`: they spend their time in matrix products, and are compiled like these.
   */
  functions(
    key: string,
    build: (module: ModuleBuilder) => void,
    { areProducts = false }: { areProducts?: boolean } = {},
  ): KernelFunctions {
    let found = this.#functions.get(key)
    if (found === undefined) {
      const { name, compile } = areProducts ? this.products : { name: 'burgeon', compile: compilePlainly }
      const module = new ModuleBuilder({ sharedMemory: this.#pool !== undefined, name })
      build(module)
      found = module.instantiate(this.memory, compile)
      this.#functions.set(key, found)
      if (this.#pool !== undefined) this.#announce(this.#pool, module, found)
    }
    return found
  }

  #announce(pool: ThreadPool, module: ModuleBuilder, functions: KernelFunctions): void {
    let code: ReturnType<ThreadPool['share']> | null = null
    const share = (): typeof code => (code === null ? (code = pool.share(module.toBytes())) : code)
    for (const [index, own] of Object.values(functions).entries()) {
      this.#shared.set(own, () => {
        const at = share()
        return at ? { ...at, index } : undefined
      })
    }
  }

  /**
   * Calls a kernel with each list of arguments, on several threads where there are some.
   *
   * No call may write what another one reads or writes; then it does not matter which thread makes which
   * call.
   *
   * @param mayRepeat Whether a call that broke off may be made again.
   * @throws `lostWorker` if not, and a thread has ended in the middle of a call. `surviveLostWorkers` then
   *   runs the whole op again.
   */
  runAll(kernel: WasmFunction, calls: readonly (readonly number[])[], mayRepeat = false): void {
    const shared =
      calls.length > 1 && calls[0].length <= ThreadPool.maxArguments && this.#shared.get(kernel)?.()
    if (shared && this.#pool) this.#pool.runAll(kernel, shared, calls, mayRepeat)
    else for (const call of calls) kernel(...call)
  }

  /**
   * Calls a kernel for `count` units of work, cut into ranges of at least `least` units; not at all if there
   * are none.
   *
   * @param args The arguments for `many` units from `first` on.
   */
  runOver(
    kernel: WasmFunction,
    count: number,
    least: number,
    args: (first: number, many: number) => readonly number[],
  ): void {
    this.runAll(
      kernel,
      this.cut(count, least).map(({ first, many }) => args(first, many)),
    )
  }

  /**
   * Cuts `count` units of work into ranges for the threads, of at least `least` units each unless there are
   * fewer.
   */
  cut(count: number, least: number): Stretch[] {
    if (count === 0) return []
    // There are two ranges for each thread, so that a thread that is held up elsewhere is waited for only
    // half as long.
    const most = this.threads === 1 ? 1 : 2 * this.threads
    const pieces = Math.max(1, Math.min(most, Math.floor(count / least)))
    if (pieces === 1) return [{ first: 0, many: count }]
    const startOf = (piece: number): number => Math.floor((count * piece) / pieces)
    return Array.from({ length: pieces }, (_, i) => ({
      first: startOf(i),
      many: startOf(i + 1) - startOf(i),
    }))
  }

  /** Writes numbers where a kernel finds them until the next call of this method; at most 240. */
  scalars(values: readonly number[]): Pointer {
    // An unshared memory that grows leaves this view without length.
    if (this.#scalars.length === 0) this.#scalars = this.view('f32', scalarsAt, maxScalars)
    this.#scalars.set(values)
    return scalarsAt
  }

  /** Sets bytes to 0. */
  zero(pointer: Pointer, bytes: number): void {
    new Uint8Array(this.memory.buffer, pointer, bytes).fill(0)
  }

  /** Allocates memory that exists while `body` runs. */
  scratch<R>(bytes: number, wantedBy: string, body: (pointer: Pointer) => R): R {
    const pointer = this.heap.allocate(bytes, () => wantedBy)
    try {
      return body(pointer)
    } finally {
      this.heap.free(pointer)
    }
  }
}
