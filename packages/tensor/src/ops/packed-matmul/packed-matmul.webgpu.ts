/**
 * Products with packed weights on WebGPU: a workgroup for a row of W and a few rows of x, whose invocations
 * share out the words of the row.
 */
import type { GpuBuffer } from '../../backends/webgpu/queue/buffer-pool.ts'
import type { WebGpuBackend, WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { workgroupSums } from '../../backends/webgpu/wgsl/workgroup-sum.ts'
import { blockSize, headerWords, maxCode } from '../../packed/packed-form.ts'
import { roundingFunctions } from '../pack-rows/round-rows.webgpu.ts'
import { decodingFunctions, perWord } from '../unpack-rows/decode.webgpu.ts'
import type { Activations } from './packed-matmul.ts'

/** Rows of x that a workgroup multiplies. */
const tileRows = 4
const workgroup = 64

export const packedMatmulWebGpu: WebGpuKernel<'packedMatmul'> = (backend, [x, packed], [y], attrs) => {
  const { format, group, activations } = attrs
  const [M, K] = x.shape
  const [N, words] = packed.shape
  const rows = Array.from({ length: tileRows }, (_, r) => r)
  const program = backend.program(`packedMatmul ${format} ${group}`, () => ({
    bindings: { x: 'read f32', packed: 'read i32', y: 'write f32' },
    parameters: { M: 'u32', N: 'u32', K: 'u32', words: 'u32', headerWords: 'u32', groups: 'u32' },
    workgroup,
    declarations: `${workgroupSums(workgroup)}
${decodingFunctions(attrs)}`,
    body: `  if (group >= params.groups) { return; }
  let n = group % params.N;
  let first = ${tileRows}u * (group / params.N);
  let row = n * params.words;
${rows.map((r) => `  var sum${r} = 0.0;`).join('\n')}
  for (var word = local; word < params.words - params.headerWords; word += ${workgroup}u) {
    for (var i = 0u; i < ${perWord(format)}u; i++) {
      let place = placeOf(word, i);
      if (place < params.K) {
        let number = numberOf(row, word, i);
${rows.map((r) => `        if (first + ${r}u < params.M) { sum${r} += number * x[(first + ${r}u) * params.K + place]; }`).join('\n')}
      }
    }
  }
${rows
  .map(
    (r) => `  let total${r} = sumOfAll(sum${r}, local);
  if (local == 0u && first + ${r}u < params.M) { y[(first + ${r}u) * params.N + n] = total${r}; }`,
  )
  .join('\n')}`,
  }))
  const groups = N * Math.ceil(M / tileRows)
  const numbers = [M, N, K, words, headerWords(attrs, K), groups]
  const multiply = (rounded: GpuBuffer): void =>
    backend.runGroups(program, [rounded, packed.buffer, y.buffer], numbers, groups)
  if (activations === 'f32') return multiply(x.buffer)
  backend.scratch(4 * M * K, 'packedMatmul', (rounded) => {
    roundActivations(backend, x.buffer, rounded, M, K, activations)
    multiply(rounded)
  })
}

/** Rounds every 32 numbers of each row, and leaves them single floats. */
function roundActivations(
  backend: WebGpuBackend,
  x: GpuBuffer,
  to: GpuBuffer,
  M: number,
  K: number,
  activations: Exclude<Activations, 'f32'>,
): void {
  const program = backend.program(`round activations ${activations}`, () => ({
    bindings: { x: 'read f32', to: 'write f32' },
    parameters: { count: 'u32', blocks: 'u32', K: 'u32' },
    declarations: roundingFunctions(maxCode(activations)),
    body: `  if (index >= params.count) { return; }
  let start = (index / params.blocks) * params.K;
  let first = start + ${blockSize}u * (index % params.blocks);
  let end = min(first + ${blockSize}u, start + params.K);
  var largest = 0u;
  for (var i = first; i < end; i++) { largest = max(largest, bitcast<u32>(x[i]) & 0x7fffffffu); }
  let scale = scaleOf(largest);
  for (var i = first; i < end; i++) { to[i] = scale * f32(codeOf(x[i], scale)); }`,
  }))
  const blocks = Math.ceil(K / blockSize)
  backend.run(program, [x, to], [M * blocks, blocks, K], M * blocks)
}
