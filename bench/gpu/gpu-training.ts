/** `npm run bench -- gpu-training`: training steps on the GPU: their losses beside the CPU's, their time, and what encoding costs. */
import { adamw, applyUpdates, chain, clipByGlobalNorm, valueAndGrad } from '@burgeon/autograd'
import { type Device, mean, scope, type TensorsByPath } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { aboutWebGpu, openWebGpu, webGpuCounts } from '@burgeon/tensor/webgpu'
import { atMost, type Benchmark, type BenchmarkCheck, type BenchmarkRow } from '../benchmark.ts'
import { batchOf, median, optimizer, type TrainingCase } from '../peers/peer.ts'
import { createModel, ourTrainer } from '../training/our-trainer.ts'
import { baby, gpt2Small, tiny } from '../training/sizes.ts'

/** Steps whose losses are compared, and how far they may lie apart. */
const [checkedSteps, tolerance] = [5, 1e-3]
/** A size whose steps take longer is the last one: software adapters are slow. */
const mostMilliseconds = 3000
/** Microseconds of the CPU for one call of a kernel, everything above it included. */
const mostPerDispatch = 5

export const gpuTraining: Benchmark = async ({ quick, note }) => {
  const device = await openWebGpu()
  const { adapter } = await aboutWebGpu()
  const rows: BenchmarkRow[] = []
  const checks: BenchmarkCheck[] = []
  for (const sizes of quick ? [tiny] : [tiny, baby, gpt2Small]) {
    const step = gpuStep(sizes, device)
    const cpu = ourTrainer(sizes, openWasm())
    const { losses } = await cpu.run(0, checkedSteps)
    await cpu.dispose()
    let apart = 0
    for (const [i, loss] of losses.entries()) {
      apart = Math.max(apart, Math.abs((await step(i)).loss - loss) / loss)
    }
    checks.push(atMost(`${sizes.name}: losses of the GPU and the CPU lie apart by`, apart, tolerance))
    const before = webGpuCounts(device)
    const taken: Awaited<ReturnType<typeof step>>[] = []
    const start = performance.now()
    while (taken.length < 3 || (taken.length < 30 && performance.now() - start < 5000)) {
      taken.push(await step(checkedSteps + taken.length))
    }
    const after = webGpuCounts(device)
    const dispatches = (after.dispatches - before.dispatches) / taken.length
    const milliseconds = median(taken.map((one) => one.milliseconds))
    const encoding = (1000 * median(taken.map((one) => one.encoding))) / dispatches
    note(
      `${sizes.name} on ${adapter}: ${milliseconds.toFixed(1)} ms, ${encoding.toFixed(2)} µs for each dispatch`,
    )
    const about = { case: `training step, ${sizes.name}, ${adapter}` }
    rows.push({ ...about, metric: 'median', value: milliseconds, unit: 'ms' })
    rows.push({ ...about, metric: 'dispatches', value: dispatches, unit: '' })
    rows.push({ ...about, metric: 'encoding of one', value: encoding, unit: 'µs' })
    checks.push(
      atMost(`${sizes.name}: microseconds of encoding for each dispatch`, encoding, mostPerDispatch),
      atMost(
        `${sizes.name}: pipelines compiled after the first steps`,
        after.pipelines - before.pipelines,
        0,
      ),
      atMost(`${sizes.name}: buffers created after the first steps`, after.buffers - before.buffers, 0),
    )
    if (milliseconds > mostMilliseconds) break
  }
  return { rows, checks }
}

/** One update; `encoding` is the time until everything has been handed to the queue. */
function gpuStep(sizes: TrainingCase, device: Device) {
  const model = createModel(sizes, device)
  const { clip, ...rates } = optimizer
  const transform = chain(clipByGlobalNorm(clip), adamw(rates))
  const { batch, context } = sizes
  return async (step: number): Promise<{ loss: number; milliseconds: number; encoding: number }> => {
    const start = performance.now()
    const value = scope(() => {
      const { tokens, targets } = batchOf(step, sizes)
      const x = device.tensor(tokens, { shape: [batch, context], dtype: 'i32' })
      const y = device.tensor(targets, { shape: [batch * context], dtype: 'i32' })
      const parameters = model.parameters.tensors()
      const { value: loss, gradient } = valueAndGrad((w: TensorsByPath) => mean(model.losses(x, y, w)))(
        parameters,
      )
      applyUpdates(parameters, transform.transform(gradient, { parameters, step }))
      return loss
    })
    const encoding = performance.now() - start
    const [loss] = await value.read()
    value.dispose()
    return { loss, milliseconds: performance.now() - start, encoding }
  }
}
