/** Threefry-2×32 on WebGPU; the same bits as `random/threefry.ts`. */
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { sizeOf } from '../../shape.ts'
import { parity, rotations } from '../../random/threefry.ts'

export const randomWebGpu: WebGpuKernel<'random'> = (backend, _, [out], { key, distribution }) => {
  const program = backend.program(`random ${distribution}`, () => ({
    bindings: { to: distribution === 'bits' ? 'write i32' : 'write f32' },
    parameters: { count: 'u32', key0: 'u32', key1: 'u32' },
    body: `  if (index >= params.count) { return; }
  let key = array<u32, 3>(params.key0, params.key1, params.key0 ^ params.key1 ^ ${parity}u);
  var x = key[0];
  var y = index + key[1];
${rounds()}
  let bits = x ^ y;
  to[index] = ${distribution === 'bits' ? 'bitcast<i32>(bits)' : 'f32(bits >> 8u) * bitcast<f32>(0x33800000u)'};`,
  }))
  const count = sizeOf(out.shape)
  backend.run(program, [out.buffer], [count, key[0], key[1]], count)
}

function rounds(): string {
  const lines: string[] = []
  for (let group = 0; group < 5; group++) {
    for (const distance of rotations[group % 2]) {
      lines.push(`  x = x + y; y = x ^ ((y << ${distance}u) | (y >> ${32 - distance}u));`)
    }
    lines.push(`  x = x + key[${(group + 1) % 3}]; y = y + key[${(group + 2) % 3}] + ${group + 1}u;`)
  }
  return lines.join('\n')
}
