/** Sums over rows that several threads go through, such as the gradient of a gain: the same bits for any number of threads. */
import type { Pointer, WasmBackend } from '../../backends/wasm/wasm-backend.ts'
import type { WasmFunction } from '../../backends/wasm/webassembly.ts'
import { columnSums } from '../reduce/reduce.wasm.ts'

/** Rows are summed in chunks that depend on their number alone; then the chunks' sums are added in order. */
const [leastRows, mostChunks] = [64, 32]

/**
 * @param columns Numbers in each sum.
 * @param sums Where the sums go.
 * @param call Kernel and arguments for `many` rows from `first` on, which writes its sums to `partial`.
 */
export function sumOverRows(
  backend: WasmBackend,
  rows: number,
  columns: number,
  sums: readonly Pointer[],
  call: (first: number, many: number, partial: readonly Pointer[]) => [WasmFunction, readonly number[]],
): void {
  const chunk = Math.max(leastRows, Math.ceil(rows / mostChunks))
  const chunks = Math.ceil(rows / chunk)
  if (chunks <= 1) {
    const [kernel, args] = call(0, rows, sums)
    kernel(...args)
    return
  }
  const bytes = 4 * columns * chunks
  backend.scratch(bytes * sums.length, 'sums over rows', (start) => {
    const stretches = Array.from({ length: chunks }, (_, i) => {
      const partial = sums.map((_sum, k) => start + k * bytes + 4 * columns * i)
      return call(i * chunk, Math.min(chunk, rows - i * chunk), partial)
    })
    backend.runAll(
      stretches[0][0],
      stretches.map(([, args]) => args),
    )
    sums.forEach((to, k) => columnSums(backend, to, start + k * bytes, chunks, columns))
  })
}
