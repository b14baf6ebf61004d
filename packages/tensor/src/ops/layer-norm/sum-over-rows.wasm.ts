/**
 * Sums over rows that several threads go through, such as the gradient of a gain: the same bits for any
 * number of threads.
 */
import { type FunctionBuilder, i32, type Local, select } from '../../backends/wasm/assembler/index.ts'
import { blockTerms, minNumbers } from '../../backends/wasm/loops/row-loop.ts'
import type { Pointer, WasmBackend } from '../../backends/wasm/wasm-backend.ts'
import type { WasmFunction } from '../../backends/wasm/webassembly.ts'
import { columnSums } from '../reduce/reduce.wasm.ts'

/**
 * Sums rows in blocks of `blockTerms`, then adds the blocks' sums: no sum drifts, however many rows there
 * are.
 *
 * @param columns Numbers in each sum.
 * @param sums Where the sums go.
 * @param call Kernel and arguments for `many` rows from `first` on. It calls `forBlocksOfRows` with pointers
 *   that begin at `partial`.
 */
export function sumOverRows(
  backend: WasmBackend,
  rows: number,
  columns: number,
  sums: readonly Pointer[],
  call: (first: number, many: number, partial: readonly Pointer[]) => [WasmFunction, readonly number[]],
): void {
  const blocks = Math.ceil(rows / blockTerms)
  if (blocks <= 1) {
    if (rows === 0) for (const to of sums) backend.zero(to, 4 * columns)
    const [kernel, args] = call(0, rows, sums)
    kernel(...args)
    return
  }
  const bytes = 4 * columns * blocks
  backend.scratch(bytes * sums.length, 'sums over rows', (start) => {
    const stretches = backend.cut(blocks, minNumbers / (blockTerms * columns)).map(({ first, many }) => {
      const row = first * blockTerms
      const partial = sums.map((_sum, k) => start + k * bytes + 4 * columns * first)
      return call(row, Math.min(many * blockTerms, rows - row), partial)
    })
    backend.runAll(
      stretches[0][0],
      stretches.map(([, args]) => args),
    )
    sums.forEach((to, k) => columnSums(backend, to, start + k * bytes, blocks, columns))
  })
}

/**
 * Runs `body` for each of `rows` rows; at each block's begin the sums start at 0, and behind it they move on
 * by `bytes`.
 */
export function forBlocksOfRows(
  b: FunctionBuilder,
  rows: Local<'i32'>,
  bytes: Local<'i32'>,
  sums: readonly Local<'i32'>[],
  body: () => void,
): void {
  b.while(rows, () => {
    const many = b.let(select(i32.ltU(rows, blockTerms), rows, i32.const(blockTerms)))
    for (const sum of sums) b.fill(sum, 0, bytes)
    b.repeat(many, body)
    for (const sum of sums) b.advance(sum, bytes)
    b.set(rows, i32.sub(rows, many))
  })
}
