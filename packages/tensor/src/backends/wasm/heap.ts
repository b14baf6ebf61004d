/** A deterministic allocator over one linear memory: the same program gets the same addresses. */
import { OutOfMemoryError } from '../../errors.ts'
import type { WasmMemory } from './webassembly.ts'

const pageBytes = 65536
/** Every block begins on a cache line, which also suits any vector load. */
const alignment = 64

/**
 * Blocks come in size classes, four to a power of two, so at most a fifth of a block is spare; a freed block waits for
 * the next request of its class. A training step asks for the same sizes every time, so after the first step nothing
 * is ever taken anew.
 */
export class Heap {
  readonly #memory: WasmMemory
  readonly #maximumBytes: number
  readonly #free = new Map<number, number[]>()
  readonly #sizes = new Map<number, number>()
  #top: number
  #live = 0

  /**
   * @param start First address that may be given out.
   * @param maximumBytes How far the memory may grow.
   */
  constructor(memory: WasmMemory, start: number, maximumBytes: number) {
    this.#memory = memory
    this.#top = roundUp(start, alignment)
    this.#maximumBytes = maximumBytes
  }

  /** Bytes ever taken from the memory: what the process holds. */
  get reservedBytes(): number {
    return this.#top
  }

  /** Blocks given out and not yet freed. */
  get liveBlocks(): number {
    return this.#live
  }

  /** Room for `bytes`, uninitialised. Throws OutOfMemoryError with the name of who wanted it. */
  allocate(bytes: number, wantedBy: () => string): number {
    const size = sizeClass(bytes)
    const pointer = this.#free.get(size)?.pop() ?? this.#extend(size, wantedBy)
    this.#sizes.set(pointer, size)
    this.#live++
    return pointer
  }

  free(pointer: number): void {
    const size = this.#sizes.get(pointer)
    if (size === undefined) throw new RangeError(`heap: ${pointer} is not a live block.`)
    this.#sizes.delete(pointer)
    this.#live--
    const waiting = this.#free.get(size)
    if (waiting === undefined) this.#free.set(size, [pointer])
    else waiting.push(pointer)
  }

  #extend(size: number, wantedBy: () => string): number {
    const pointer = this.#top
    const end = pointer + size
    const missing = end + alignment - this.#memory.buffer.byteLength
    if (end > this.#maximumBytes || (missing > 0 && !this.#grow(missing))) {
      throw new OutOfMemoryError(
        `${wantedBy()}: no room for ${size} bytes. ${pointer} bytes are in use or waiting for tensors of other sizes, and ` +
          `this device may hold ${this.#maximumBytes}. Use a smaller model or batch, or run each step in a scope.`,
      )
    }
    this.#top = end
    return pointer
  }

  /** Grows by an eighth at least, so that many small requests do not mean many growths. */
  #grow(missing: number): boolean {
    const { byteLength } = this.#memory.buffer
    const wanted = Math.min(Math.max(missing, byteLength / 8), this.#maximumBytes - byteLength)
    try {
      this.#memory.grow(Math.ceil(Math.max(wanted, missing) / pageBytes))
      return true
    } catch {
      return false
    }
  }
}

/** The smallest of 64·{4, 5, 6, 7}·2ⁿ⁻² that holds `bytes`; at least 64. */
function sizeClass(bytes: number): number {
  if (bytes <= alignment) return alignment
  const step = Math.max(alignment, 2 ** (Math.floor(Math.log2(bytes - 1)) - 2))
  return roundUp(bytes, step)
}

function roundUp(n: number, unit: number): number {
  return Math.ceil(n / unit) * unit
}
