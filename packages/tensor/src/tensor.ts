/** A tensor: an immutable handle on a block of numbers that lives on one device. */
import type { Device } from './device.ts'
import { disposeSymbol } from './dispose-symbol.ts'
import type { DType, NumericArray } from './dtype.ts'
import { DisposedTensorError, ShapeError } from './errors.ts'
import { numbersText } from './printing/numbers-text.ts'
import { formatShape, type Shape, sizeOf, type TensorSpec } from './shape.ts'

/**
 * A device buffer and the number of live tensors that share it. A reshape shares its input's until one of the
 * two is written to, so no tensor ever sees numbers that were written to another.
 */
export interface Storage {
  readonly buffer: unknown
  /** Bytes of the numbers, without what the backend rounds up. */
  readonly bytes: number
  users: number
}

let nextId = 1

/** The name by which Node asks an object how to print it; elsewhere it is an ordinary symbol. */
const inspectSymbol: unique symbol = Symbol.for('nodejs.util.inspect.custom')

/**
 * Row-major numbers of one element type. Tensors are made by ops and creation functions, never by `new`.
 *
 * A tensor belongs to the scope in which it was made and dies with it; see `scope`. Ops never change their
 * inputs, except the few whose name says so (`assign`, the optimizer updates).
 */
export class Tensor implements TensorSpec {
  /** Unique within the process; a tape knows the tensor by it. */
  readonly id: number
  readonly shape: Shape
  readonly dtype: DType
  readonly device: Device
  /** The op that made it, for messages. */
  readonly madeBy: string
  #storage: Storage
  // How many owners (scopes, tapes, stores, or the caller that made it outside a scope) need it; at zero the
  // storage is freed.
  #owners = 0
  #dead = false

  /** For devices only. */
  constructor(device: Device, spec: TensorSpec, storage: Storage, madeBy: string) {
    this.id = nextId++
    this.device = device
    this.shape = spec.shape
    this.dtype = spec.dtype
    this.madeBy = madeBy
    this.#storage = storage
    storage.users++
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape)
  }

  get isDisposed(): boolean {
    return this.#dead
  }

  /** The storage behind the tensor. Throws DisposedTensorError if its scope has ended. */
  get storage(): Storage {
    if (this.#dead) {
      throw new DisposedTensorError(
        `${this.madeBy}: this tensor ${formatShape(this.shape)} was used after the scope that owned it had ended. ` +
          'Return it from the scope, or compute it inside.',
      )
    }
    return this.#storage
  }

  /**
   * Two tensors of one shape and type trade numbers. For devices only: nobody else may change the numbers of
   * a tensor.
   */
  exchangeStorage(other: Tensor): void {
    const own = this.storage
    this.#storage = other.storage
    other.#storage = own
  }

  /** Copies the numbers out. On the GPU this waits until all earlier work has been computed. */
  read(): Promise<NumericArray> {
    return this.device.read(this)
  }

  /** Like `read`, without waiting. Throws UnsupportedError on devices that cannot (WebGPU). */
  readSync(): NumericArray {
    return this.device.readSync(this)
  }

  /** Returns the only number of a tensor of size 1, read synchronously. */
  item(): number {
    if (this.size !== 1) {
      throw new ShapeError(
        `item: got a tensor ${formatShape(this.shape)}; expected exactly one element. Use read().`,
      )
    }
    return this.readSync()[0]
  }

  /** Adds an owner; pairs with `release`. Scopes and tapes call it, user code never does. */
  retain(): this {
    this.#owners++
    return this
  }

  /** Removes an owner. The last one frees the numbers. */
  release(): void {
    this.#owners--
    if (this.#owners <= 0) this.dispose()
  }

  /**
   * Frees the numbers at once, whatever owns the tensor. Needed only for a tensor made outside every scope.
   */
  dispose(): void {
    if (this.#dead) return
    this.#dead = true
    this.#storage.users--
    if (this.#storage.users === 0) this.device.free(this.#storage)
  }

  [disposeSymbol](): void {
    this.dispose()
  }

  /**
   * Formats the numbers in nested brackets, with element type, shape and device: `tensor([1, 2, 3], f32 [3]
   * on wasm)`. Of more than a thousand numbers those at the ends of each axis are shown. Where they cannot be
   * read synchronously, it says so. Never throws.
   */
  toString(): string {
    return this.#text(true)
  }

  /** Returns what Node prints. At depths that Node leaves out, there are no numbers. */
  [inspectSymbol](depth: number): string {
    return this.#text(depth >= 0)
  }

  #text(withNumbers: boolean): string {
    const before = 'tensor('
    const numbers = withNumbers ? this.#numbersText(before.length) : '…'
    return `${before}${numbers}, ${this.dtype} ${formatShape(this.shape)} on ${this.device.name})`
  }

  #numbersText(indent: number): string {
    if (this.#dead) return 'disposed'
    if (!this.device.readsAtOnce) return 'numbers on the GPU: await read()'
    try {
      return numbersText(this, (first, count) => this.device.readPart(this, first, count), indent)
    } catch (error) {
      return `unreadable: ${error instanceof Error ? error.message : String(error)}`
    }
  }
}
