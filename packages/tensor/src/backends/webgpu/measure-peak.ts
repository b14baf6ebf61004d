/** What the arithmetic units of an adapter can do at most, measured: the yardstick of its kernels. */
import type { WebGpuBackend } from './webgpu-backend.ts'

const workgroup = 256
/** Independent sums of an invocation: enough to hide how long one multiply-add takes. */
const sums = 8

/** Floating-point operations per second of multiply-adds that wait for nothing: the best of some tens of runs. */
export async function measurePeak(backend: WebGpuBackend): Promise<number> {
  const names = Array.from({ length: sums }, (_, i) => `s${i}`)
  const program = backend.program('peak', () => ({
    bindings: { to: 'write f32' },
    parameters: { rounds: 'u32', seed: 'f32' },
    workgroup,
    body: `  let x = vec4f(params.seed + f32(local) * 1e-9);
${names.map((name, i) => `  var ${name} = vec4f(params.seed * ${i + 1}.0);`).join('\n')}
  for (var i = 0u; i < params.rounds; i++) {
${names.map((name) => `    ${name} = fma(${name}, x, x);`).join('\n')}
  }
  let all = ${names.join(' + ')};
  if (all.x + all.y + all.z + all.w == 12345.678) { to[index] = all.x; }`,
  }))
  const spec = { shape: [64], dtype: 'f32' } as const
  const buffer = backend.allocate(spec, 'measurePeak')
  const run = async (groups: number, rounds: number): Promise<number> => {
    const start = performance.now()
    backend.runGroups(program, [buffer], [rounds, 0.5], groups)
    await backend.read(buffer, spec)
    return performance.now() - start
  }
  // More work until a run takes long enough for the clock and for the way there and back not to count.
  let [groups, rounds] = [64, 64]
  for (let time = await run(groups, rounds); time < 60 && rounds < 65536; time = await run(groups, rounds)) {
    if (groups < 4096) groups *= 4
    else rounds *= 4
  }
  const empty = await run(1, 1)
  let best = 0
  for (let i = 0; i < 10; i++) {
    const time = Math.max((await run(groups, rounds)) - empty, 0.01)
    best = Math.max(best, (groups * workgroup * rounds * sums * 8) / time)
  }
  backend.free(buffer)
  return best * 1000
}
