/** Matrix products of the WASM device: checked against the reference, then timed with tinybench. */
import { fill, formatShape, matmul, openScope, type Tensor, tensorFrom } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { largestDifference } from '@burgeon/tensor/testing'
import { openWasm } from '@burgeon/tensor/wasm'
import { Bench } from 'tinybench'
import { atMost, type Benchmark, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'

const sizes = [64, 128, 256, 512]

export const ops: Benchmark = async ({ quick, note }) => {
  const [wasm, reference] = [openWasm(), openReference()]
  const rows: BenchmarkRow[] = []
  const checks: BenchmarkCheck[] = []
  for (const n of quick ? sizes.slice(0, 3) : sizes) {
    for (const [layout, options] of Object.entries(layouts)) {
      const about = `matmul ${formatShape([n, n])} ${layout}`
      // The reference takes n³ steps of interpreted arithmetic, so the check is done at a ragged smaller size.
      const error = differenceAt(Math.min(n, 97), options)
      checks.push(atMost(`${about}: difference from the reference`, error, 1e-5))
      using _step = openScope()
      const [a, b] = [fill(wasm, [n, n], 0.5), fill(wasm, [n, n], 0.25)]
      const bench = new Bench({ time: quick ? 100 : 500, warmupTime: 100 })
      bench.add(about, () => {
        using _ = openScope()
        matmul(a, b, options)
      })
      await bench.run()
      const median = milliseconds(bench)
      const speed = (2 * n ** 3) / median / 1e6
      note(`${about}: ${speed.toFixed(1)} GFLOP/s`)
      rows.push({ case: about, metric: 'median', value: median, unit: 'ms' })
      rows.push({ case: about, metric: 'speed', value: speed, unit: 'GFLOP/s' })
    }
  }
  return { rows, checks }

  function differenceAt(n: number, options: object): number {
    using _ = openScope()
    const product = (device: typeof wasm): Tensor => {
      const matrix = (seed: number): Tensor =>
        tensorFrom([n, n], (i) => Math.fround(Math.sin(i * seed)), device)
      return matmul(matrix(0.7), matrix(1.3), options)
    }
    return largestDifference(product(wasm).readSync(), product(reference).readSync())
  }
}

const layouts = {
  NN: {},
  NT: { transposeB: true },
  TN: { transposeA: true },
}

/** Median of the only task. */
function milliseconds(bench: Bench): number {
  const [task] = bench.tasks
  const { result } = task
  if (result === undefined || !('latency' in result)) throw new Error(`bench: ${task.name} gave no result.`)
  return result.latency.p50
}
