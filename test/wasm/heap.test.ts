// Reaches inside: the allocator has no entry point of its own, and is tested with small memories.
import { OutOfMemoryError } from '@burgeon/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { requireFeatures } from '../../packages/tensor/src/backends/wasm/features.ts'
import { Heap } from '../../packages/tensor/src/backends/wasm/heap.ts'

const page = 65536

function newHeap(pages: number): Heap {
  const { webAssembly } = requireFeatures()
  return new Heap(new webAssembly.Memory({ initial: 1, maximum: pages }), 1024, pages * page)
}

const take = (heap: Heap, bytes: number): number => heap.allocate(bytes, () => 'test')

describe('the heap', () => {
  test('returns blocks that do not overlap, on cache lines, for any allocations and frees', () => {
    const turn = fc.record({
      bytes: fc.integer({ min: 0, max: 20_000 }),
      frees: fc.nat(),
      keeps: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 200 }), (turns) => {
        const heap = newHeap(64)
        const live: { at: number; bytes: number }[] = []
        for (const { bytes, frees, keeps } of turns) {
          if (!keeps && live.length > 0) heap.free(live.splice(frees % live.length, 1)[0].at)
          const at = take(heap, bytes)
          expect(at % 64).toBe(0)
          expect(at).toBeGreaterThanOrEqual(1024)
          const overlaps = live.filter((other) => at < other.at + other.bytes && other.at < at + bytes)
          expect(overlaps).toEqual([])
          live.push({ at, bytes })
        }
      }),
    )
  })

  test('joins freed small blocks for a large one, and cuts a freed large one for small ones', () => {
    const heap = newHeap(16)
    const small = Array.from({ length: 900 }, () => take(heap, 1024))
    for (const at of small) heap.free(at)
    const large = take(heap, 14 * page)
    heap.free(large)
    const again = Array.from({ length: 900 }, () => take(heap, 1024))
    expect(new Set(again).size).toBe(900)
  })

  test('needs no more memory for a thousand growths than for the largest size', () => {
    const heap = newHeap(64)
    let before = take(heap, 1000)
    for (let bytes = 1000; bytes < 400_000; bytes += 400) {
      const next = take(heap, bytes)
      heap.free(before)
      before = next
    }
    expect(heap.reservedBytes).toBeLessThan(5 * 400_000)
  })

  test('names the caller of an allocation that does not fit, and continues', () => {
    const heap = newHeap(4)
    const kept = take(heap, page)
    expect(() => heap.allocate(4 * page, () => 'matmul [128, 512]')).toThrow(OutOfMemoryError)
    expect(() => heap.allocate(4 * page, () => 'matmul [128, 512]')).toThrow(/^matmul \[128, 512\]: no room/)
    heap.free(kept)
    expect(take(heap, 2 * page)).toBeGreaterThan(0)
    expect(() => heap.free(kept + 64)).toThrow('is not a live block')
  })
})
