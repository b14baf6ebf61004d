/**
 * Strided matrix products in WGSL: C = A·B, tiles of C in registers, panels of A and B in workgroup memory.
 *
 * A workgroup makes a tile of BM × BN, BK terms at a time; each invocation has TM × TN numbers of it, as far apart as there are
 * invocations, so that neighbours read neighbours. Sums run in the order of k.
 */
import type { GpuBuffer } from '../../backends/webgpu/buffer-pool.ts'
import type { Program, WebGpuBackend } from '../../backends/webgpu/webgpu-backend.ts'

/** A matrix, or one for each of a batch: first element and steps from row to row, column to column, matrix to matrix. */
interface Matrix {
  readonly buffer: GpuBuffer
  readonly at: number
  readonly row: number
  readonly column: number
  readonly step: number
}

export interface Product {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly batch: number
  readonly a: Matrix
  readonly b: Matrix
  /** Row-major and dense. */
  readonly c: { readonly buffer: GpuBuffer; readonly at: number }
  /** A row of n numbers that every row of C begins with. */
  readonly bias?: GpuBuffer
}

/** Sizes of a tile and of each invocation's part of it. */
interface TileShape {
  readonly BM: number
  readonly BN: number
  readonly BK: number
  readonly TM: number
  readonly TN: number
}

const large: TileShape = { BM: 64, BN: 64, BK: 16, TM: 4, TN: 4 }
const small: TileShape = { BM: 16, BN: 16, BK: 16, TM: 1, TN: 1 }

export function product(backend: WebGpuBackend, { m, n, k, batch, a, b, c, bias }: Product): void {
  if (m * n * batch === 0) return
  const tile = m >= 32 && n >= 32 ? large : small
  const [across, down] = [Math.ceil(n / tile.BN), Math.ceil(m / tile.BM)]
  const parameters = [
    ...[m, n, k, across, down],
    ...[a.at, a.row, a.column, a.step],
    ...[b.at, b.row, b.column, b.step],
    c.at,
    across * down * batch,
  ]
  const program = programOf(backend, tile, bias !== undefined)
  const buffers = [a.buffer, b.buffer, c.buffer, ...(bias ? [bias] : [])]
  backend.runGroups(program, buffers, parameters, across * down * batch)
}

function programOf(backend: WebGpuBackend, tile: TileShape, hasBias: boolean): Program {
  const { BM, BN, BK, TM, TN } = tile
  const threads = (BM / TM) * (BN / TN)
  const names = [
    ...['m', 'n', 'k', 'across', 'down'],
    ...['aAt', 'aRow', 'aColumn', 'aStep'],
    ...['bAt', 'bRow', 'bColumn', 'bStep'],
    ...['cAt', 'groups'],
  ]
  const each = (count: number, line: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => line(i)).join('\n')
  const key = `matmul ${BM}×${BN}×${BK}${hasBias ? ' + bias' : ''}`
  const bias = (column: string): string => (hasBias ? ` + bias[${column}]` : '')
  const storeOf = (row: number, column: number, value: string): string => {
    const [atRow, atColumn] = [`firstRow + myRow + ${row}u`, `firstColumn + myColumn + ${column}u`]
    return `  if (${atRow} < params.m && ${atColumn} < params.n) {
    c[cStart + (${atRow}) * params.n + ${atColumn}] = ${value}${bias(atColumn)};
  }`
  }
  return backend.program(key, () => ({
    bindings: { a: 'read f32', b: 'read f32', c: 'write f32', ...(hasBias && { bias: 'read f32' }) },
    parameters: Object.fromEntries(names.map((name) => [name, 'u32' as const])),
    workgroup: threads,
    declarations: `var<workgroup> panelA: array<f32, ${BK * (BM + 1)}>;
var<workgroup> panelB: array<f32, ${BK * (BN + 1)}>;`,
    body: `  if (group >= params.groups) { return; }
  let tiles = params.across * params.down;
  let z = group / tiles;
  let firstRow = (group % tiles) / params.across * ${BM}u;
  let firstColumn = group % params.across * ${BN}u;
  let aStart = params.aAt + z * params.aStep;
  let bStart = params.bAt + z * params.bStep;
  let myRow = local / ${BN / TN}u;
  let myColumn = local % ${BN / TN}u;
${each(TM, (i) => each(TN, (j) => `  var c${i}_${j} = 0.0;`))}
  for (var first = 0u; first < params.k; first += ${BK}u) {
    // Neighbouring invocations read neighbours in memory, along whichever axis those lie.
    for (var i = local; i < ${BM * BK}u; i += ${threads}u) {
      let alongK = params.aColumn == 1u;
      let row = select(i % ${BM}u, i / ${BK}u, alongK);
      let t = select(i / ${BM}u, i % ${BK}u, alongK);
      var value = 0.0;
      if (firstRow + row < params.m && first + t < params.k) {
        value = a[aStart + (firstRow + row) * params.aRow + (first + t) * params.aColumn];
      }
      panelA[t * ${BM + 1}u + row] = value;
    }
    for (var i = local; i < ${BN * BK}u; i += ${threads}u) {
      let alongK = params.bRow == 1u && params.bColumn != 1u;
      let column = select(i % ${BN}u, i / ${BK}u, alongK);
      let t = select(i / ${BN}u, i % ${BK}u, alongK);
      var value = 0.0;
      if (firstColumn + column < params.n && first + t < params.k) {
        value = b[bStart + (first + t) * params.bRow + (firstColumn + column) * params.bColumn];
      }
      panelB[t * ${BN + 1}u + column] = value;
    }
    workgroupBarrier();
    // Panels are filled up with zeros, so the last one is like the others.
    for (var t = 0u; t < ${BK}u; t++) {
${each(TM, (i) => `      let a${i} = panelA[t * ${BM + 1}u + myRow + ${i * (BM / TM)}u];`)}
${each(TN, (j) => `      let b${j} = panelB[t * ${BN + 1}u + myColumn + ${j * (BN / TN)}u];`)}
${each(TM, (i) => each(TN, (j) => `      c${i}_${j} = fma(a${i}, b${j}, c${i}_${j});`))}
    }
    workgroupBarrier();
  }
  let cStart = params.cAt + z * params.m * params.n;
${each(TM, (i) => each(TN, (j) => storeOf(i * (BM / TM), j * (BN / TN), `c${i}_${j}`)))}`,
  }))
}
