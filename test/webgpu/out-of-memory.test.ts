// Reaches inside, because `openWebGpu` looks for a driver that computes. Dawn's null driver does not, but it keeps accounts: it has
// 512 MiB, and refuses what goes beyond as a GPU does.
import { add, Device, fill, OutOfMemoryError, scope, scopeAsync, sum, type Tensor } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { create } from 'webgpu'
import { requestDevice } from '../../packages/tensor/src/backends/webgpu/find-gpu.ts'
import type { Gpu } from '../../packages/tensor/src/backends/webgpu/gpu-interface.ts'
import { webGpuKernels } from '../../packages/tensor/src/backends/webgpu/kernels.ts'
import { WebGpuBackend } from '../../packages/tensor/src/backends/webgpu/webgpu-backend.ts'
import { withAdapter } from './adapter.ts'

const gpu = create(['backend=null']) as unknown as Gpu
const million = 2 ** 20
/** MiB of the largest tensor; three of them fit, and something small. */
const large = 128

async function openSmallGpu(): Promise<{ device: Device; backend: WebGpuBackend }> {
  const { device, capabilities } = await requestDevice('single', gpu)
  const backend = new WebGpuBackend(device, capabilities)
  return { device: Device.of(backend, webGpuKernels), backend }
}

/** A tensor of so many MiB. */
const megabytes = (device: Device, count: number): Tensor => fill(device, [(count * million) / 4], 1)

const noRoom = /^(fill|elementwise|read)( \[\d+\])?: the GPU has no room for \d+ bytes/

describe('a GPU without room', () => {
  test('throws a typed error that names the op when the result is read', async () => {
    const { device } = await openSmallGpu()
    const kept = [1, 2, 3].map(() => megabytes(device, large))
    const tooMuch = megabytes(device, large)
    const failed = tooMuch.read()
    await expect(failed).rejects.toThrow(OutOfMemoryError)
    await expect(failed).rejects.toThrow(noRoom)
    for (const tensor of [tooMuch, ...kept]) tensor.dispose()
  })

  test('throws for every result computed with missing memory, and for no other', async () => {
    const { device } = await openSmallGpu()
    const small = fill(device, [4], 1)
    await small.read()
    const kept = [1, 2, 3].map(() => megabytes(device, large))
    const tooMuch = megabytes(device, large)
    const total = sum(tooMuch)
    const next = add(total, 1)
    await expect(next.read()).rejects.toThrow(OutOfMemoryError)
    await expect(total.read()).rejects.toThrow(OutOfMemoryError)
    await expect(tooMuch.read()).rejects.toThrow(OutOfMemoryError)
    expect(() => add(tooMuch, 1)).toThrow(OutOfMemoryError)
    expect((await small.read()).length).toBe(4)
    expect((await add(small, 1).read()).length).toBe(4)
    for (const tensor of [tooMuch, total, next, ...kept]) tensor.dispose()
  })

  test('is usable when there is room again, without the buffer that was refused', async () => {
    const { device } = await openSmallGpu()
    for (let round = 0; round < 3; round++) {
      const kept = [1, 2, 3].map(() => megabytes(device, large))
      const tooMuch = megabytes(device, large)
      await expect(tooMuch.read()).rejects.toThrow(noRoom)
      tooMuch.dispose()
      kept[0].dispose()
      const fits = megabytes(device, 112)
      const one = scope(() => sum(fits))
      expect((await one.read()).length).toBe(1)
      expect(device.memory.reserved).toBeLessThan(512 * million)
      for (const tensor of [fits, one, kept[1], kept[2]]) tensor.dispose()
    }
  })

  test('frees the memory kept for later, so that a second attempt finds room', async () => {
    const { device } = await openSmallGpu()
    const earlier = [1, 2, 3].map(() => megabytes(device, large))
    await scopeAsync(async (part) => part(() => sum(earlier[0])).read())
    for (const tensor of earlier) tensor.dispose()
    expect(device.memory.reserved).toBeGreaterThan(350 * million)
    const attempt = async (): Promise<void> => {
      const tensors = [megabytes(device, 112), megabytes(device, 112)]
      try {
        await scope(() => sum(tensors[1])).read()
      } finally {
        for (const tensor of tensors) tensor.dispose()
      }
    }
    await expect(attempt()).rejects.toThrow(OutOfMemoryError)
    await attempt()
    expect(device.memory.reserved).toBeLessThan(250 * million)
  })

  test('throws when it has no room to read through either', async () => {
    const { device } = await openSmallGpu()
    const kept = [large, large, large, 64].map((count) => megabytes(device, count))
    await fill(device, [4], 1).read()
    await expect(kept[2].read()).rejects.toThrow(/^read: the GPU has no room/)
    for (const tensor of kept.slice(0, 2)) tensor.dispose()
    // What was kept of these goes back when the next attempt needs it.
    await expect(kept[2].read()).rejects.toThrow(/^read: the GPU has no room/)
    expect((await kept[2].read()).length).toBe((large * million) / 4)
  })

  test('never throws an untyped error of the driver', async () => {
    const { device } = await openSmallGpu()
    const outcomes: unknown[] = []
    for (let i = 0; i < 12; i++) {
      try {
        const made = Array.from({ length: 1 + (i % 5) }, () => megabytes(device, 120))
        const results = made.map((tensor) => scope(() => add(sum(tensor), i)))
        const reads = await Promise.allSettled(results.map((tensor) => tensor.read()))
        outcomes.push(...reads.map((read) => (read.status === 'rejected' ? read.reason : 'read')))
        for (const tensor of [...made, ...results]) tensor.dispose()
      } catch (error) {
        outcomes.push(error)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const others = outcomes.filter((outcome) => outcome !== 'read' && !(outcome instanceof OutOfMemoryError))
    expect(others).toEqual([])
    expect(outcomes).toContain('read')
    expect(outcomes.some((outcome) => outcome instanceof OutOfMemoryError)).toBe(true)
  })
})

test('memory of disposed tensors returns to the GPU while small work continues', async () => {
  const { device, backend } = await openSmallGpu()
  const small = fill(device, [64], 1)
  await scopeAsync(async (part) => {
    const big = part(() => Array.from({ length: 10 }, (_, i) => megabytes(device, 20 + i)))
    await part(() => sum(big.reduce((a, b) => add(sum(a), sum(b))))).read()
  })
  expect(device.memory.reserved).toBeGreaterThan(200 * million)
  for (let i = 0; i < 200; i++) await scopeAsync(async (part) => part(() => add(small, i)).read())
  expect(device.memory.reserved).toBeLessThan(million)
  const { buffers, bindGroups } = backend.counts
  for (let i = 0; i < 400; i++) await scopeAsync(async (part) => part(() => add(small, i)).read())
  expect(backend.counts).toMatchObject({ buffers, bindGroups })
})

await withAdapter((device, adapter) => {
  test(`numbers are right after buffers returned to the device and were made again (${adapter})`, async () => {
    const total = (size: number): Promise<ArrayLike<number>> =>
      scopeAsync(async (part) => part(() => sum(fill(device, [size], 2))).read())
    for (let round = 0; round < 3; round++) {
      expect((await total(100_000))[0]).toBe(200_000)
      for (let i = 0; i < 200; i++) expect((await total(10))[0]).toBe(20)
    }
  })
})
