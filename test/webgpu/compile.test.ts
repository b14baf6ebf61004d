// Reaches inside: Dawn's null driver compiles what no adapter within reach can run.
import { describe, expect, test } from 'vitest'
import { create } from 'webgpu'
import { requestDevice } from '../../packages/tensor/src/backends/webgpu/find-gpu.ts'
import { tensorCores } from '../../packages/tensor/src/backends/webgpu/wgsl/fragments.ts'
import type { Gpu } from '../../packages/tensor/src/backends/webgpu/gpu-interface.ts'
import { measurePeak } from '../../packages/tensor/src/backends/webgpu/measure-peak.ts'
import { WebGpuBackend } from '../../packages/tensor/src/backends/webgpu/webgpu-backend.ts'
import { product } from '../../packages/tensor/src/ops/matmul/webgpu/product.webgpu.ts'
import type { VariantName } from '../../packages/tensor/src/ops/matmul/webgpu/variants.webgpu.ts'

const gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']) as unknown as Gpu

/** A device of the null driver that says it has tensor cores of one shape. */
async function openNull(rows: number, columns: number, terms: number): Promise<WebGpuBackend> {
  const { device, capabilities } = await requestDevice('mixed', gpu)
  return new WebGpuBackend(device, { ...capabilities, fragments: tensorCores({ rows, columns, terms }) })
}

const specOf = (size: number) => ({ shape: [size], dtype: 'f32' }) as const

describe.each([
  { rows: 16, columns: 16, terms: 16 },
  { rows: 8, columns: 16, terms: 16 },
  { rows: 8, columns: 8, terms: 8 },
])('on tensor cores of $rows × $columns × $terms', ({ rows, columns, terms }) => {
  test('the yardstick compiles', async () => {
    expect(await measurePeak(await openNull(rows, columns, terms))).toBeGreaterThan(0)
  })

  // The null driver has less workgroup memory than `large fragments` needs: its shallow twin differs only in numbers.
  const names: VariantName[] = ['large shallow fragments', 'medium fragments', 'small fragments']
  test.each(names)('products in %s compile in every form', async (name) => {
    const backend = await openNull(rows, columns, terms)
    let programs = 0
    for (const size of [128, 100, 37]) {
      for (const transposed of [false, true]) {
        for (const hasBias of [false, true]) {
          const [a, b, c, bias] = [size * size, size * size, size * size, size].map((count) =>
            backend.allocate(specOf(count), 'test'),
          )
          const [row, column] = transposed ? [1, size] : [size, 1]
          const factor = { at: 0, row, column, step: 0 }
          const sizes = { m: size, n: size, k: size, batch: 1 }
          const asked = {
            ...sizes,
            a: { buffer: a, ...factor },
            b: { buffer: b, ...factor },
            c: { buffer: c, at: 0 },
          }
          product(backend, { ...asked, ...(hasBias && { bias }) }, name)
          // Mistakes of the compiler are reported when something is read.
          await backend.read(c, specOf(1))
          expect(backend.counts.pipelines).toBe(++programs)
        }
      }
    }
  })
})
