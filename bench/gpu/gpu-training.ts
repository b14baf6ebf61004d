/**
 * `npm run bench -- gpu-training`: training steps on the GPU, their losses beside the CPU's, their time
 * beside PyTorch's where that has CUDA, and what handing them over costs.
 */
import { openWasm } from '@burgeon/tensor/wasm'
import { webGpuCounts } from '@burgeon/tensor/webgpu'
import { atLeast, atMost, type Benchmark, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'
import { median, type TrainingCase } from '../peers/peer.ts'
import { openTorchOnGpu, type TorchPeer } from '../peers/torch.ts'
import { initialWeights, ourTrainer } from '../training/our-trainer.ts'
import { baby, gpt2Small, tiny } from '../training/sizes.ts'
import { type GpuUnderTest, openAdapter } from './adapter.ts'
import { encodingCost } from './encoding.ts'
import { type GpuStep, gpuStep } from './gpu-step.ts'

/** The size of the published comparison: eight rows of the whole context, and the whole vocabulary. */
const gpt2: TrainingCase = {
  ...gpt2Small,
  name: 'GPT-2 124M, B8 T1024',
  batch: 8,
  context: 1024,
  vocabulary: 50_257,
}
/** Steps whose losses are compared with the CPU's, and how far they may lie apart. */
const [checkedSteps, tolerance] = [5, { single: 1e-3, mixed: 1e-2 }]
/** A size whose steps take longer is the last one: software adapters are slow. */
const maxMilliseconds = 3000
/** Microseconds of the processor for one call of a kernel. */
const maxPerDispatch = 5
/** Shares of PyTorch's speed on an H200-class adapter: eager single precision, and autocast to bf16. */
const target = { single: 1, mixed: 0.5 }

export const gpuTraining: Benchmark = async ({ quick, note }) => {
  const { device: inDevice, whole, dispatches } = await encodingCost(tiny)
  note(
    `handing a step over: ${inDevice.toFixed(2)} µs for each of ${dispatches} calls, ${whole.toFixed(2)} with the tape`,
  )
  const about = { case: "training step, tiny, on Dawn's null driver" }
  const rows: BenchmarkRow[] = [
    { ...about, metric: 'encoding of one call', value: inDevice, unit: 'µs' },
    { ...about, metric: 'the same with tape and optimiser', value: whole, unit: 'µs' },
    { ...about, metric: 'calls', value: dispatches, unit: '' },
  ]
  const checks: BenchmarkCheck[] = [
    atMost('microseconds of encoding for each call', inDevice, maxPerDispatch),
  ]
  const { adapter, hasTargets, devices } = await openAdapter(note)
  const torch = await openTorchOnGpu()
  note(torch === undefined ? 'no PyTorch with CUDA here' : `beside ${torch.name}`)
  for (const gpu of devices) {
    for (const sizes of quick ? [tiny] : [tiny, baby, gpt2Small, gpt2]) {
      const name = `${gpu.precision}, ${sizes.name}`
      const step = gpuStep(sizes, gpu.device, gpu.precision === 'mixed')
      if (sizes !== gpt2) checks.push(await besideCpu(name, sizes, step, tolerance[gpu.precision]))
      const { milliseconds, ratio } = await measure(gpu, sizes, step, torch, rows, checks)
      step.dispose()
      note(`${name} on ${adapter}: ${milliseconds.toFixed(1)} ms`)
      if (hasTargets && sizes === gpt2 && ratio !== undefined) {
        checks.push(atLeast(`${name}: times the speed of PyTorch`, ratio, target[gpu.precision]))
      }
      if (milliseconds > maxMilliseconds) break
    }
  }
  await torch?.close()
  return { rows, checks }
}

async function besideCpu(
  name: string,
  sizes: TrainingCase,
  step: GpuStep,
  most: number,
): Promise<BenchmarkCheck> {
  const cpu = ourTrainer(sizes, openWasm())
  const { losses } = await cpu.run(0, checkedSteps)
  await cpu.dispose()
  let apart = 0
  for (const [i, loss] of losses.entries()) {
    apart = Math.max(apart, Math.abs((await step.run(i)).loss - loss) / loss)
  }
  return atMost(`${name}: losses of the GPU and the CPU lie apart by`, apart, most)
}

/** The median of the steps of five seconds, ours and then PyTorch's. */
async function measure(
  { device, precision }: GpuUnderTest,
  sizes: TrainingCase,
  step: GpuStep,
  torch: TorchPeer | undefined,
  rows: BenchmarkRow[],
  checks: BenchmarkCheck[],
): Promise<{ milliseconds: number; ratio: number | undefined }> {
  // Buffers and programs are all there after the second step of a shape.
  for (let i = 0; i < 3; i++) await step.run(checkedSteps + i)
  const before = webGpuCounts(device)
  const times: number[] = []
  const start = performance.now()
  while (times.length < 3 || (times.length < 50 && performance.now() - start < 5000)) {
    times.push((await step.run(checkedSteps + 3 + times.length)).milliseconds)
  }
  const after = webGpuCounts(device)
  const milliseconds = median(times)
  const name = `training step, ${precision}, ${sizes.name}`
  const peer = torch && (await torchStep(torch, sizes, device, precision === 'mixed', milliseconds))
  rows.push({
    ...{ case: name, metric: 'median', value: milliseconds, unit: 'ms' },
    ...peer,
  })
  rows.push({
    ...{ case: name, metric: 'calls', unit: '' },
    value: (after.dispatches - before.dispatches) / times.length,
  })
  checks.push(
    atMost(`${name}: pipelines compiled after the first steps`, after.pipelines - before.pipelines, 0),
    atMost(`${name}: buffers created after the first steps`, after.buffers - before.buffers, 0),
  )
  return { milliseconds, ratio: peer?.ratio }
}

async function torchStep(
  torch: TorchPeer,
  sizes: TrainingCase,
  device: GpuUnderTest['device'],
  mixed: boolean,
  ours: number,
): Promise<{ peer: string; peerValue: number; ratio: number }> {
  await torch.load(sizes, await initialWeights(sizes, device), { mixed })
  await torch.ask({ do: 'steps', first: 0, count: 5 })
  const { milliseconds } = await torch.ask({ do: 'steps', first: 5, count: 20 })
  const theirs = median(milliseconds as number[])
  return { peer: torch.name, peerValue: theirs, ratio: theirs / ours }
}
