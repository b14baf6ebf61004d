/**
 * Fragments: matrices that the 32 invocations of a subgroup hold together and multiply at once, on tensor
 * cores where the adapter has them (Dawn's subgroup matrices). The same kernels run with emulated fragments
 * on any adapter with half precision, which proves everything about them except the speed.
 */
import type { Extension } from './wgsl.ts'

/** Rows and columns of a fragment of sums, and how many terms one multiplication adds. */
export interface FragmentShape {
  readonly rows: number
  readonly columns: number
  readonly terms: number
}

/** Whether adjacent numbers in memory lie along a row or along a column of the fragment. */
type Order = 'row' | 'column'

/**
 * The beginning of a fragment and the step between its lines; for factors, which lie in an
 * `array<vec4<f16>>`, both in vectors.
 */
interface Place {
  readonly array: string
  readonly at: string
  readonly stride: string
}

/** Writes the WGSL of fragments. Factors must stay in their array until they have been multiplied. */
export interface Fragments {
  readonly name: string
  readonly shape: FragmentShape
  readonly needs: readonly Extension[]
  /** Number of the subgroup in its workgroup. */
  readonly subgroup: string
  /** Declares sums that are all 0. */
  zero(sums: string): string
  /** Declares a factor of [rows, terms]. */
  left(name: string, place: Place, order: Order): string
  /** Declares a factor of [terms, columns]. */
  right(name: string, place: Place, order: Order): string
  /** sums += left · right. */
  multiply(sums: string, left: string, right: string): string
  /** Writes sums row by row into an `array<f32>`. */
  store(sums: string, place: Place): string
}

/** Fragments of the adapter's tensor cores. */
export function tensorCores(shape: FragmentShape): Fragments {
  const { rows, columns, terms } = shape
  const load = (side: string, name: string, { array, at, stride }: Place, order: Order): string =>
    `let ${name} = subgroupMatrixLoad<subgroup_matrix_${side}, ${order === 'row' ? 'row_major' : 'col_major'}>(&${array}, ${at}, ${stride});`
  return {
    name: `tensor cores ${rows}×${columns}×${terms}`,
    shape,
    needs: ['half precision', 'tensor cores'],
    subgroup: 'subgroup',
    zero: (sums) => `var ${sums}: subgroup_matrix_result<f32, ${columns}, ${rows}>;`,
    left: (name, place, order) => load(`left<f16, ${terms}, ${rows}>`, name, place, order),
    right: (name, place, order) => load(`right<f16, ${columns}, ${terms}>`, name, place, order),
    multiply: (sums, left, right) =>
      `${sums} = subgroupMatrixMultiplyAccumulate(${left}, ${right}, ${sums});`,
    store: (sums, { array, at, stride }) =>
      `subgroupMatrixStore<row_major>(&${array}, ${at}, ${sums}, ${stride});`,
  }
}

/**
 * Fragments by ordinary arithmetic: each invocation has some adjacent numbers of one row and reads the
 * factors from memory. Loops begin at a 0 that compilers do not see, so that they do not unroll them for
 * minutes.
 */
export function emulatedFragments(shape: FragmentShape): Fragments {
  const { rows, columns, terms } = shape
  const own = (rows * columns) / 32
  const perRow = columns / own
  const [row, column] = [`(local % 32u / ${perRow}u)`, `(local % ${perRow}u * ${own}u)`]
  const factors = new Map<string, { array: string; order: Order }>()
  const factor: Fragments['left'] = (name, { array, at, stride }, order) => {
    factors.set(name, { array, order })
    return `let ${name} = vec2u(${at}, ${stride});`
  }
  const element = (name: string, i: string, j: string): string => {
    const { array, order } = factors.get(name) as { array: string; order: Order }
    const [line, along] = order === 'row' ? [i, j] : [j, i]
    return `vec4f(${array}[${name}.x + (${line}) * ${name}.y + (${along}) / 4u])[(${along}) % 4u]`
  }
  const each = (line: (j: number) => string): string =>
    Array.from({ length: own }, (_, j) => line(j)).join('\n')
  return {
    name: `emulated ${rows}×${columns}×${terms}`,
    shape,
    needs: ['half precision'],
    subgroup: '(local / 32u)',
    zero: (sums) => each((j) => `var ${sums}_${j} = 0.0;`),
    left: factor,
    right: factor,
    multiply: (sums, left, right) => `for (var t = params.zero; t < ${terms}u; t++) {
  let x = ${element(left, row, 't')};
${each((j) => `  ${sums}_${j} = fma(x, ${element(right, 't', `${column} + ${j}u`)}, ${sums}_${j});`)}
}`,
    store: (sums, { array, at, stride }) =>
      each((j) => `${array}[${at} + ${row} * ${stride} + ${column} + ${j}u] = ${sums}_${j};`),
  }
}
