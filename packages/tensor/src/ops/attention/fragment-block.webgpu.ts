/**
 * The common parts of attention kernels in fragments. Factors are in half precision, sums and softmax in
 * single precision.
 *
 * A subgroup has 16 rows of its own; tiles of 32 rows of the other side pass by. The layout of a fragment's
 * sums is unknown, so scores go through workgroup memory to the two invocations of each row, which turn them
 * into weights and write these back as factors. There are no subgroup operations: some drivers cannot compile
 * them beside fragments.
 */
import type { Fragments } from '../../backends/webgpu/wgsl/fragments.ts'
import { mathFunctions } from '../../backends/webgpu/wgsl/wgsl-math.ts'
import { halfFactors } from '../../backends/webgpu/wgsl/factors.ts'
import { each } from '../matmul/webgpu/operands.webgpu.ts'

/** Number of rows in a tile of the other side. */
export const tileRows = 32
/** Vectors between two lines of factors, so that lines do not begin in the same bank of memory. */
const gap = 2
/** Vectors in a line of weights. */
const weightPitch = tileRows / 4 + gap

/** The size of a workgroup. */
export interface FragmentBlock {
  /** Numbers of a head, a multiple of 32. */
  readonly d: number
  /** Number of subgroups, each with 16 rows of its own. */
  readonly subgroups: number
  readonly fragments: Fragments
}

/** Matrices of own rows and of passing tiles that a kernel holds at once. */
type Holds = readonly [own: number, tiles: number]
const forwardHolds: Holds = [1, 1]
const backwardHolds: Holds = [2, 2]

/**
 * The largest block that fits into workgroup memory; `undefined` if none fits, or the device has no fragments
 * of 16 × 16 × 16.
 */
export function fragmentBlock(
  pass: 'forward' | 'backward',
  d: number,
  fragments: Fragments | undefined,
  workgroupBytes: number,
): FragmentBlock | undefined {
  if (fragments === undefined || d % 32 !== 0 || d > 128) return undefined
  const { rows, columns, terms } = fragments.shape
  if (rows !== 16 || columns !== 16 || terms !== 16) return undefined
  const [own, tiles] = pass === 'forward' ? forwardHolds : backwardHolds
  const bytes = (subgroups: number): number =>
    8 * (d / 4 + gap) * (own * 16 * subgroups + tiles * tileRows) +
    subgroups * 16 * (4 * tileRows + 8 * weightPitch)
  const subgroups = [4, 2, 1].find((count) => bytes(count) <= workgroupBytes)
  return subgroups === undefined ? undefined : { d, subgroups, fragments }
}

/** The number of a workgroup's own rows. */
export const rowsOfBlock = ({ subgroups }: FragmentBlock): number => 16 * subgroups

/**
 * Code of all three kernels: `lane` handles half of row `row` of its subgroup, from column `16 * part` of a
 * tile on.
 */
export const lanes = ({ fragments }: FragmentBlock): string => `  let mine = ${fragments.subgroup};
  let row = local % 32u / 2u;
  let part = local % 2u;
  let scoresAt = mine * ${16 * tileRows}u + row * ${tileRows}u;
  let weightsAt = (mine * 16u + row) * ${weightPitch}u + part * 4u;`

export const declarations = (
  block: FragmentBlock,
  own: readonly string[],
  tiles: readonly string[],
): string => {
  const pitch = block.d / 4 + gap
  return `${mathFunctions}
${halfFactors.declarations}
fn queryPlace(batch: u32, head: u32, row: u32) -> u32 { return ((batch * params.t + row) * params.h + head) * ${block.d / 4}u; }
fn keyPlace(batch: u32, group_: u32, row: u32) -> u32 { return ((batch * params.s + row) * params.g + group_) * ${block.d / 4}u; }
${own.map((name) => `var<workgroup> ${name}: array<vec4<f16>, ${rowsOfBlock(block) * pitch}>;`).join('\n')}
${tiles.map((name) => `var<workgroup> ${name}: array<vec4<f16>, ${tileRows * pitch}>;`).join('\n')}
var<workgroup> scores: array<f32, ${block.subgroups * 16 * tileRows}>;
var<workgroup> weights: array<vec4<f16>, ${block.subgroups * 16 * weightPitch}>;`
}

