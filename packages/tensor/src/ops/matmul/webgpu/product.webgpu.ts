/**
 * Strided matrix products on WebGPU: chooses a kernel, splits long sums among workgroups where tiles are few,
 * and calls it.
 */
import { factorsOf } from '../../../backends/webgpu/capabilities.ts'
import type { Factors } from '../../../backends/webgpu/wgsl/factors.ts'
import type { GpuBuffer } from '../../../backends/webgpu/queue/buffer-pool.ts'
import type { Program, WebGpuBackend } from '../../../backends/webgpu/webgpu-backend.ts'
import {
  formKey,
  formNumbers,
  numberOfForm,
  type OperandForm,
  type ProductForm,
  type ProductParameters,
  parameterValues,
  type Tile,
} from './operands.webgpu.ts'
import { defaultVariant, type VariantName, variants } from './variants.webgpu.ts'

/**
 * A matrix, or one for each of a batch: first element and steps from row to row, column to column, matrix to
 * matrix.
 */
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
  /** A. Rows or columns of A and B must be dense. */
  readonly a: Matrix
  readonly b: Matrix
  /** C, row-major and dense. */
  readonly c: { readonly buffer: GpuBuffer; readonly at: number }
  /** A row of n numbers that every row of C begins with. */
  readonly bias?: GpuBuffer
  /** C += A·B instead of C = A·B. */
  readonly accumulates?: boolean
}

/** The form of a product before its tile is known. */
export function productForm(asked: Product, factors: Factors): ProductForm {
  const { m, n, k, a, b, c, bias } = asked
  return {
    a: formOf(a, 'column', m, k),
    b: formOf(b, 'row', n, k),
    vectorsC: n % 4 === 0 && c.at % 4 === 0,
    guarded: true,
    hasBias: bias !== undefined,
    accumulates: asked.accumulates === true,
    factors,
  }
}

/**
 * Computes C = A·B + bias.
 *
 * @param forced The kernel to use, for tests and measurements. Default: the best one.
 */
export function product(backend: WebGpuBackend, given: Product, forced?: VariantName): void {
  if (given.m * given.n * given.batch === 0) return
  const asked = asColumns(given)
  const { m, n, k, batch, a, b, c, bias } = asked
  const { capabilities } = backend
  const parts = Math.max(1, Math.min(maxParts, Math.floor(roomForParts / (m * n * batch))))
  const longest = longestRun(factorsOf(capabilities))
  if (k > parts * longest) return inStretches(backend, asked, parts * longest, forced)
  const open = productForm(asked, factorsOf(capabilities))
  // A tuning was checked when the device was opened.
  const tuned = backend.isTuned ? (backend.tuning(productClass(asked, open)) as VariantName) : undefined
  const name = forced ?? tuned ?? defaultVariant(asked, open, capabilities)
  const variant = variants[name]
  const tile = variant.tile(open)
  const form = {
    ...open,
    guarded: k === 0 || m % tile.rows > 0 || n % tile.columns > 0 || k % tile.terms > 0,
  }
  const [across, down] = [Math.ceil(n / tile.columns), Math.ceil(m / tile.rows)]
  const { splits, termsOfSplit } = splitOf(across * down * batch, k, tile, capabilities.busyGroups, longest)
  const parameters = (cAt: number): ProductParameters => ({
    m,
    n,
    k,
    across,
    down,
    splits,
    termsOfSplit,
    groups: across * down * batch * splits,
    aAt: a.at,
    aStride: open.a.along === 'terms' ? a.row : a.column,
    aStep: a.step,
    bAt: b.at,
    bStride: open.b.along === 'terms' ? b.column : b.row,
    bStep: b.step,
    cAt,
    cStep: m * n,
  })
  const call = (to: GpuBuffer, cAt: number, withBias: GpuBuffer | undefined): void => {
    const own = { ...form, hasBias: withBias !== undefined, accumulates: form.accumulates && to === c.buffer }
    const program = programOf(backend, name, own)
    const buffers = [a.buffer, b.buffer, to, ...(withBias ? [withBias] : [])]
    const values = parameters(cAt)
    backend.runGroups(program, buffers, parameterValues(values), values.groups)
  }
  if (splits === 1) return call(c.buffer, c.at, bias)
  backend.scratch(4 * m * n * batch * splits, 'matmul', (parts) => {
    call(parts, 0, undefined)
    addSplits(backend, parts, asked, splits)
  })
}

/**
 * Maximum number of terms that are added one after another; longer sums are made of several, so that they do
 * not drift. The rounding of factors to half precision costs as much as so many additions.
 */
const longestRun = ({ name }: Factors): number => (name === 'f16' ? 8192 : 4096)
/** Maximum number of parts of every sum that are held at a time. */
const maxParts = 64
/** Maximum number of numbers in all parts. */
const roomForParts = 2 ** 24

