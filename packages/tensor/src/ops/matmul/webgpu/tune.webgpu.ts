/** Measures which kernel makes products the fastest. The result is plain data, for `openWebGpu`. */
import { factorsOf } from '../../../backends/webgpu/capabilities.ts'
import type { WebGpuTuning } from '../../../backends/webgpu/tuning.ts'
import type { WebGpuBackend } from '../../../backends/webgpu/webgpu-backend.ts'
import { OptionError } from '../../../errors.ts'
import { product, type Product, productClass, productForm } from './product.webgpu.ts'
import { type VariantName, variants } from './variants.webgpu.ts'

/** Throws OptionError unless the tuning belongs to this adapter and names kernels that exist. */
export function checkTuning(tuning: WebGpuTuning, adapter: string): void {
  if (tuning.adapter !== adapter) {
    throw new OptionError(
      `openWebGpu: got a tuning of ${tuning.adapter}; expected one of this adapter, ${adapter}. Measure again with tuneWebGpu().`,
    )
  }
  for (const [products, name] of Object.entries(tuning.kernels)) {
    if (Object.hasOwn(variants, name)) continue
    throw new OptionError(
      `openWebGpu: the tuning gives products ${products} to ${name}; expected one of ${Object.keys(variants).join(', ')}.`,
    )
  }
}

/** Layouts of the factors in training: forward, and for the gradients of inputs and of weights. */
const layouts = [
  { transposeA: false, transposeB: false },
  { transposeA: false, transposeB: true },
  { transposeA: true, transposeB: false },
]

export async function tune(
  backend: WebGpuBackend,
  sizes: readonly (readonly [number, number, number])[],
): Promise<WebGpuTuning> {
  const kernels: Record<string, VariantName> = {}
  for (const [m, n, k] of sizes) {
    if (![m, n, k].every((size) => Number.isInteger(size) && size > 0)) {
      throw new OptionError(`tuneWebGpu: got sizes ${m}×${n}×${k}; expected positive integers.`)
    }
    for (const { transposeA, transposeB } of layouts) {
      const [a, b, c] = [m * k, k * n, m * n].map((size) =>
        backend.allocate({ shape: [size], dtype: 'f32' }, 'tuneWebGpu'),
      )
      const [rowA, columnA] = transposeA ? [1, m] : [k, 1]
      const [rowB, columnB] = transposeB ? [1, k] : [n, 1]
      const asked: Product = {
        m,
        n,
        k,
        batch: 1,
        a: { buffer: a, at: 0, row: rowA, column: columnA, step: 0 },
        b: { buffer: b, at: 0, row: rowB, column: columnB, step: 0 },
        c: { buffer: c, at: 0 },
      }
      const form = productForm(asked, factorsOf(backend.capabilities))
      const able = (Object.keys(variants) as VariantName[]).filter((name) =>
        variants[name].fits(asked, form, backend.capabilities),
      )
      kernels[productClass(asked, form)] = await fastest(backend, asked, able)
      for (const buffer of [a, b, c]) backend.free(buffer)
    }
  }
  return { adapter: backend.capabilities.adapter, kernels }
}

/**
 * Runs rounds of all candidates in turn, each timed over calls that take some milliseconds; the shortest time
 * counts.
 */
async function fastest(
  backend: WebGpuBackend,
  asked: Product,
  able: readonly VariantName[],
): Promise<VariantName> {
  const time = async (name: VariantName, calls: number): Promise<number> => {
    const start = performance.now()
    for (let i = 0; i < calls; i++) product(backend, asked, name)
    await backend.read(asked.c.buffer, { shape: [1], dtype: 'f32' })
    return (performance.now() - start) / calls
  }
  const least = new Map<VariantName, number>()
  for (const name of able) await time(name, 1)
  for (let round = 0; round < 4; round++) {
    for (const name of able) {
      const known = least.get(name)
      const calls = known === undefined ? 1 : Math.max(1, Math.min(100, Math.round(20 / known)))
      least.set(name, Math.min(known ?? Infinity, await time(name, calls)))
    }
  }
  return able.reduce((best, name) =>
    (least.get(name) as number) < (least.get(best) as number) ? name : best,
  )
}
