/**
 * The common parts of all product kernels: their parameters, how they read four adjacent numbers of A or B in
 * any layout, which tile and which terms a workgroup computes, and how sums are written.
 */
import type { Factors } from '../../../backends/webgpu/wgsl/factors.ts'
import type { Bindings, ParameterType } from '../../../backends/webgpu/wgsl/wgsl.ts'

/** How a factor lies in memory. */
export interface OperandForm {
  /**
   * The axis along which adjacent numbers in memory lie: that of the terms (k), or that of the tile (rows of
   * A, columns of B).
   */
  readonly along: 'terms' | 'tile'
  /** Whether every four adjacent numbers can be read at once. */
  readonly vectors: boolean
}

/**
 * All that a kernel's text depends on besides its tile. Sizes are parameters, so that growth compiles
 * nothing.
 */
export interface ProductForm {
  readonly a: OperandForm
  readonly b: OperandForm
  /** Whether C can be written by fours. */
  readonly vectorsC: boolean
  /** Whether tiles may reach over the edges of the matrices. */
  readonly guarded: boolean
  readonly hasBias: boolean
  /** Whether sums are added to what C holds. */
  readonly accumulates: boolean
  readonly factors: Factors
}

/** Sizes of a tile: rows, columns, and terms that are summed at a time. */
export interface Tile {
  readonly rows: number
  readonly columns: number
  readonly terms: number
}

export const formKey = ({ a, b, vectorsC, guarded, hasBias, accumulates, factors }: ProductForm): string =>
  [a, b].map(({ along, vectors }) => `${along}${vectors ? ' by 4' : ''}`).join(', ') +
  `${vectorsC ? ', C by 4' : ''}${guarded ? ', guarded' : ''}${hasBias ? ', bias' : ''}${accumulates ? ', added' : ''}, ${factors.name}`

/** Number of forms for one kind of factors. */
export const formNumbers = 256

/** Numbers the forms of one kind of factors. */
export function numberOfForm({ a, b, vectorsC, guarded, hasBias, accumulates }: ProductForm): number {
  return (
    Number(a.along === 'terms') +
    2 * Number(a.vectors) +
    4 * Number(b.along === 'terms') +
    8 * Number(b.vectors) +
    16 * Number(vectorsC) +
    32 * Number(guarded) +
    64 * Number(hasBias) +
    128 * Number(accumulates)
  )
}

// biome-ignore format: a line for each matrix
const names = [
  'm', 'n', 'k', 'across', 'down', 'groups', 'splits', 'termsOfSplit',
  'aAt', 'aStride', 'aStep',
  'bAt', 'bStride', 'bStep',
  'cAt', 'cStep',
] as const

export type ProductParameters = Readonly<Record<(typeof names)[number], number>>

export const parameterTypes: Record<string, ParameterType> = Object.fromEntries(
  names.map((name) => [name, 'u32']),
)
export const parameterValues = (values: ProductParameters): number[] => names.map((name) => values[name])

export const bindingsOf = ({ a, b, vectorsC, hasBias }: ProductForm): Bindings => ({
  a: a.vectors ? 'read vec4f' : 'read f32',
  b: b.vectors ? 'read vec4f' : 'read f32',
  c: vectorsC ? 'write vec4f' : 'write f32',
  ...(hasBias && { bias: 'read f32' }),
})

/**
 * Declares `loadA` and `loadB(start, outer, inner)`: four numbers of the matrix that begins at `start`, from
 * coordinate `inner` of the axis along which they are adjacent, at `outer` of the other; zeros beyond the
 * edges. Also declares `put(row, column, place, sums)`, which writes four adjacent numbers of C.
 */
export function operandFunctions(form: ProductForm): string {
  const { a, b, vectorsC, guarded, hasBias, accumulates, factors } = form
  const [rows, columns, terms] = ['params.m', 'params.n', 'params.k']
  const bias = (i: number): string => (hasBias ? ` + bias[column + ${i}u]` : '')
  const sign = accumulates ? '+=' : '='
  const putOne = (i: number): string =>
    `if (column + ${i}u < params.n) { c[place + ${i}u] ${sign} sums[${i}]${bias(i)}; }`
  const biases = `vec4f(${[0, 1, 2, 3].map((i) => `bias[column + ${i}u]`).join(', ')})`
  return `${factors.declarations}
${load('A', a, a.along === 'terms' ? [rows, terms] : [terms, rows], guarded)}
${load('B', b, b.along === 'terms' ? [columns, terms] : [terms, columns], guarded)}
fn put(row: u32, column: u32, place: u32, sums: vec4f) {
  ${guarded ? 'if (row >= params.m || column >= params.n) { return; }' : ''}
  ${vectorsC ? `c[place / 4u] ${sign} sums${hasBias ? ` + ${biases}` : ''};` : [0, 1, 2, 3].map(putOne).join('\n  ')}
}`
}

function load(
  matrix: 'A' | 'B',
  { vectors }: OperandForm,
  [outerEnd, innerEnd]: readonly [string, string],
  guarded: boolean,
): string {
  const buffer = matrix.toLowerCase()
  const one = (i: number): string =>
    guarded
      ? `if (inner + ${i}u < ${innerEnd}) { four[${i}] = ${buffer}[at + ${i}u]; }`
      : `four[${i}] = ${buffer}[at + ${i}u];`
  const scalars = `var four = vec4f(0.0);
  ${[0, 1, 2, 3].map(one).join('\n  ')}
  return four;`
  return `fn load${matrix}(start: u32, outer: u32, inner: u32) -> vec4f {
  ${guarded ? `if (outer >= ${outerEnd} || inner >= ${innerEnd}) { return vec4f(0.0); }` : ''}
  let at = start + outer * params.${buffer}Stride + inner;
  ${vectors ? `return ${buffer}[at / 4u];` : scalars}
}`
}

/**
 * Statements that find this workgroup's tile and terms: `firstRow`, `firstColumn`, `firstTerm`, `lastTerm`,
 * and where its matrices begin: `aStart`, `bStart`, `cStart`. Eight tiles that lie above each other come one
 * after another, so that they find the same columns of B in the cache.
 */
export const tileOfGroup = ({ rows, columns }: Tile): string => `  if (group >= params.groups) { return; }
  let tiles = params.across * params.down;
  let plane = group / tiles;
  let z = plane / params.splits;
  let band = group % tiles / (8u * params.across);
  let inBand = group % tiles % (8u * params.across);
  let height = min(8u, params.down - 8u * band);
  let firstRow = (8u * band + inBand % height) * ${rows}u;
  let firstColumn = inBand / height * ${columns}u;
  let firstTerm = plane % params.splits * params.termsOfSplit;
  let lastTerm = min(params.k, firstTerm + params.termsOfSplit);
  let aStart = params.aAt + z * params.aStep;
  let bStart = params.bAt + z * params.bStep;
  let cStart = params.cAt + plane * params.cStep;`

/** Writes one line for each number below `count`. */
export const each = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n')
