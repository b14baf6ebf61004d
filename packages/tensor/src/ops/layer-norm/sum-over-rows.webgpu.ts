/**
 * Sums of columns on WebGPU: groups of rows first, many at a time, then their sums. The order is fixed,
 * without atomics.
 */
import type { GpuBuffer } from '../../backends/webgpu/queue/buffer-pool.ts'
import type { WebGpuBackend } from '../../backends/webgpu/webgpu-backend.ts'

/** Number of rows that one invocation sums. */
const rowsOfPiece = 64

/**
 * Sums a term over all rows, for every column.
 *
 * @param names Names of the buffers, for the term.
 * @param term WGSL of the element at `at`, in row `row` and column `column`.
 * @param to `[columns]`.
 */
export function sumOverRows(
  backend: WebGpuBackend,
  names: readonly string[],
  buffers: readonly GpuBuffer[],
  term: string,
  to: GpuBuffer,
  { rows, columns }: { rows: number; columns: number },
): void {
  const program = backend.program(`sum over rows of ${term}`, () => ({
    bindings: { ...Object.fromEntries(names.map((name) => [name, 'read f32' as const])), to: 'write f32' },
    parameters: { rows: 'u32', columns: 'u32', rowsOfPiece: 'u32', pieces: 'u32' },
    body: `  if (index >= params.columns * params.pieces) { return; }
  let column = index % params.columns;
  let first = index / params.columns * params.rowsOfPiece;
  var total = 0.0;
  for (var row = first; row < min(first + params.rowsOfPiece, params.rows); row++) {
    let at = row * params.columns + column;
    total += ${term};
  }
  to[index] = total;`,
  }))
  const pieces = Math.ceil(rows / rowsOfPiece)
  if (pieces <= 1) {
    backend.run(program, [...buffers, to], [rows, columns, Math.max(rows, 1), 1], columns)
    return
  }
  backend.scratch(4 * pieces * columns, 'sum over rows', (sums) => {
    backend.run(program, [...buffers, sums], [rows, columns, rowsOfPiece, pieces], columns * pieces)
    sumOverRows(backend, ['sums'], [sums], 'sums[at]', to, { rows: pieces, columns })
  })
}
