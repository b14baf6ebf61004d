/** How the cost of a step grows with each size of the model and with threads, and what generation costs. */
import { generate, Gpt } from '@burgeon/gpt'
import type { Device } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { atMost, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'
import { median, type TrainingCase } from '../peers/peer.ts'
import { ourTrainer } from './our-trainer.ts'
import { tiny } from './sizes.ts'

/** Step time when one size doubles and doubles again, from the tiny model on. */
export async function costOfGrowth(device: Device): Promise<BenchmarkRow[]> {
  const rows: BenchmarkRow[] = []
  const measure = async (name: string, sizes: TrainingCase, own = device): Promise<void> => {
    const trainer = ourTrainer(sizes, own)
    await trainer.run(0, 5)
    const { milliseconds } = await trainer.run(5, 9)
    await trainer.dispose()
    rows.push({ case: `step, ${name}`, metric: 'median', value: median(milliseconds), unit: 'ms' })
  }
  for (const embed of [128, 256, 512]) await measure(`width ${embed}`, { ...tiny, embed })
  for (const layers of [4, 8, 16]) await measure(`depth ${layers}`, { ...tiny, layers })
  for (const context of [64, 128, 256]) await measure(`context ${context}`, { ...tiny, context })
  for (const threads of [1, 2, 4, 8]) await measure(`${threads} threads`, tiny, openWasm({ threads }))
  return rows
}

/** Tokens a second with the cache, one sequence. */
export async function costOfGeneration(
  device: Device,
  sizes: readonly TrainingCase[],
): Promise<BenchmarkRow[]> {
  const rows: BenchmarkRow[] = []
  for (const { name, vocabulary, context, embed, heads, layers } of sizes) {
    const model = Gpt.create(
      { vocabulary, context, embed, heads, layers, norm: 'layer' },
      { device, seed: 1 },
    )
    const many = Math.min(context - 2, 200)
    const times: number[] = []
    for (let round = 0; round < 4; round++) {
      const start = performance.now()
      let count = 0
      for await (const _token of generate(model, [1], { tokens: many, seed: round })) count++
      times.push((1000 * count) / (performance.now() - start))
    }
    rows.push({
      case: `generation, ${name}`,
      metric: 'speed',
      value: median(times.slice(1)),
      unit: 'tokens/s',
    })
    model.dispose()
  }
  return rows
}

/** Losses must be the same bits for any number of threads. */
export async function threadChecks(): Promise<BenchmarkCheck[]> {
  const lossesOf = async (threads: number): Promise<number[]> => {
    const trainer = ourTrainer(tiny, openWasm({ threads }))
    const { losses } = await trainer.run(0, 20)
    await trainer.dispose()
    return losses
  }
  const one = await lossesOf(1)
  const checks: BenchmarkCheck[] = []
  for (const threads of [2, 4]) {
    const many = await lossesOf(threads)
    const different = one.filter((loss, i) => loss !== many[i]).length
    checks.push(atMost(`losses of 20 steps that differ between 1 and ${threads} threads`, different, 0))
  }
  return checks
}

/** Nothing may be left behind by a step. */
export async function memoryChecks(device: Device, steps: number): Promise<BenchmarkCheck[]> {
  const small = { ...tiny, layers: 1, embed: 16, heads: 2, context: 16, batch: 2 }
  const trainer = ourTrainer(small, device)
  await trainer.run(0, 100)
  const before = device.memory
  await trainer.run(100, steps)
  const after = device.memory
  await trainer.dispose()
  return [
    atMost(`buffers that ${steps} steps leave behind`, after.buffers - before.buffers, 0),
    atMost(`bytes that ${steps} steps leave behind`, after.bytes - before.bytes, 0),
    atMost(`bytes that ${steps} steps take from the system`, after.reserved - before.reserved, 0),
  ]
}