/** Adds some terms at a time to C, one range after another. */
function inStretches(backend: WebGpuBackend, asked: Product, atOnce: number, forced?: VariantName): void {
  const { k, a, b, bias, accumulates, ...rest } = asked
  for (let first = 0; first < k; first += atOnce) {
    const stretch = {
      ...rest,
      k: Math.min(atOnce, k - first),
      a: { ...a, at: a.at + first * a.column },
      b: { ...b, at: b.at + first * b.row },
    }
    const start = { ...(bias && { bias }), ...(accumulates && { accumulates }) }
    product(backend, first === 0 ? { ...stretch, ...start } : { ...stretch, accumulates: true }, forced)
  }
}

const programs = new WeakMap<WebGpuBackend, Program[]>()
const variantNumbers = new Map(Object.keys(variants).map((name, i) => [name, i]))

/** Finds the program by number: products are so frequent that building a key for each would be noticeable. */
function programOf(backend: WebGpuBackend, name: VariantName, form: ProductForm): Program {
  let known = programs.get(backend)
  if (known === undefined) programs.set(backend, (known = []))
  const index = (variantNumbers.get(name) as number) * formNumbers + numberOfForm(form)
  return (known[index] ??= backend.program(`matmul ${name}: ${formKey(form)}`, () =>
    variants[name].source(form, backend.capabilities),
  ))
}

/** A single column is a row of the transposed product, which lies in memory the same way. */
function asColumns(asked: Product): Product {
  const { m, n, a, b, bias } = asked
  if (n !== 1 || m === 1 || bias !== undefined) return asked
  const transpose = (x: Matrix): Matrix => ({ ...x, row: x.column, column: x.row })
  return { ...asked, m: n, n: m, a: transpose(b), b: transpose(a) }
}

/**
 * The layout of a factor whose terms follow its rows (B) or its columns (A); `size` is that of its other
 * axis.
 */
function formOf(
  { at, row, column, step }: Matrix,
  termAxis: 'row' | 'column',
  size: number,
  k: number,
): OperandForm {
  const [term, other] = termAxis === 'row' ? [row, column] : [column, row]
  const along = term === 1 && (other !== 1 || size === 1 || termAxis === 'column') ? 'terms' : 'tile'
  const stride = along === 'terms' ? other : term
  const inner = along === 'terms' ? k : size
  return { along, vectors: [at, stride, step, inner].every((x) => x % 4 === 0) }
}

/**
 * Decides into how many parts sums are cut: long sums of few tiles, so that all of the adapter has work, and
 * very long ones always.
 */
function splitOf(
  groups: number,
  k: number,
  { terms }: Tile,
  busyGroups: number,
  longest: number,
): { splits: number; termsOfSplit: number } {
  const forWork = Math.min(16, Math.floor(busyGroups / groups), Math.floor(k / (8 * terms)))
  const wanted = Math.max(forWork, Math.ceil(k / longest))
  if (wanted < 2) return { splits: 1, termsOfSplit: Math.max(k, 1) }
  const termsOfSplit = Math.ceil(k / wanted / terms) * terms
  return { splits: Math.ceil(k / termsOfSplit), termsOfSplit }
}

/** Adds the parts of every sum in their order. */
function addSplits(
  backend: WebGpuBackend,
  parts: GpuBuffer,
  { m, n, batch, c, bias, accumulates }: Product,
  splits: number,
): void {
  const key = `matmul parts${bias ? ', bias' : ''}${accumulates ? ', added' : ''}`
  const program = backend.program(key, () => ({
    bindings: { parts: 'read f32', c: 'write f32', ...(bias && { bias: 'read f32' }) },
    parameters: { count: 'u32', size: 'u32', n: 'u32', splits: 'u32', cAt: 'u32' },
    body: `  if (index >= params.count) { return; }
  let within = index % params.size;
  let start = index / params.size * params.splits * params.size + within;
  var sum = 0.0;
  for (var s = 0u; s < params.splits; s++) { sum += parts[start + s * params.size]; }
  c[params.cAt + index] ${accumulates ? '+=' : '='} sum${bias ? ' + bias[within % params.n]' : ''};`,
  }))
  const count = m * n * batch
  backend.run(program, [parts, c.buffer, ...(bias ? [bias] : [])], [count, m * n, n, splits, c.at], count)
}

/** The class of products that one measurement stands for: layouts, and sizes to the next power of two. */
export function productClass({ m, n, k }: Product, { a, b, factors }: ProductForm): string {
  const layout = `${a.along === 'terms' ? 'N' : 'T'}${b.along === 'tile' ? 'N' : 'T'}`
  return `${layout} ${[m, n, k].map((size) => 2 ** Math.ceil(Math.log2(Math.max(size, 1)))).join('×')} ${factors.name}`
}