/** Fills `rows` lines of `to` with rows from `first` on; those from `end` on are zeros. */
export function fill(
  { d, subgroups }: FragmentBlock,
  to: string,
  buffer: string,
  rows: number,
  [first, end]: readonly [string, string],
  place: (row: string) => string,
): string {
  const perRow = d / 4
  return `    for (var i = local; i < ${rows * perRow}u; i += ${32 * subgroups}u) {
      let r = ${first} + i / ${perRow}u;
      var four = vec4f(0.0);
      if (r < ${end}) { four = ${buffer}[${place('r')} + i % ${perRow}u]; }
      ${to}[i / ${perRow}u * ${perRow + gap}u + i % ${perRow}u] = rounded(four);
    }`
}

/** scores = own rows · (tile rows)ᵀ */
export function scoreProduct(
  { d, fragments }: FragmentBlock,
  own: string,
  tile: string,
  name: string,
): string {
  const pitch = d / 4 + gap
  return `    ${fragments.zero(`${name}0`)}
    ${fragments.zero(`${name}1`)}
    for (var step = 0u; step < ${d / 16}u; step++) {
      ${fragments.left(`${name}Own`, { array: own, at: `mine * ${16 * pitch}u + step * 4u`, stride: `${pitch}u` }, 'row')}
${each(2, (c) => {
  const right = { array: tile, at: `${c * 16 * pitch}u + step * 4u`, stride: `${pitch}u` }
  return `      ${fragments.right(`${name}Other${c}`, right, 'column')}
      ${fragments.multiply(`${name}${c}`, `${name}Own`, `${name}Other${c}`)}`
})}
    }
${each(2, (c) => `    ${storeScores(fragments, `${name}${c}`, c)}`)}`
}

/** Sums go beside each other into the scores: fragment `c` of two. */
export const storeScores = (fragments: Fragments, sums: string, c: number): string =>
  fragments.store(sums, {
    array: 'scores',
    at: `mine * ${16 * tileRows}u + ${16 * c}u`,
    stride: `${tileRows}u`,
  })

/** Each of `sums` += weights · tile, 16 columns of the tile for each. */
export function weightedSums(
  { d, fragments }: FragmentBlock,
  tile: string,
  sums: readonly [string, number][],
): string {
  const pitch = d / 4 + gap
  return `    for (var step = 0u; step < ${tileRows / 16}u; step++) {
      ${fragments.left(`${tile}Weights`, { array: 'weights', at: `mine * ${16 * weightPitch}u + step * 4u`, stride: `${weightPitch}u` }, 'row')}
${sums
  .map(([name, column]) => {
    const right = { array: tile, at: `step * ${16 * pitch}u + ${column / 4}u`, stride: `${pitch}u` }
    return `      ${fragments.right(`${name}Right`, right, 'row')}
      ${fragments.multiply(name, `${tile}Weights`, `${name}Right`)}`
  })
  .join('\n')}
    }`
}

/** Four scores of this invocation, from its number `4 * i` on. */
export const fourScores = (i: number): string =>
  `vec4f(${[0, 1, 2, 3].map((c) => `scores[scoresAt + part * 16u + ${4 * i + c}u]`).join(', ')})`

/** The block of queries of this workgroup; long ones begin first. */
export const blockOfQueries = (block: FragmentBlock): string => {
  const rows = rowsOfBlock(block)
  return `  if (group >= params.groups) { return; }
  let block = params.blocks - 1u - group % params.blocks;
  let head = group / params.blocks % params.h;
  let batch = group / (params.blocks * params.h);
  let keyHead = head * params.g / params.h;
  let firstRow = block * ${rows}u;
  let lastSeen = min(params.keys, select(params.keys, firstRow + ${rows}u + params.ahead, params.causal != 0u));`
}
