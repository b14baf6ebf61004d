/**
 * Reduce on WebGPU. One invocation computes a result where adjacent numbers in memory belong to adjacent
 * results (columns), else one workgroup does, whose partial results are joined in a tree. Both orders are
 * fixed: the same bits at every run.
 */
import { boxParameters, joinAxes, places } from '../../backends/webgpu/wgsl/strided.ts'
import type { WebGpuBackend, WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import type { GpuBuffer } from '../../backends/webgpu/queue/buffer-pool.ts'
import { blockedSums, type TermRange } from '../../backends/webgpu/wgsl/blocked-sum.ts'
import { mathFunctions } from '../../backends/webgpu/wgsl/wgsl-math.ts'
import type { DType } from '../../dtype.ts'
import { sizeOf, stridesOf } from '../../shape.ts'
import type { ReduceAttrs } from './reduce.ts'

type Kind = ReduceAttrs['kind']

/** Invocations that share one result. */
const workgroup = 128
/** Number of terms from which on a workgroup computes one result. */
const manyTerms = 64
/** Maximum number of terms of one workgroup, where there are few results: more are cut into pieces first. */
const pieceTerms = 8192

export const reduceWebGpu: WebGpuKernel<'reduce'> = (backend, [x], [out], { kind, axes }) => {
  const strides = stridesOf(x.shape)
  const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i))
  const of = (chosen: readonly number[]): { sizes: number[]; strides: number[][] } =>
    joinAxes(
      chosen.map((i) => x.shape[i]),
      [chosen.map((i) => strides[i])],
    )
  const results = sizeOf(out.shape)
  const [rows, terms] = [of(kept), of(axes)]
  const count = sizeOf(x.shape) / Math.max(results, 1)
  const about = { kind, dtype: x.dtype }
  const pieces = Math.ceil(count / pieceTerms)
  if (results === 1 && terms.sizes.length <= 1 && pieces > 1) {
    // One long row: its pieces are rows of their own, the last one shorter.
    backend.scratch(4 * pieces, 'reduce', (partial) => {
      const whole = { rows: { sizes: [pieces], strides: [[pieceTerms]] }, results: pieces }
      reduceRows(backend, x.buffer, partial, { ...about, ...whole, terms, count: pieceTerms, end: count })
      const last = { rows: { sizes: [], strides: [[]] }, results: 1, end: pieces }
      const joined = { sizes: [pieces], strides: [[1]] }
      reduceRows(backend, partial, out.buffer, { ...about, ...last, terms: joined, count: pieces })
    })
    return
  }
  reduceRows(backend, x.buffer, out.buffer, { ...about, rows, terms, results, count, end: sizeOf(x.shape) })
}

interface Rows {
  readonly kind: Kind
  readonly dtype: DType
  /** Layout of the results' first terms, and of the terms of one. */
  readonly rows: { sizes: number[]; strides: number[][] }
  readonly terms: { sizes: number[]; strides: number[][] }
  readonly results: number
  /** Number of terms of each result. */
  readonly count: number
  /** Places from here on are beyond the data. */
  readonly end: number
}

function reduceRows(
  backend: WebGpuBackend,
  from: GpuBuffer,
  to: GpuBuffer,
  { kind, dtype, rows, terms, results, count, end }: Rows,
): void {
  const ranks = [rows.sizes.length, terms.sizes.length]
  const isShared = count >= manyTerms && (terms.strides[0].at(-1) === 1 || results < 1024)
  const program = backend.program(
    `reduce ${kind} ${dtype} ${ranks.join(' ')}${isShared ? ' shared' : ''}`,
    () => {
      const start = places(ranks[0], ['row'], isShared ? 'group' : 'index', 'row')
      const before = `${places(ranks[1], ['term'], 'i', 'term')}
    let place = rowPlace + termPlace;`
      const terms = isShared
        ? termLoop(kind, dtype, { first: 'local', end: 'params.count', step: workgroup, before })
        : termLoop(kind, dtype, { first: '0u', end: 'params.count', step: 1, levels: 4, before })
      return {
        bindings: { x: `read ${dtype}`, to: `write ${dtype}` },
        parameters: {
          results: 'u32',
          count: 'u32',
          end: 'u32',
          ...boxParameters(ranks[0], ['row'], 'row'),
          ...boxParameters(ranks[1], ['term'], 'term'),
        },
        ...(isShared && { workgroup }),
        declarations: `${mathFunctions}${isShared ? `\nvar<workgroup> scratchpad: array<${dtype}, ${workgroup}>;` : ''}`,
        body: isShared
          ? `  if (group >= params.results) { return; }
${start}
${terms}
  scratchpad[local] = total;
  for (var half = ${workgroup / 2}u; half > 0u; half = half >> 1u) {
    workgroupBarrier();
    if (local < half) { scratchpad[local] = ${join(kind, dtype, 'scratchpad[local]', 'scratchpad[local + half]')}; }
  }
  if (local == 0u) { to[group] = scratchpad[0]; }`
          : `  if (index >= params.results) { return; }
${start}
${terms}
  to[index] = total;`,
      }
    },
  )
  const boxes = [...rows.sizes, 0, ...rows.strides[0], ...terms.sizes, 0, ...terms.strides[0]]
  const parameters = [results, count, end, ...boxes]
  if (isShared) backend.runGroups(program, [from, to], parameters, results)
  else backend.run(program, [from, to], parameters, results)
}

/** Declares `total`, the sum of the terms at `place` that exist. */
function termLoop(kind: Kind, dtype: DType, range: TermRange): string {
  if (kind === 'sum') {
    const zero = `${dtype}(0)`
    return blockedSums({ total: `select(${zero}, x[place], place < params.end)` }, range, zero)
  }
  const { first, end, step, before } = range
  return `  var total: ${dtype} = ${nothing(kind, dtype)};
  for (var i = ${first}; i < ${end}; i += ${step}u) {
${before}
    if (place < params.end) { total = ${join(kind, dtype, 'total', 'x[place]')}; }
  }`
}

/** Joins two partial results. */
function join(kind: Kind, dtype: DType, a: string, b: string): string {
  if (kind === 'sum') return `${a} + ${b}`
  return dtype === 'f32' ? `${kind}imum(${a}, ${b})` : `${kind}(${a}, ${b})`
}

/** The largest or smallest of no terms. */
function nothing(kind: 'max' | 'min', dtype: DType): string {
  if (dtype === 'f32') return `bitcast<f32>(${kind === 'max' ? '0xff800000u' : '0x7f800000u'} | params.zero)`
  return kind === 'max' ? 'i32(-2147483647) - 1' : 'i32(2147483647)'
}
