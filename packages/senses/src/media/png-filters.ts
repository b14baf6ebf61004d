/** What PNG does to rows before they are packed (third edition, section 9), undone. */

/**
 * The bytes of rows, each of which had a filter's number before it; null for a number that is none.
 *
 * @param rowBytes Bytes of a row, without that number.
 * @param left From a byte to that of the pixel to the left, which is 1 for pixels of fewer bits.
 */
export function unfiltered(filtered: Uint8Array, rowBytes: number, left: number): Uint8Array | null {
  const rows = filtered.length / (rowBytes + 1)
  const bytes = new Uint8Array(rows * rowBytes)
  for (let y = 0; y < rows; y++) {
    const from = y * (rowBytes + 1)
    const filter = filters[filtered[from]]
    if (filter === undefined) return null
    const start = y * rowBytes
    for (let x = 0; x < rowBytes; x++) {
      const a = x >= left ? bytes[start + x - left] : 0
      const b = y > 0 ? bytes[start + x - rowBytes] : 0
      const c = x >= left && y > 0 ? bytes[start + x - rowBytes - left] : 0
      bytes[start + x] = filtered[from + 1 + x] + filter(a, b, c)
    }
  }
  return bytes
}

/** What a byte was lessened by, from those to its left (a), above (b) and above to the left (c). */
type Filter = (a: number, b: number, c: number) => number

const filters: readonly Filter[] = [
  () => 0,
  (a) => a,
  (_, b) => b,
  (a, b) => (a + b) >> 1,
  (a, b, c) => {
    const estimate = a + b - c
    const [toA, toB, toC] = [a, b, c].map((each) => Math.abs(estimate - each))
    if (toA <= toB && toA <= toC) return a
    return toB <= toC ? b : c
  },
]
