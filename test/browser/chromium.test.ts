import { describe, expect, test } from 'vitest'
import { withChromium } from './chromium.ts'
import { train } from './page.ts'

interface Sweep {
  readonly compared: number
  readonly mistakes: readonly string[]
}

withChromium((open) => {
  describe.each([true, false])('WASM in Chromium, cross-origin isolated: %s', (isolated) => {
    const { page, ask } = open({ isolated })

    test('the page has shared memory, or not, as it should', async () => {
      expect(await page().evaluate('crossOriginIsolated')).toBe(isolated)
    })
    test('every op answers as the reference does', async () => {
      const { compared, mistakes } = await ask<Sweep>("sweep('wasm', 5)")
      expect(mistakes).toEqual([])
      expect(compared).toBeGreaterThan(200)
    })
    test('a training gives the losses of Node, bit for bit', async () => {
      expect(await ask<number[]>("train('wasm', 20)")).toEqual(await train('wasm', 20))
    })
  })

  describe('WebGPU in Chromium', () => {
    const { ask } = open({ isolated: false })

    test('every op answers as the reference does', async () => {
      const { compared, mistakes } = await ask<Sweep>("sweep('webgpu', 2)")
      expect(mistakes).toEqual([])
      expect(compared).toBeGreaterThan(100)
    })
    test('a training gives the losses of the CPU to a thousandth', async () => {
      const [gpu, cpu] = [await ask<number[]>("train('webgpu', 10)"), await train('wasm', 10)]
      gpu.forEach((loss, i) => expect(Math.abs(loss - cpu[i]) / cpu[i], `step ${i}`).toBeLessThan(1e-3))
    })
  })
})
