/**
 * Vector constants in memory. V8 makes a vector constant anew wherever it is used, with three or four
 * instructions through an integer register; a load is one. Polynomials, which are half constants, run up to
 * twice as fast.
 *
 * A constant has the same address in every memory: the last quarter of the first page, where no allocator
 * goes.
 */

const [start, end] = [49152, 65536]

interface PooledConstant {
  readonly at: number
  readonly bytes: readonly number[]
}

const pooled = new Map<string, PooledConstant>()

/** Returns the address of 16 bytes; `undefined` when there is no more room for constants. */
export function constantAddress(bytes: readonly number[]): number | undefined {
  const key = bytes.join()
  const known = pooled.get(key)
  if (known !== undefined) return known.at
  const at = start + 16 * pooled.size
  if (at === end) return undefined
  pooled.set(key, { at, bytes })
  return at
}

/** Writes all constants that code may refer to so far into the first page of a memory. */
export function writeConstants(memory: { readonly buffer: ArrayBufferLike }): void {
  const page = new Uint8Array(memory.buffer, 0, end)
  for (const { at, bytes } of pooled.values()) page.set(bytes, at)
}
