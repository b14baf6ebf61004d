/** Whether a learner's memory stays flat: live buffers and resident size after a run and after one ten times as long. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { buildLearner, firstLifeSettings } from 'burgeon/life'
import { batchOfTokens } from 'burgeon'
import { atMost, type Benchmark } from '../benchmark.ts'

// Garbage that waits to be collected is no leak: it must not count.
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

export const memory: Benchmark = async ({ quick, note }) => {
  const short = quick ? 60 : 200
  const settings = { ...firstLifeSettings(0, true), plateau: 0, memoryRows: 200, protection: 0 }
  const learner = buildLearner(settings)
  const { context } = settings.model
  const { device } = learner.model
  const at: Record<number, { buffers: number; bytes: number; resident: number; used: number }> = {}
  for (let step = 1; step <= 10 * short; step++) {
    const text = Int32Array.from(
      { length: settings.rows * context + 1 },
      (_, i) => 97 + ((i * 7 + step * 13) % 23),
    )
    await learner.observe(batchOfTokens(text, context, 'letters'))
    if (step !== short && step !== 10 * short) continue
    collectGarbage()
    at[step] = { ...device.memory, resident: process.memoryUsage().rss, used: usedMemory() }
    note(
      `step ${step}: ${at[step].buffers} live buffers, ${at[step].bytes} bytes in them, ${at[step].resident} bytes resident`,
    )
  }
  const [first, last] = [at[short], at[10 * short]]
  const about = `after ${10 * short} steps, peer: after ${short}`
  const rowOf = (metric: string, value: number, before: number, unit: string) =>
    ({
      case: about,
      metric,
      value,
      unit,
      peer: 'shorter run',
      peerValue: before,
      ratio: before / value,
    }) as const
  return {
    rows: [
      rowOf('live buffers', last.buffers, first.buffers, ''),
      rowOf('bytes in live buffers', last.bytes, first.bytes, 'bytes'),
      rowOf('used by JavaScript and WASM', last.used / 2 ** 20, first.used / 2 ** 20, 'MiB'),
      rowOf('resident size', last.resident / 2 ** 20, first.resident / 2 ** 20, 'MiB'),
    ],
    checks: [
      atMost('live buffers more than in the shorter run', last.buffers - first.buffers, 0),
      // V8 widens its nursery as a process gets older, so resident size says less than what is in use after a collection.
      atMost('used memory over the shorter run’s', last.used / first.used, 1.05),
    ],
  }
}

/** Bytes that are in use after a collection: the JavaScript heap, and linear memory. */
function usedMemory(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
