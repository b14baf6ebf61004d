/**
 * The global norm on WebGPU: sums of squares of fixed pieces, then one workgroup over these. Large, middling
 * and small numbers are summed apart, each scaled so that no square overflows or vanishes (Blue 1978, "A
 * Portable Fortran Program to Find the Euclidean Norm of a Vector").
 */
import { blockedSums } from '../../backends/webgpu/wgsl/blocked-sum.ts'
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { literal } from '../../backends/webgpu/wgsl/wgsl-math.ts'
import { workgroupSums } from '../../backends/webgpu/wgsl/workgroup-sum.ts'
import { sizeOf } from '../../shape.ts'

const workgroup = 128
/** Number of elements in a piece. */
const pieceSize = 4096
/** Limits: a number is large from the first on, and small up to the second. */
const [largeFrom, smallTo] = [2 ** 40, 2 ** -60]
/** Factors of large and small numbers: the squares of all numbers then lie between 2⁻¹²⁰ and 2¹⁰⁰. */
const [largeScale, smallScale] = [2 ** -80, 2 ** 110]

const names = ['large', 'middling', 'small'] as const
const each = (line: (name: string, k: number) => string): string => names.map(line).join('\n')

export const globalNormWebGpu: WebGpuKernel<'globalNorm'> = (backend, inputs, [norm, scaled]) => {
  const sizes = inputs.map((x) => sizeOf(x.shape))
  const pieces = sizes.map((size) => Math.ceil(size / pieceSize))
  const total = pieces.reduce((sum, own) => sum + own, 0)
  const squares = backend.program('sums of squares', () => ({
    bindings: { x: 'read f32', partials: 'write f32' },
    parameters: { count: 'u32', pieces: 'u32', at: 'u32' },
    workgroup,
    declarations: workgroupSums(workgroup),
    // NaN is neither large nor small.
    body: `  if (group >= params.pieces) { return; }
  let first = group * ${pieceSize}u;
  let end = min(first + ${pieceSize}u, params.count);
${each((name) => `  var ${name} = 0.0;`)}
  for (var i = first + local; i < end; i += ${workgroup}u) {
    let size = abs(x[i]);
    if (size >= ${literal(largeFrom)}) { let y = x[i] * ${literal(largeScale)}; large += y * y; }
    else if (size < ${literal(smallTo)}) { let y = x[i] * ${literal(smallScale)}; small += y * y; }
    else { middling += x[i] * x[i]; }
  }
${each((name) => `  let ${name}Sum = sumOfAll(${name}, local);`)}
  if (local == 0u) {
    let to = 3u * (params.at + group);
${each((name, k) => `    partials[to + ${k}u] = ${name}Sum;`)}
  }`,
  }))
  const root = backend.program('root of a sum', () => ({
    bindings: { partials: 'read f32', norm: 'write f32', scaled: 'write f32' },
    parameters: { pieces: 'u32' },
    workgroup,
    declarations: workgroupSums(workgroup),
    body: `${blockedSums(Object.fromEntries(names.map((name, k) => [name, `partials[3u * i + ${k}u]`])), { first: 'local', end: 'params.pieces', step: workgroup })}
${each((name) => `  let ${name}Sum = sumOfAll(${name}, local);`)}
  if (local != 0u) { return; }
  // Each norm is in the scale of the largest numbers there are; the others' lost digits are too small to
  // count. Roots are scaled, not sums: a compiler may make one factor of two, which would vanish.
  if (largeSum > 0.0) {
    let rest = sqrt(middlingSum) * ${literal(largeScale)};
    let whole = sqrt(largeSum + rest * rest);
    norm[0] = whole * ${literal(1 / largeScale)};
    scaled[0] = whole * ${literal(2 ** 16)};
  } else if (middlingSum == 0.0) {
    let whole = sqrt(smallSum) * ${literal(1 / smallScale)};
    norm[0] = whole;
    scaled[0] = whole * ${literal(2 ** -64)};
  } else {
    let rest = sqrt(smallSum) * ${literal(1 / smallScale)};
    let whole = sqrt(middlingSum + rest * rest);
    norm[0] = whole;
    scaled[0] = whole * ${literal(2 ** -64)};
  }`,
  }))
  backend.scratch(12 * total, 'globalNorm', (partials) => {
    let at = 0
    inputs.forEach((x, i) => {
      backend.runGroups(squares, [x.buffer, partials], [sizes[i], pieces[i], at], pieces[i])
      at += pieces[i]
    })
    backend.runGroups(root, [partials, norm.buffer, scaled.buffer], [total], 1)
  })
}
