/**
 * Sort on WebGPU: a bitonic network (Batcher 1968) over rows that are filled up to a power of two. Numbers
 * are compared by a key, an unsigned integer whose order is the order wanted, and equal keys by their places,
 * so that equal numbers keep their order although the network is not stable. Steps within a tile run in
 * workgroup memory.
 */
import type { GpuBuffer } from '../../backends/webgpu/queue/buffer-pool.ts'
import type { WebGpuBackend, WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import type { DType } from '../../dtype.ts'
import { sizeOf } from '../../shape.ts'

/** Number of invocations of a workgroup, and of numbers in its tile: two for each. */
const workgroup = 128
const tile = 2 * workgroup

export const sortWebGpu: WebGpuKernel<'sort'> = (backend, [x], [values, indices], { descending }) => {
  const n = x.shape.at(-1) as number
  const count = sizeOf(x.shape)
  if (count === 0) return
  const rows = count / n
  const width = 2 ** Math.ceil(Math.log2(n))
  const total = rows * width
  backend.scratch(4 * total, 'sort', (keys) => {
    backend.scratch(4 * total, 'sort', (places) => {
      const written = keysOf(backend, x.dtype, descending)
      backend.run(written, [x.buffer, keys, places], [total, n, width], total)
      network(backend, keys, places, total, width)
      const program = backend.program(`sort out ${x.dtype}`, () => ({
        bindings: {
          x: `read ${x.dtype}`,
          places: 'read i32',
          values: `write ${x.dtype}`,
          indices: 'write i32',
        },
        parameters: { count: 'u32', n: 'u32', width: 'u32' },
        body: `  if (index >= params.count) { return; }
  let row = index / params.n;
  let place = places[row * params.width + index % params.n];
  indices[index] = place;
  values[index] = x[row * params.n + u32(place)];`,
      }))
      backend.run(program, [x.buffer, places, values.buffer, indices.buffer], [count, n, width], count)
    })
  })
}

/** Makes the keys of all numbers; fillers come last, because their places are larger. */
function keysOf(
  backend: WebGpuBackend,
  dtype: DType,
  descending: boolean,
): ReturnType<WebGpuBackend['program']> {
  const key =
    dtype === 'i32'
      ? 'bitcast<u32>(number) ^ 0x80000000u'
      : `select(select(bits | 0x80000000u, ~bits, bits >= 0x80000000u), 0xffffffffu, magnitude > 0x7f800000u)`
  return backend.program(`sort keys ${dtype}${descending ? ' descending' : ''}`, () => ({
    bindings: { x: `read ${dtype}`, keys: 'write i32', places: 'write i32' },
    parameters: { total: 'u32', n: 'u32', width: 'u32' },
    body: `  if (index >= params.total) { return; }
  let place = index % params.width;
  var key = 0xffffffffu;
  if (place < params.n) {
    let number = x[index / params.width * params.n + place];${
      dtype === 'f32'
        ? `
    let magnitude = bitcast<u32>(number) & 0x7fffffffu;
    // −0 counts as 0.
    let bits = select(bitcast<u32>(number), 0u, magnitude == 0u);`
        : ''
    }
    key = ${descending ? '~' : ''}(${key});
  }
  keys[index] = bitcast<i32>(key);
  places[index] = i32(place);`,
  }))
}

/**
 * Exchanges two numbers if they are not in the order of the run of `params.run` numbers that they belong to.
 */
const exchange = (key: string, place: string): string => `    let isUp = (first & params.run) == 0u;
    let a = bitcast<u32>(${key}[i]);
    let b = bitcast<u32>(${key}[j]);
    let isAbove = a > b || (a == b && ${place}[i] > ${place}[j]);
    if (isAbove == isUp) {
      let key = ${key}[i]; ${key}[i] = ${key}[j]; ${key}[j] = key;
      let place = ${place}[i]; ${place}[i] = ${place}[j]; ${place}[j] = place;
    }`

function network(
  backend: WebGpuBackend,
  keys: GpuBuffer,
  places: GpuBuffer,
  total: number,
  width: number,
): void {
  const bindings = { keys: 'write i32', places: 'write i32' } as const
  // All runs up to a tile, or the last steps of a longer one.
  const inTile = backend.program('sort in tiles', () => ({
    bindings,
    parameters: { total: 'u32', width: 'u32', shortest: 'u32', longest: 'u32' },
    workgroup,
    declarations: `var<workgroup> ownKeys: array<i32, ${tile}>;
var<workgroup> ownPlaces: array<i32, ${tile}>;`,
    body: `  let start = group * ${tile}u;
  for (var i = local; i < ${tile}u; i += ${workgroup}u) {
    if (start + i < params.total) { ownKeys[i] = keys[start + i]; ownPlaces[i] = places[start + i]; }
  }
  for (var run = params.shortest; run <= params.longest; run = run << 1u) {
    for (var step = min(run, ${tile}u) >> 1u; step > 0u; step = step >> 1u) {
      workgroupBarrier();
      let i = (local / step) * 2u * step + local % step;
      let j = i + step;
      let first = (start + i) & (params.width - 1u);
${exchange('ownKeys', 'ownPlaces').replaceAll('params.run', 'run')}
    }
  }
  workgroupBarrier();
  for (var i = local; i < ${tile}u; i += ${workgroup}u) {
    if (start + i < params.total) { keys[start + i] = ownKeys[i]; places[start + i] = ownPlaces[i]; }
  }`,
  }))
  const across = backend.program('sort across tiles', () => ({
    bindings,
    parameters: { pairs: 'u32', width: 'u32', run: 'u32', step: 'u32' },
    body: `  if (index >= params.pairs) { return; }
    let i = (index / params.step) * 2u * params.step + index % params.step;
    let j = i + params.step;
    let first = i & (params.width - 1u);
${exchange('keys', 'places')}`,
  }))
  const groups = Math.ceil(total / tile)
  const buffers = [keys, places]
  backend.runGroups(inTile, buffers, [total, width, 2, Math.min(width, tile)], groups)
  for (let run = 2 * tile; run <= width; run *= 2) {
    for (let step = run / 2; step >= tile; step /= 2) {
      backend.run(across, buffers, [total / 2, width, run, step], total / 2)
    }
    backend.runGroups(inTile, buffers, [total, width, run, run], groups)
  }
}
