/** A deterministic allocator over one linear memory: the same program gets the same addresses. */
import { InternalError, OutOfMemoryError } from '../../errors.ts'
import type { WasmMemory } from './webassembly.ts'

const pageBytes = 65536
/** Every block begins on a cache line, which also suits any vector load. */
const alignment = 64
/** Waiting bytes, as a share of all, from which on they are joined before the memory grows. */
const joinedShare = 1 / 8

/** Free room between blocks. */
interface Gap {
  at: number
  size: number
}

/**
 * Blocks come in size classes, four to a power of two, so at most a fifth of a block is spare; a freed block
 * waits for the next request of its class. A training step asks for the same sizes every time, so after the
 * first step nothing is ever taken anew.
 *
 * A model that has grown asks for other sizes. Before the memory grows for these, waiting blocks are joined
 * to the gaps that they make up together, and what fits is cut from these.
 */
export class Heap {
  readonly #memory: WasmMemory
  readonly #maximumBytes: number
  readonly #free = new Map<number, number[]>()
  readonly #sizes = new Map<number, number>()
  /** The gaps in the order of their addresses. */
  #gaps: Gap[] = []
  /** Bytes of waiting blocks and of gaps. */
  #waiting = 0
  /** Nothing is allocated from here on. */
  #top: number
  #highest: number

  /**
   * @param start First address that may be given out.
   * @param maximumBytes How far the memory may grow.
   */
  constructor(memory: WasmMemory, start: number, maximumBytes: number) {
    this.#memory = memory
    this.#top = roundUp(start, alignment)
    this.#highest = this.#top
    this.#maximumBytes = maximumBytes
  }

  /** Bytes ever taken from the memory: what the process holds. */
  get reservedBytes(): number {
    return this.#highest
  }

  /** Allocates `bytes`, uninitialized. Throws OutOfMemoryError with the name of the caller. */
  allocate(bytes: number, wantedBy: () => string): number {
    const size = sizeClass(bytes)
    const pointer = this.#reuse(size) ?? this.#extend(size, wantedBy)
    this.#sizes.set(pointer, size)
    return pointer
  }

  free(pointer: number): void {
    const size = this.#sizes.get(pointer)
    if (size === undefined) throw new InternalError(`heap: ${pointer} is not a live block.`)
    this.#sizes.delete(pointer)
    this.#waiting += size
    const waiting = this.#free.get(size)
    if (waiting === undefined) this.#free.set(size, [pointer])
    else waiting.push(pointer)
  }

  /** Returns a block that waits, or the beginning of the first gap that is large enough. */
  #reuse(size: number): number | undefined {
    let pointer = this.#free.get(size)?.pop()
    if (pointer === undefined && this.#gaps.length > 0) {
      const found = this.#gaps.findIndex((gap) => gap.size >= size)
      if (found < 0) return undefined
      const gap = this.#gaps[found]
      pointer = gap.at
      gap.at += size
      gap.size -= size
      if (gap.size === 0) this.#gaps.splice(found, 1)
    }
    if (pointer !== undefined) this.#waiting -= size
    return pointer
  }

  #extend(size: number, wantedBy: () => string): number {
    const mustGrow = this.#top + size + alignment > this.#memory.buffer.byteLength
    if (mustGrow && this.#waiting >= size && this.#waiting > joinedShare * this.#top) {
      this.#join()
      const pointer = this.#reuse(size)
      if (pointer !== undefined) return pointer
    }
    const pointer = this.#top
    const end = pointer + size
    const missing = end + alignment - this.#memory.buffer.byteLength
    if (end > this.#maximumBytes || (missing > 0 && !this.#grow(missing))) {
      throw new OutOfMemoryError(
        `${wantedBy()}: no room for ${size} bytes. ${this.#top - this.#waiting} bytes are in use, and ` +
          `this device may hold ${this.#maximumBytes}. Use a smaller model or batch, or run each step in a scope.`,
      )
    }
    this.#top = end
    this.#highest = Math.max(this.#highest, end)
    return pointer
  }

  /**
   * Makes gaps of all waiting blocks, adjacent ones as one; those at the top return to the rest of the
   * memory.
   */
  #join(): void {
    const blocks = [...this.#free].flatMap(([size, pointers]) => pointers.map((at): Gap => ({ at, size })))
    this.#free.clear()
    const joined: Gap[] = []
    for (const gap of [...this.#gaps, ...blocks].toSorted((a, b) => a.at - b.at)) {
      const last = joined.at(-1)
      if (last !== undefined && last.at + last.size === gap.at) last.size += gap.size
      else joined.push(gap)
    }
    const last = joined.at(-1)
    if (last !== undefined && last.at + last.size === this.#top) {
      joined.pop()
      this.#top = last.at
      this.#waiting -= last.size
    }
    this.#gaps = joined
  }

  /** Grows the memory by an eighth at least, so that many small requests do not mean many growths. */
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
