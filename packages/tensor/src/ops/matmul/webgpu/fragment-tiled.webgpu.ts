/**
 * Products of half precision factors in fragments, with sums in single precision: four subgroups make a
 * quarter each of a tile. Panels keep the order in which their matrix lies in memory; a transposition only
 * changes how fragments are read from them.
 */
import type { Fragments } from '../../../backends/webgpu/wgsl/fragments.ts'
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

const workgroup = 128
/** Numbers between two lines of a panel, so that lines do not begin in the same bank of memory. */
const gap = 8

/** Bytes of workgroup memory that a tile takes. */
export function fragmentTileBytes({ rows, columns, terms }: Tile, { shape }: Fragments): number {
  return 2 * (rows + columns) * (terms + gap) + 16 * shape.rows * shape.columns
}

export function fragmentProduct(tile: Tile, fragments: Fragments, form: ProductForm): KernelSource {
  const { rows, columns, terms } = tile
  const { shape, subgroup } = fragments
  const [a, b] = [
    panel('A', form.a, rows, terms, [shape.rows, shape.terms]),
    panel('B', form.b, columns, terms, [shape.columns, shape.terms]),
  ]
  const [down, across] = [rows / 2 / shape.rows, columns / 2 / shape.columns]
  // Within the edges and with nothing to be added, sums go straight into C.
  const isDirect = !form.guarded && !form.hasBias && !form.accumulates
  const written = { ...form, vectorsC: form.vectorsC && !isDirect }
  const size = shape.rows * shape.columns
  return {
    bindings: bindingsOf(written),
    parameters: parameterTypes,
    workgroup,
    needs: fragments.needs,
    declarations: `${operandFunctions(written)}
${a.declaration}
${b.declaration}
${isDirect ? '' : `var<workgroup> scratch: array<f32, ${4 * size}>;`}`,
    body: `${tileOfGroup(tile)}
  let myRow = ${subgroup} / 2u * ${rows / 2}u;
  let myColumn = ${subgroup} % 2u * ${columns / 2}u;
${each(down, (i) => each(across, (j) => `  ${fragments.zero(`c${i}_${j}`)}`))}
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
    for (var step = 0u; step < ${terms / shape.terms}u; step++) {
${each(down, (i) => a.fragment(fragments.left, `a${i}`, 'myRow', i))}
${each(across, (j) => b.fragment(fragments.right, `b${j}`, 'myColumn', j))}
${each(down, (i) => each(across, (j) => `      ${fragments.multiply(`c${i}_${j}`, `a${i}`, `b${j}`)}`))}
    }
    workgroupBarrier();
  }
${each(down, (i) =>
  each(across, (j) => {
    const [row, column] = [
      `firstRow + myRow + ${i * shape.rows}u`,
      `firstColumn + myColumn + ${j * shape.columns}u`,
    ]
    return isDirect
      ? `  ${fragments.store(`c${i}_${j}`, { array: 'c', at: `cStart + (${row}) * params.n + ${column}`, stride: 'params.n' })}`
      : putThroughScratch(fragments, `c${i}_${j}`, row, column)
  }),
)}`,
  }
}

/**
 * Writes sums through workgroup memory, to add a bias and to stop at the edges: the layout of a fragment's
 * sums is unknown.
 */
function putThroughScratch(fragments: Fragments, sums: string, row: string, column: string): string {
  const { rows, columns } = fragments.shape
  const at = `${fragments.subgroup} * ${rows * columns}u`
  return `  ${fragments.store(sums, { array: 'scratch', at, stride: `${columns}u` })}
  workgroupBarrier();
  for (var i = local % 32u; i < ${(rows * columns) / 4}u; i += 32u) {
    let row = ${row} + i / ${columns / 4}u;
    let column = ${column} + i % ${columns / 4}u * 4u;
    let source = ${at} + 4u * i;
    put(row, column, cStart + row * params.n + column, vec4f(${[0, 1, 2, 3].map((c) => `scratch[source + ${c}u]`).join(', ')}));
  }
  workgroupBarrier();`
}

/** The WGSL of one panel of `size` rows or columns and `terms` terms. */
function panel(
  matrix: 'A' | 'B',
  { along }: OperandForm,
  size: number,
  terms: number,
  [fragmentSize, termStep]: readonly [number, number],
) {
  const alongTerms = along === 'terms'
  const perLine = (alongTerms ? terms : size) / 4
  const pitch = perLine + gap / 4
  const lines = alongTerms ? size : terms
  const tileStart = matrix === 'A' ? 'firstRow' : 'firstColumn'
  const loads = (size * terms) / 4 / workgroup
  const [name, next] = [`panel${matrix}`, `next${matrix}`]
  const load = (i: number, term: string): string => {
    const chunk = `(local + ${i * workgroup}u)`
    const [outer, inner] = alongTerms ? [tileStart, term] : [term, tileStart]
    const start = `${matrix.toLowerCase()}Start`
    return `rounded(load${matrix}(${start}, ${outer} + ${chunk} / ${perLine}u, ${inner} + ${chunk} % ${perLine}u * 4u))`
  }
  return {
    declaration: `var<workgroup> ${name}: array<vec4<f16>, ${lines * pitch}>;`,
    declareNext: each(loads, (i) => `  var ${next}${i} = ${load(i, 'firstTerm')};`),
    loadNext: each(loads, (i) => `      ${next}${i} = ${load(i, `first + ${terms}u`)};`),
    fill: each(loads, (i) => {
      const chunk = `(local + ${i * workgroup}u)`
      return `    ${name}[${chunk} / ${perLine}u * ${pitch}u + ${chunk} % ${perLine}u] = ${next}${i};`
    }),
    /** Declares the fragment number `i` from `mine` on, at a `step` of the terms. */
    fragment: (make: Fragments['left'], fragment: string, mine: string, i: number): string => {
      const at = alongTerms
        ? `(${mine} + ${i * fragmentSize}u) * ${pitch}u + step * ${termStep / 4}u`
        : `step * ${termStep * pitch}u + (${mine} + ${i * fragmentSize}u) / 4u`
      // Lines of a panel along the terms are rows of the left factor and columns of the right one.
      const order = alongTerms === (matrix === 'A') ? 'row' : 'column'
      return `      ${make(fragment, { array: name, at, stride: `${pitch}u` }, order)}`
    },
  }
}
