/**
 * Attention on WebGPU without scores in memory (Dao et al. 2022): in fragments where the device computes in
 * mixed precision on tensor cores, else by single invocations.
 *
 * Every result has one writer and every sum a fixed order, so there are no atomics and the same bits at every
 * run.
 */
import type { GpuBuffer } from '../../backends/webgpu/queue/buffer-pool.ts'
import type { Program, WebGpuBackend, WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { sizeOf } from '../../shape.ts'
import { fillBuffer } from '../fill/fill.webgpu.ts'
import { fragmentForward } from './fragment-attention.webgpu.ts'
import { fragmentBackward } from './fragment-attention-grad.webgpu.ts'
import { type FragmentBlock, fragmentBlock, rowsOfBlock } from './fragment-block.webgpu.ts'
import {
  attentionParameters,
  laneForward,
  laneKeyGradient,
  laneQueryGradient,
  laneRows,
} from './lane-attention.webgpu.ts'
import { type AttentionAttrs, type AttentionSizes, attentionSizes } from './attention.ts'

const parametersOf = (
  { b, t, s, h, g }: AttentionSizes,
  { keys, scale, causal }: AttentionAttrs,
  blocks: number,
  groups: number,
): number[] => [b, t, s, h, g, keys, keys - t, blocks, groups, scale, Number(causal)]

export const attentionWebGpu: WebGpuKernel<'attention'> = (backend, [q, k, v], [o, lse], attrs) => {
  const sizes = attentionSizes('attention', [q, k, v], attrs)
  const { b, t, h, d } = sizes
  if (b * t * h * d === 0) return
  const block = blockFor('forward', backend, d)
  const program = block
    ? backend.program(`attention ${keyOf(block)}`, () => fragmentForward(block, attentionParameters))
    : laneForward(backend, d)
  const blocks = Math.ceil(t / (block ? rowsOfBlock(block) : laneRows))
  const groups = blocks * b * h
  const buffers = [q, k, v, o, lse].map(({ buffer }) => buffer)
  backend.runGroups(program, buffers, parametersOf(sizes, attrs, blocks, groups), groups)
}

/** Chooses fragments, which are for mixed precision only. */
function blockFor(
  pass: 'forward' | 'backward',
  { capabilities }: WebGpuBackend,
  d: number,
): FragmentBlock | undefined {
  const { precision, fragments, workgroupBytes } = capabilities
  return precision === 'mixed' ? fragmentBlock(pass, d, fragments, workgroupBytes) : undefined
}

const keyOf = ({ d, subgroups, fragments }: FragmentBlock): string => `${d} ×${subgroups} ${fragments.name}`

export const attentionGradWebGpu: WebGpuKernel<'attentionGrad'> = (backend, inputs, outputs, attrs) => {
  const [dO, q, k, v, o, lse] = inputs
  const [dq, dk, dv] = outputs
  const sizes = attentionSizes('attentionGrad', [q, k, v], attrs)
  const { b, t, s, h, g, d } = sizes
  // Keys beyond `attrs.keys` get no gradient, and without queries no key does.
  if (attrs.keys < s || sizeOf(q.shape) === 0) {
    for (const x of [dk, dv]) fillBuffer(backend, x.buffer, sizeOf(x.shape), 0, 'f32')
  }
  if (b * t * h * d === 0) return
  const block = blockFor('backward', backend, d)
  const programOf = (side: 'queries' | 'keys'): Program => {
    if (block) {
      const key = `attention gradient of ${side} ${keyOf(block)}`
      return backend.program(key, () => fragmentBackward(side, block, attentionParameters))
    }
    return side === 'queries' ? laneQueryGradient(backend, d) : laneKeyGradient(backend, d)
  }
  const rowsOfGroup = block ? rowsOfBlock(block) : laneRows
  backend.scratch(4 * b * h * t, 'attentionGrad', (delta) => {
    rowProducts(backend, dO.buffer, o.buffer, delta, sizes)
    const reads = [...[q, k, v, dO, lse].map(({ buffer }) => buffer), delta]
    const call = (program: Program, writes: readonly GpuBuffer[], length: number, heads: number): void => {
      const blocks = Math.ceil(length / rowsOfGroup)
      const groups = blocks * b * heads
      backend.runGroups(program, [...reads, ...writes], parametersOf(sizes, attrs, blocks, groups), groups)
    }
    call(programOf('queries'), [dq.buffer], t, h)
    call(programOf('keys'), [dk.buffer, dv.buffer], attrs.keys, g)
  })
}

/** δ[b, h, t] = Σ dO·o. */
function rowProducts(
  backend: WebGpuBackend,
  dO: GpuBuffer,
  o: GpuBuffer,
  delta: GpuBuffer,
  { b, t, h, d }: AttentionSizes,
): void {
  const program = backend.program('attention delta', () => ({
    bindings: { dO: 'read f32', o: 'read f32', delta: 'write f32' },
    parameters: { count: 'u32', t: 'u32', h: 'u32', d: 'u32' },
    body: `  if (index >= params.count) { return; }
  let query = index % params.t;
  let head = index / params.t % params.h;
  let start = ((index / (params.t * params.h) * params.t + query) * params.h + head) * params.d;
  var total = 0.0;
  for (var i = 0u; i < params.d; i++) { total += dO[start + i] * o[start + i]; }
  delta[index] = total;`,
  }))
  const count = b * h * t
  backend.run(program, [dO, o, delta], [count, t, h, d], count)
}
