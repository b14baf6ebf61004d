// Reaches inside: every kernel of products is asked for by name, with the fragments of tensor cores emulated.
import { keyFromSeed, RandomStream } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import type { Capabilities } from '../../packages/tensor/src/backends/webgpu/capabilities.ts'
import { requestDevice } from '../../packages/tensor/src/backends/webgpu/find-gpu.ts'
import { emulatedFragments } from '../../packages/tensor/src/backends/webgpu/wgsl/fragments.ts'
import { WebGpuBackend } from '../../packages/tensor/src/backends/webgpu/webgpu-backend.ts'
import { product } from '../../packages/tensor/src/ops/matmul/webgpu/product.webgpu.ts'
import { type VariantName, variants } from '../../packages/tensor/src/ops/matmul/webgpu/variants.webgpu.ts'
import { withAdapter } from './adapter.ts'
import { someOf } from '../how-long.ts'

const layouts = { NN: [false, false], NT: [false, true], TN: [true, false], TT: [true, true] } as const
/**
 * [layout, m, n, k, batch, with a bias]: within the edges and beyond them, by fours and not, sums long enough to be shared out.
 * Every size in every layout would keep software compilers busy for minutes.
 */
const cases = [
  ['NN', 64, 128, 64, 1, false],
  ['TT', 128, 32, 32, 1, true],
  ['NN', 70, 37, 45, 2, false],
  ['TN', 36, 132, 20, 1, true],
  ['NT', 1, 50, 70, 3, false],
  ['NN', 3, 64, 33, 1, true],
  ['TN', 40, 1, 24, 1, false],
  ['NN', 5, 7, 0, 1, true],
  ['NT', 32, 32, 1200, 1, false],
] as const

await withAdapter(() => {
  describe.each([
    { about: 'single precision', shape: undefined },
    { about: 'mixed precision', shape: undefined },
    { about: 'mixed precision without a type for it', shape: undefined },
    { about: 'mixed precision in fragments of 16 × 16', shape: { rows: 16, columns: 16, terms: 16 } },
    { about: 'mixed precision in fragments of 8 × 16', shape: { rows: 8, columns: 16, terms: 16 } },
  ] as const)('in $about', async ({ about, shape }) => {
    const precision = about === 'single precision' ? 'single' : 'mixed'
    const { device, capabilities } = await requestDevice(precision)
    const able: Capabilities = {
      ...capabilities,
      hasHalfPrecision: capabilities.hasHalfPrecision && !about.endsWith('without a type for it'),
      fragments: shape && emulatedFragments(shape),
      // As on a GPU, so that long sums are shared out.
      busyGroups: 64,
      workgroupBytes: Math.min(capabilities.workgroupBytes, 32768),
    }
    const backend = new WebGpuBackend(device, able)
    // Software compilers take minutes for tiles, whose texts differ only in numbers: all of them in single precision, one in mixed.
    const ownNames = (Object.keys(variants) as VariantName[]).filter((name) => {
      if (shape !== undefined) return name === 'small fragments'
      const isTiled = ['large', 'medium', 'small'].includes(name)
      const isTried = precision === 'single' || (name === 'medium' && about === 'mixed precision')
      return !name.includes('fragments') && (!isTiled || isTried)
    })
    const canUse = shape === undefined || capabilities.hasHalfPrecision

    const tried = shape === undefined ? someOf(cases, 4) : someOf(cases.slice(0, 4), 2)

    test.skipIf(!canUse).each(ownNames)('%s products are those of the definition', async (name) => {
      for (const [i, [layout, m, n, k, batch, hasBias]] of tried.entries()) {
        const [transposeA, transposeB] = layouts[layout]
        if (name === 'few rows' && (m > 4 || (transposeA && m > 1))) continue
        const stream = new RandomStream(keyFromSeed(i))
        const draw = (count: number): Float32Array =>
          Float32Array.from({ length: count }, () => stream.uniform() * 2 - 1)
        const [a, b, bias] = [draw(batch * m * k), draw(batch * k * n), draw(n)]
        const upload = (data: Float32Array) => {
          const buffer = backend.allocate({ shape: [data.length], dtype: 'f32' }, 'test')
          backend.write(buffer, data, 'f32')
          return buffer
        }
        const c = upload(new Float32Array(batch * m * n))
        const [rowA, columnA] = transposeA ? [1, m] : [k, 1]
        const [rowB, columnB] = transposeB ? [1, k] : [n, 1]
        const buffers = [upload(a), upload(b), upload(bias), c]
        product(
          backend,
          {
            ...{ m, n, k, batch },
            a: { buffer: buffers[0], at: 0, row: rowA, column: columnA, step: m * k },
            b: { buffer: buffers[1], at: 0, row: rowB, column: columnB, step: k * n },
            c: { buffer: c, at: 0 },
            ...(hasBias && { bias: buffers[2] }),
          },
          name,
        )
        const got = await backend.read(c, { shape: [batch * m * n], dtype: 'f32' })
        const [left, right] = precision === 'single' ? [a, b] : [a.map(toHalf), b.map(toHalf)]
        let apart = 0
        for (let z = 0; z < batch; z++) {
          for (let row = 0; row < m; row++) {
            for (let column = 0; column < n; column++) {
              let sum = hasBias ? bias[column] : 0
              for (let t = 0; t < k; t++) {
                sum +=
                  left[z * m * k + row * rowA + t * columnA] * right[z * k * n + t * rowB + column * columnB]
              }
              apart = Math.max(apart, Math.abs(got[(z * m + row) * n + column] - sum))
            }
          }
        }
        for (const buffer of buffers) backend.free(buffer)
        expect(apart, `${layout} ${m}×${n}×${k}, batch ${batch}`).toBeLessThan(1e-5 * Math.sqrt(k + 1))
      }
    })
  })
})

/** To the nearest number of half precision, ties to even; for magnitudes up to 1. */
function toHalf(x: number): number {
  const step = 2 ** Math.max(Math.floor(Math.log2(Math.abs(x) || 1)) - 10, -24)
  const scaled = x / step
  const floor = Math.floor(scaled)
  const rest = scaled - floor
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0)
  return (floor + (up ? 1 : 0)) * step
}
