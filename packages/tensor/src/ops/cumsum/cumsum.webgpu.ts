/**
 * Cumsum on WebGPU, in blocks of blocks. Each block of a line is summed by one invocation; the sums of blocks
 * are summed in the same way, block by block; then each invocation goes through its block once more, starting
 * from the sum of all blocks before it. Every order is fixed: the same bits at every run, and no sum passes
 * through more than a block of roundings at each level.
 */
import type { GpuBuffer } from '../../backends/webgpu/queue/buffer-pool.ts'
import type { WebGpuBackend, WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { blockTerms } from '../../backends/webgpu/wgsl/blocked-sum.ts'
import type { DType } from '../../dtype.ts'
import { type Lines, linesOf } from './cumsum.ts'

export const cumsumWebGpu: WebGpuKernel<'cumsum'> = (backend, [x], [out], { axis, reverse }) => {
  const lines = linesOf(x.shape, axis)
  if (lines.outer * lines.terms * lines.inner === 0) return
  runningSums(backend, x.buffer, out.buffer, lines, { dtype: x.dtype, reverse, exclusive: false })
}

interface Kind {
  readonly dtype: DType
  readonly reverse: boolean
  /** Whether a term itself is left out of its sum. */
  readonly exclusive: boolean
}

function runningSums(backend: WebGpuBackend, from: GpuBuffer, to: GpuBuffer, lines: Lines, kind: Kind): void {
  const { outer, terms, inner } = lines
  const blocks = Math.ceil(terms / blockTerms)
  const count = outer * blocks * inner
  const parameters = [count, terms, inner, blocks]
  const { dtype, reverse, exclusive } = kind
  const key = `${dtype}${reverse ? ' reverse' : ''}`
  const zero = `${dtype}(0)`
  if (blocks === 1) {
    const program = backend.program(`cumsum ${key}${exclusive ? ' exclusive' : ''}`, () => ({
      bindings: { x: `read ${dtype}`, to: `write ${dtype}` },
      parameters: blockParameters,
      body: walk(kind, zero),
    }))
    backend.run(program, [from, to], parameters, count)
    return
  }
  backend.scratch(4 * count, 'cumsum', (sums) => {
    const ofBlocks = backend.program(`cumsum blocks ${key}`, () => ({
      bindings: { x: `read ${dtype}`, to: `write ${dtype}` },
      parameters: blockParameters,
      body: `${blockAt(reverse)}
  var sum = ${zero};
  for (var k = first; k < last; k++) { sum += x[line + ${place(reverse)} * params.inner]; }
  to[index] = sum;`,
    }))
    backend.run(ofBlocks, [from, sums], parameters, count)
    backend.scratch(4 * count, 'cumsum', (before) => {
      // Blocks are in the order of the walk already.
      const upper = { outer, terms: blocks, inner }
      runningSums(backend, sums, before, upper, { dtype, reverse: false, exclusive: true })
      const program = backend.program(`cumsum with blocks ${key}${exclusive ? ' exclusive' : ''}`, () => ({
        bindings: { x: `read ${dtype}`, before: `read ${dtype}`, to: `write ${dtype}` },
        parameters: blockParameters,
        body: walk(kind, 'before[index]'),
      }))
      backend.run(program, [from, before, to], parameters, count)
    })
  })
}

const blockParameters = { count: 'u32', terms: 'u32', inner: 'u32', blocks: 'u32' } as const

/**
 * Finds the block of an invocation: `[outer, blocks, inner]`, so that neighbors read neighbors where they
 * can.
 */
const blockAt = (reverse: boolean): string => `  if (index >= params.count) { return; }
  let column = index % params.inner;
  let block = index / params.inner % params.blocks;
  let line = index / (params.inner * params.blocks) * params.terms * params.inner + column;
  let first = block * ${blockTerms}u;
  let last = min(first + ${blockTerms}u, params.terms);${reverse ? '\n  let end = params.terms - 1u;' : ''}`

const place = (reverse: boolean): string => (reverse ? '(end - k)' : 'k')

/** Stores the sum of all blocks before this one plus each running sum of the block. */
const walk = ({ dtype, reverse, exclusive }: Kind, before: string): string => `${blockAt(reverse)}
  let offset = ${before};
  var sum = ${dtype}(0);
  for (var k = first; k < last; k++) {
    let at = line + ${place(reverse)} * params.inner;
    ${exclusive ? 'to[at] = offset + sum; sum += x[at];' : 'sum += x[at]; to[at] = offset + sum;'}
  }`
