/** Measures the best speed of an adapter's arithmetic units, for comparison with its kernels. */
import type { Fragments } from './wgsl/fragments.ts'
import type { WebGpuBackend } from './webgpu-backend.ts'
import type { KernelSource } from './wgsl/wgsl.ts'

const workgroup = 256
/** Independent sums of an invocation or a subgroup: enough to hide how long one multiplication takes. */
const sums = 8
const names = Array.from({ length: sums }, (_, i) => `s${i}`)

/** Multiply-adds of four numbers in single precision. */
const multiplyAdds: KernelSource = {
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
}

/** Products of fragments that stay where they are. */
const fragmentProducts = (fragments: Fragments): KernelSource => {
  const { rows, columns, terms } = fragments.shape
  const place = (array: string, of: number): { array: string; at: string; stride: string } => ({
    array,
    at: '0u',
    stride: `${of / 4}u`,
  })
  return {
    bindings: { to: 'write f32' },
    parameters: { rounds: 'u32', seed: 'f32' },
    workgroup,
    needs: fragments.needs,
    declarations: `var<workgroup> factors: array<vec4<f16>, 64>;
var<workgroup> results: array<f32, ${rows * columns}>;`,
    body: `  if (local < 64u) { factors[local] = vec4<f16>(f16(params.seed)); }
  workgroupBarrier();
  ${fragments.left('a', place('factors', terms), 'row')}
  ${fragments.right('b', place('factors', columns), 'row')}
${names.map((name) => `  ${fragments.zero(name)}`).join('\n')}
  for (var i = 0u; i < params.rounds; i++) {
${names.map((name) => `    ${fragments.multiply(name, 'a', 'b')}`).join('\n')}
  }
${names.map((name) => `  ${fragments.store(name, { array: 'results', at: '0u', stride: `${columns}u` })}`).join('\n  workgroupBarrier();\n')}
  workgroupBarrier();
  if (results[local % ${rows * columns}u] == 12345.678) { to[index] = 1.0; }`,
  }
}

/**
 * Measures floating-point operations per second of products that wait for nothing, the best of some runs: on
 * tensor cores where the device uses them.
 */
export async function measurePeak(backend: WebGpuBackend): Promise<number> {
  const { precision, fragments } = backend.capabilities
  const own = precision === 'mixed' ? fragments : undefined
  const program = backend.program(`peak ${own?.name ?? ''}`, () =>
    own ? fragmentProducts(own) : multiplyAdds,
  )
  // Operations of a workgroup in one round: two for each product and sum.
  const perRound = own
    ? (workgroup / 32) * sums * 2 * own.shape.rows * own.shape.columns * own.shape.terms
    : workgroup * sums * 8
  const spec = { shape: [64], dtype: 'f32' } as const
  const buffer = backend.allocate(spec, 'measurePeak')
  const run = async (groups: number, rounds: number): Promise<number> => {
    const start = performance.now()
    backend.runGroups(program, [buffer], [rounds, 0.5], groups)
    await backend.read(buffer, spec)
    return performance.now() - start
  }
  // Work is added until a run takes so long that the resolution of the clock and the round trip do not
  // matter.
  let groups = 64
  let rounds = 64
  for (let time = await run(groups, rounds); time < 60 && rounds < 65536; time = await run(groups, rounds)) {
    if (groups < 4096) groups *= 4
    else rounds *= 4
  }
  const empty = await run(1, 1)
  let best = 0
  for (let i = 0; i < 10; i++) {
    const time = Math.max((await run(groups, rounds)) - empty, 0.01)
    best = Math.max(best, (groups * rounds * perRound) / time)
  }
  backend.free(buffer)
  return best * 1000
}
