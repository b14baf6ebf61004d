/**
 * Products in register tiles: a workgroup makes a tile of C from panels of A and B in workgroup memory; an
 * invocation has blocks of 4 × 4 of it, as far apart as there are invocations, so that adjacent invocations
 * read adjacent numbers. The next panels are loaded while these are multiplied. Sums run in the order of k.
 */
import type { KernelSource } from '../../../backends/webgpu/wgsl/wgsl.ts'
import {
  bindingsOf,
  each,
  type OperandForm,
  operandFunctions,
  parameterTypes,
  type ProductForm,
  type Tile,
  tileOfGroup,
} from './operands.webgpu.ts'

/** A tile and each invocation's part of it, multiples of 4. */
export interface RegisterTile extends Tile {
  readonly myRows: number
  readonly myColumns: number
}

/**
 * @param unrolls Whether compilers may unroll the loop over terms, which pays on GPUs; for a processor they
 *   take seconds over it.
 */
export function tiledProduct(tile: RegisterTile, form: ProductForm, unrolls: boolean): KernelSource {
  const { rows, columns, terms, myRows, myColumns } = tile
  const workgroup = (rows / myRows) * (columns / myColumns)
  const [a, b] = [
    panel('A', form.a, rows, terms, workgroup, form.factors.type),
    panel('B', form.b, columns, terms, workgroup, form.factors.type),
  ]
  const [down, across] = [myRows / 4, myColumns / 4]
  /** The distance between the blocks of an invocation in a tile. */
  const [rowStep, columnStep] = [rows / down, columns / across]
  const each44 = (line: (i: number, row: number, j: number) => string): string =>
    each(down, (i) => each(4, (row) => each(across, (j) => line(i, row, j))))
  return {
    bindings: bindingsOf(form),
    parameters: parameterTypes,
    workgroup,
    needs: form.factors.needs,
    declarations: `${operandFunctions(form)}\n${a.declaration}\n${b.declaration}`,
    body: `${tileOfGroup(tile)}
  let myRow = local / ${columns / myColumns}u * 4u;
  let myColumn = local % ${columns / myColumns}u * 4u;
${each44((i, row, j) => `  var c${i}_${row}_${j} = vec4f(0.0);`)}
${a.declareNext}
${b.declareNext}
  for (var first = firstTerm; first < lastTerm; first += ${terms}u) {
${a.fill}
${b.fill}
    workgroupBarrier();
    if (first + ${terms}u < lastTerm) {
${a.loadNext}
${b.loadNext}
    }
    for (var t = ${unrolls ? '0u' : 'params.zero'}; t < ${terms}u; t++) {
${each(down, (i) => `      let a${i} = ${a.read('t', `myRow + ${i * rowStep}u`)};`)}
${each(across, (j) => `      let b${j} = ${b.read('t', `myColumn + ${j * columnStep}u`)};`)}
${each44((i, row, j) => `      c${i}_${row}_${j} = fma(vec4f(a${i}[${row}]), b${j}, c${i}_${row}_${j});`)}
    }
    workgroupBarrier();
  }
${each44((i, row, j) => {
  const [atRow, atColumn] = [
    `firstRow + myRow + ${i * rowStep + row}u`,
    `firstColumn + myColumn + ${j * columnStep}u`,
  ]
  return `  put(${atRow}, ${atColumn}, cStart + (${atRow}) * params.n + ${atColumn}, c${i}_${row}_${j});`
})}`,
  }
}

/** The WGSL of one panel: `size` rows or columns of `terms` numbers, ordered by term. */
function panel(
  matrix: 'A' | 'B',
  { along }: OperandForm,
  size: number,
  terms: number,
  workgroup: number,
  type: string,
) {
  const pitch = size + 4
  const perLine = along === 'terms' ? terms / 4 : size / 4
  const firstOuter = along === 'terms' ? (matrix === 'A' ? 'firstRow' : 'firstColumn') : 'first'
  const firstInner = along === 'terms' ? 'first' : matrix === 'A' ? 'firstRow' : 'firstColumn'
  const loads = (size * terms) / 4 / workgroup
  const start = `${matrix.toLowerCase()}Start`
  const [name, next] = [`panel${matrix}`, `next${matrix}`]
  // Reads four adjacent numbers at once along the tile; along the terms, the four belong to four terms.
  const byFours = along === 'tile'
  const place = (i: number): string => `let i = local + ${i * workgroup}u;`
  const load = (i: number, from: 'firstTerm' | 'next'): string => {
    const term = from === 'next' ? `first + ${terms}u` : 'firstTerm'
    const at = (origin: string): string => (origin === 'first' ? term : origin)
    const chunk = `(local + ${i * workgroup}u)`
    return `load${matrix}(${start}, ${at(firstOuter)} + ${chunk} / ${perLine}u, ${at(firstInner)} + ${chunk} % ${perLine}u * 4u)`
  }
  return {
    declaration: byFours
      ? `var<workgroup> ${name}: array<vec4<${type}>, ${(terms * pitch) / 4}>;`
      : `var<workgroup> ${name}: array<${type}, ${terms * pitch}>;`,
    declareNext: each(loads, (i) => `  var ${next}${i} = ${load(i, 'firstTerm')};`),
    loadNext: each(loads, (i) => `      ${next}${i} = ${load(i, 'next')};`),
    fill: each(loads, (j) =>
      byFours
        ? `    { ${place(j)} ${name}[i / ${perLine}u * ${pitch / 4}u + i % ${perLine}u] = rounded(${next}${j}); }`
        : `    { ${place(j)} let four = rounded(${next}${j}); let at = i % ${perLine}u * ${4 * pitch}u + i / ${perLine}u;
${each(4, (c) => `      ${name}[at + ${c * pitch}u] = four[${c}];`)} }`,
    ),
    /** Four neighbors, from `at` on, of term `t`. */
    read: (t: string, at: string): string =>
      byFours
        ? `vec4f(${name}[(${t} * ${pitch}u + ${at}) / 4u])`
        : `vec4f(${[0, 1, 2, 3].map((c) => `f32(${name}[${t} * ${pitch}u + ${at} + ${c}u])`).join(', ')})`,
  }
}
