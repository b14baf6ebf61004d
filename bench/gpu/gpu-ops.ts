/** `npm run bench -- gpu-ops`: products and attention on the GPU, as fractions of what its arithmetic can do. */
import {
  attention,
  type Device,
  matmul,
  openScope,
  reshape,
  scope,
  slice,
  type Tensor,
  tensorFrom,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { largestDifference } from '@burgeon/tensor/testing'
import { aboutWebGpu, openWebGpu, webGpuPeakFlops } from '@burgeon/tensor/webgpu'
import { atMost, type Benchmark, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'
import { median } from '../peers/peer.ts'

const sizes = [256, 512, 1024, 2048, 4096]
/** An op that takes longer than this is not tried in the next size: software adapters are slow. */
const mostMilliseconds = 2000

export const gpuOps: Benchmark = async ({ quick, note }) => {
  const device = await openWebGpu()
  const { adapter } = await aboutWebGpu()
  const peak = await webGpuPeakFlops(device)
  note(`${adapter}: ${(peak / 1e12).toFixed(3)} TFLOP/s`)
  const rows: BenchmarkRow[] = [
    { case: adapter, metric: 'measured peak', value: peak / 1e9, unit: 'GFLOP/s' },
  ]
  const checks: BenchmarkCheck[] = []
  for (const [layout, options] of Object.entries(layouts)) {
    checks.push(
      atMost(
        `matmul ${layout}: difference from the reference`,
        await differenceAt(device, 97, options),
        1e-5,
      ),
    )
    for (const n of quick ? sizes.slice(0, 2) : sizes) {
      using _operands = openScope()
      const [a, b] = [matrix(device, n, 0.7), matrix(device, n, 1.3)]
      const { milliseconds, first } = await timeOf(() => matmul(a, b, options))
      const speed = (2 * n ** 3) / milliseconds / 1e6
      note(
        `${n}³ ${layout}: ${speed.toFixed(1)} GFLOP/s, ${((100 * speed * 1e9) / peak).toFixed(0)} % of the peak`,
      )
      rows.push({ case: `matmul ${n}³ ${layout}`, metric: 'speed', value: speed, unit: 'GFLOP/s' })
      rows.push({
        ...{ case: `matmul ${n}³ ${layout}`, metric: 'share of the peak' },
        ...{ value: (speed * 1e9) / peak, unit: '' },
      })
      if (first > mostMilliseconds) break
    }
  }
  for (const [b, t, h, d] of quick
    ? [[2, 64, 4, 32]]
    : [
        [2, 64, 4, 32],
        [8, 256, 6, 64],
        [8, 1024, 12, 64],
      ]) {
    using _inputs = openScope()
    const [q, k, v] = [1, 2, 3].map((seed) =>
      tensorFrom([b, t, h, d], (i) => Math.fround(Math.sin(i * seed + (i % 89))), device),
    )
    const { milliseconds, first } = await timeOf(() => attention(q, k, v))
    const name = `attention [${[b, t, h, d].join(', ')}]`
    note(`${name}: ${milliseconds.toFixed(2)} ms`)
    rows.push({ case: name, metric: 'median', value: milliseconds, unit: 'ms' })
    if (first > mostMilliseconds) break
  }
  return { rows, checks }
}

const layouts = { NN: {}, NT: { transposeB: true }, TN: { transposeA: true } }

const matrix = (device: Device, n: number, seed: number): Tensor =>
  tensorFrom([n, n], (i) => Math.fround(Math.sin(i * seed)), device)

async function differenceAt(device: Device, n: number, options: object): Promise<number> {
  using _ = openScope()
  const product = (on: Device): Tensor => matmul(matrix(on, n, 0.7), matrix(on, n, 1.3), options)
  return largestDifference(await product(device).read(), await product(openReference()).read())
}

/** Median of the milliseconds of one call among as many as fit into a third of a second, all waited for together. */
async function timeOf(run: () => Tensor): Promise<{ milliseconds: number; first: number }> {
  const measure = async (calls: number): Promise<number> => {
    const start = performance.now()
    const last = scope(() => {
      for (let i = 1; i < calls; i++) scope(() => void run())
      // One number of the last result is there only when all are.
      const result = run()
      return slice(reshape(result, [result.size]), [0], [1])
    })
    await last.read()
    last.dispose()
    return (performance.now() - start) / calls
  }
  await measure(1)
  const first = await measure(1)
  const calls = Math.max(1, Math.min(200, Math.floor(100 / first)))
  const times: number[] = []
  const rounds = first < mostMilliseconds ? 5 : 1
  for (let i = 0; i < rounds; i++) times.push(await measure(calls))
  return { milliseconds: median(times), first }
}
