/**
 * `npm run bench -- gpu-ops`: products and attention on the GPU, as shares of what it can do, beside PyTorch
 * where that has CUDA.
 */
import {
  type Device,
  matmul,
  scopeAsync,
  opTable,
  reshape,
  runOp,
  scope,
  slice,
  type Tensor,
  tensorFrom,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { largestDifference } from '@burgeon/tensor/testing'
import { atLeast, atMost, type Benchmark, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'
import { median } from '../peers/peer.ts'
import { openTorchOnGpu, type TorchPeer } from '../peers/torch.ts'
import { type GpuUnderTest, openAdapter } from './adapter.ts'

const sizes = [256, 512, 1024, 2048, 4096]
const layouts = { NN: {}, NT: { transposeB: true }, TN: { transposeA: true } }
/** How far a product of 97³ may be from the reference. */
const tolerance = { single: 1e-5, mixed: 2e-2 }
/** FLOP/s of 4096³ NN on an H200-class adapter. */
const target = { single: 30e12, mixed: 100e12 }
/** Times faster than without the fused op, forward and backward, B8 H12 T1024 D64. */
const fusedTarget = 5
/** An op that takes longer than this is not tried in the next size: software adapters are slow. */
const maxMilliseconds = 2000

export const gpuOps: Benchmark = async ({ quick, note }) => {
  const { adapter, hasTargets, devices } = await openAdapter(note)
  const torch = await openTorchOnGpu()
  note(torch === undefined ? 'no PyTorch with CUDA here' : `beside ${torch.name}`)
  const rows: BenchmarkRow[] = []
  const checks: BenchmarkCheck[] = []
  for (const gpu of devices) {
    const { precision, peak } = gpu
    const about = { case: `${adapter}, ${precision} precision` }
    rows.push({ ...about, metric: 'measured peak', value: peak / 1e9, unit: 'GFLOP/s' })
    for (const layout of Object.keys(layouts) as (keyof typeof layouts)[]) {
      const apart = await differenceAt(gpu.device, 97, layouts[layout])
      checks.push(
        atMost(`${precision} matmul ${layout}: apart from the reference`, apart, tolerance[precision]),
      )
      const speeds = await products(gpu, layout, quick ? sizes.slice(0, 2) : sizes, torch, rows, note)
      const largest = speeds.get(4096)
      if (hasTargets && layout === 'NN' && largest !== undefined) {
        checks.push(atLeast(`${precision} matmul 4096³: FLOP/s`, largest, target[precision]))
      }
    }
    const gained = await attentions(gpu, quick, torch, rows, note)
    if (hasTargets && !quick) {
      checks.push(atLeast(`${precision} attention: times the unfused ops`, gained, fusedTarget))
    }
  }
  await torch?.close()
  return { rows, checks }
}

/** FLOP/s by size. */
async function products(
  { device, precision, peak }: GpuUnderTest,
  layout: keyof typeof layouts,
  sizesToTry: readonly number[],
  torch: TorchPeer | undefined,
  rows: BenchmarkRow[],
  note: (line: string) => void,
): Promise<Map<number, number>> {
  const speeds = new Map<number, number>()
  const options = layouts[layout]
  for (const n of sizesToTry) {
    const { milliseconds, first } = await scopeAsync((part) => {
      const [a, b] = part(() => [matrix(device, n, 0.7), matrix(device, n, 1.3)])
      return timeOf(() => [matmul(a, b, options)])
    })
    const speed = (2 * n ** 3) / milliseconds / 1e-3
    speeds.set(n, speed)
    const peer = await torch?.ask({
      ...{ do: 'matmul', m: n, n, k: n, mixed: precision === 'mixed', ...options },
    })
    const name = `${precision} matmul ${n}³ ${layout}`
    note(`${name}: ${(speed / 1e9).toFixed(1)} GFLOP/s, ${((100 * speed) / peak).toFixed(0)} % of the peak`)
    rows.push({
      ...{ case: name, metric: 'speed', value: speed / 1e9, unit: 'GFLOP/s' },
      ...(torch && peer && { peer: torch.name, ...beside(milliseconds, peer['milliseconds'] as number, n) }),
    })
    rows.push({ case: name, metric: 'share of the peak', value: speed / peak, unit: '' })
    if (first > maxMilliseconds) break
  }
  return speeds
}

const beside = (ours: number, theirs: number, n: number): { peerValue: number; ratio: number } => ({
  peerValue: (2 * n ** 3) / theirs / 1e6,
  ratio: theirs / ours,
})

/** How many times faster than the ops of its definition the last attention was, forward and backward. */
async function attentions(
  { device, precision }: GpuUnderTest,
  quick: boolean,
  torch: TorchPeer | undefined,
  rows: BenchmarkRow[],
  note: (line: string) => void,
): Promise<number> {
  let gained = 0
  const small = [2, 64, 4, 32] as const
  for (const shape of quick ? [small] : [small, [8, 256, 6, 64] as const, [8, 1024, 12, 64] as const]) {
    const { forward, both, unfused } = await scopeAsync(async (part) => {
      const [q, k, v, dO] = [1, 2, 3, 4].map((seed) =>
        part(() => tensorFrom(shape, (i) => Math.fround(Math.sin(i * seed + (i % 89))), device)),
      )
      const attrs = { scale: 1 / Math.sqrt(shape[3]), causal: true, keys: shape[1] }
      return {
        forward: await timeOf(() => [runOp('attention', [q, k, v], attrs)[0]]),
        both: await timeOf(() => {
          const [o, lse] = runOp('attention', [q, k, v], attrs)
          return runOp('attentionGrad', [dO, q, k, v, o, lse], attrs)
        }),
        unfused: await timeOf(() => {
          const [o, lse] = opTable.attention.definition([q, k, v], attrs)
          return opTable.attentionGrad.definition([dO, q, k, v, o, lse], attrs)
        }),
      }
    })
    gained = unfused.milliseconds / both.milliseconds
    const name = `${precision} attention [${shape.join(', ')}]`
    note(
      `${name}: ${both.milliseconds.toFixed(2)} ms with its gradient, ${gained.toFixed(1)} × the unfused ops`,
    )
    const theirs = await torch?.attention?.([...shape])
    rows.push({
      ...{ case: name, metric: 'forward', value: forward.milliseconds, unit: 'ms' },
      ...(theirs !== undefined &&
        torch && { peer: torch.name, peerValue: theirs, ratio: theirs / forward.milliseconds }),
    })
    rows.push({
      ...{ case: name, metric: 'forward and backward', value: both.milliseconds, unit: 'ms' },
      ...{ peer: 'unfused ops', peerValue: unfused.milliseconds, ratio: gained },
    })
    if (unfused.first > maxMilliseconds) break
  }
  return gained
}

const matrix = (device: Device, n: number, seed: number): Tensor =>
  tensorFrom([n, n], (i) => Math.fround(Math.sin(i * seed)), device)

async function differenceAt(device: Device, n: number, options: object): Promise<number> {
  const product = (on: Device): Tensor => matmul(matrix(on, n, 0.7), matrix(on, n, 1.3), options)
  return scopeAsync(async (part) => {
    const [ours, expected] = part(() => [product(device), product(openReference())])
    return largestDifference(await ours.read(), await expected.read())
  })
}

/**
 * Median of the milliseconds of one call among as many as fit into a tenth of a second, all waited for
 * together.
 */
async function timeOf(call: () => readonly Tensor[]): Promise<{ milliseconds: number; first: number }> {
  const measure = async (calls: number): Promise<number> => {
    const start = performance.now()
    const last = scope(() => {
      for (let i = 1; i < calls; i++) scope(() => void call())
      // One number of the last result is there only when all are.
      const result = call().at(-1) as Tensor
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
  const rounds = first < maxMilliseconds ? 5 : 1
  for (let i = 0; i < rounds; i++) times.push(await measure(calls))
  return { milliseconds: median(times), first }
}
