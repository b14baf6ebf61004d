// Reaches inside: attention in fragments is run with emulated tensor cores, and compiled for real ones.
import { grad } from '@burgeon/autograd'
import {
  attention,
  Device,
  keyFromSeed,
  multiply,
  RandomStream,
  scope,
  sum,
  type Tensor,
  tensorFrom,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { create } from 'webgpu'
import { requestDevice } from '../../packages/tensor/src/backends/webgpu/find-gpu.ts'
import {
  emulatedFragments,
  type Fragments,
  tensorCores,
} from '../../packages/tensor/src/backends/webgpu/wgsl/fragments.ts'
import type { Gpu } from '../../packages/tensor/src/backends/webgpu/gpu-interface.ts'
import { webGpuKernels } from '../../packages/tensor/src/backends/webgpu/kernels.ts'
import { WebGpuBackend } from '../../packages/tensor/src/backends/webgpu/webgpu-backend.ts'
import { withAdapter } from './adapter.ts'
import { someOf } from '../how-long.ts'

const shape = { rows: 16, columns: 16, terms: 16 }

async function open(fragments: Fragments, gpu?: Gpu, workgroupBytes?: number) {
  const { device, capabilities } = await requestDevice('mixed', gpu)
  const able = { ...capabilities, fragments, ...(workgroupBytes && { workgroupBytes }) }
  const backend = new WebGpuBackend(device, able)
  return { device: Device.of(backend, webGpuKernels), capabilities }
}

/** Attention and the gradients of q, k and v by a drawn cotangent. */
async function results(
  device: Device,
  [b, t, s, h, g, d]: readonly number[],
  causal: boolean,
): Promise<number[][]> {
  const draw = (seed: number, size: readonly number[]) => {
    const stream = new RandomStream(keyFromSeed(seed))
    return tensorFrom(size, () => Math.fround(stream.normal()), device)
  }
  const tensors = scope(() => {
    const inputs = { q: draw(1, [b, t, h, d]), k: draw(2, [b, s, g, d]), v: draw(3, [b, s, g, d]) }
    const cotangent = draw(4, [b, t, h, d])
    const of = ({ q, k, v }: Record<string, Tensor>) => attention(q, k, v, { causal })
    const gradients = grad((x: Record<string, Tensor>) => sum(multiply(of(x), cotangent)))(inputs)
    return [of(inputs), gradients['q'], gradients['k'], gradients['v']]
  })
  const numbers = await Promise.all(tensors.map(async (x) => [...(await x.read())]))
  for (const x of tensors) x.dispose()
  return numbers
}

const names = ['o', 'dq', 'dk', 'dv']

await withAdapter(async () => {
  const { device, capabilities } = await open(emulatedFragments(shape), undefined, 32768)
  describe.skipIf(!capabilities.hasHalfPrecision)('attention in emulated fragments', () => {
    const cases = [
      { sizes: [1, 70, 70, 2, 2, 32], causal: true },
      { sizes: [2, 33, 40, 2, 1, 32], causal: true },
      { sizes: [1, 5, 37, 2, 1, 32], causal: false },
    ]
    test.each(someOf(cases, 1))(
      'is that of the definition to half precision: $sizes, causal $causal',
      async ({ sizes, causal }) => {
        const wanted = await results(openReference(), sizes, causal)
        const got = await results(device, sizes, causal)
        for (const [i, numbers] of got.entries()) {
          const apart = Math.max(...numbers.map((x, at) => Math.abs(x - wanted[i][at])))
          expect(apart, names[i]).toBeLessThan(2e-2)
          // Single precision would be closer: fragments were used.
          expect(apart, names[i]).toBeGreaterThan(1e-5)
        }
      },
    )
  })
})

// Larger heads need more workgroup memory than the null driver has; their kernels differ only in numbers.
test.each([32, 64])('attention with heads of %d compiles for tensor cores', async (d) => {
  const gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']) as unknown as Gpu
  const { device } = await open(tensorCores(shape), gpu)
  await expect(results(device, [1, 40, 40, 2, 1, d], true)).resolves.toHaveLength(4)
})
