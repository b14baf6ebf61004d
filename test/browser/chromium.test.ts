import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { withChromium } from './chromium.ts'
import { type Lived, live, train } from './page.ts'

interface Sweep {
  readonly compared: number
  readonly mistakes: readonly string[]
}

/** Which ops are tried, which of their edges, and how many cases drawn. */
const effort = { everyOp: 1, everyEdge: times(4, 1), draws: times(1, 5) }
/** A GPU in software takes seconds to translate the kernels of an op. */
const effortOnWebGpu = { ...effort, everyOp: times(4, 1), draws: times(1, 2) }

withChromium((open) => {
  describe.each([true, false])('WASM in Chromium, cross-origin isolated: %s', (isolated) => {
    const { page, ask } = open({ isolated })

    test('the page has shared memory, or not, as it should', async () => {
      expect(await page().evaluate('crossOriginIsolated')).toBe(isolated)
      await ask('watchThreads()')
    })
    test('every op computes what the reference does', async () => {
      const { compared, mistakes } = await ask<Sweep>(`sweep('wasm', ${JSON.stringify(effort)})`)
      expect(mistakes).toEqual([])
      expect(compared).toBeGreaterThan(times(100, 200))
    })
    test('a training gives the losses of Node, bit for bit', async () => {
      expect(await ask<number[]>("train('wasm', 20)")).toEqual(await train('wasm', 20))
    })
    test('a life learns, grows, and goes on from what was saved, bit for bit as in Node', async () => {
      const lived = await ask<Lived>("live('wasm')")
      expect(lived).toEqual(await live('wasm'))
      expect(lived.again).toEqual(lived.losses.slice(-3))
      expect(lived.growths).toEqual(['block b0: mlpHidden 64 → 96'])
    })
    test('threads run where there is shared memory, and none of them failed', async () => {
      const { started, errors } = await ask<{ started: number; errors: number }>('threads')
      expect([started > 0, errors]).toEqual([isolated, 0])
    })
  })

  describe('WebGPU in Chromium', () => {
    const { ask } = open({ isolated: false })

    test('every op computes what the reference does', async () => {
      const { compared, mistakes } = await ask<Sweep>(`sweep('webgpu', ${JSON.stringify(effortOnWebGpu)})`)
      expect(mistakes).toEqual([])
      expect(compared).toBeGreaterThan(times(20, 100))
    })
    test('a life learns, grows, and goes on from what was saved', async () => {
      const lived = await ask<Lived>("live('webgpu')")
      const wanted = await live('wasm')
      lived.losses.forEach((loss, i) => expect(loss / wanted.losses[i], `step ${i}`).toBeCloseTo(1, 2))
      expect(lived.again).toEqual(lived.losses.slice(-3))
      expect(lived.growths).toEqual(wanted.growths)
    })
    test('a training gives the losses of the CPU to a thousandth', async () => {
      const [gpu, cpu] = [await ask<number[]>("train('webgpu', 10)"), await train('wasm', 10)]
      gpu.forEach((loss, i) => expect(Math.abs(loss - cpu[i]) / cpu[i], `step ${i}`).toBeLessThan(1e-3))
    })
  })
})
