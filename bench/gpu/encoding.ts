/**
 * The time that the processor takes to hand a training step to a GPU, measured on Dawn's null driver, where
 * nothing computes meanwhile.
 */
import { type Engine, withEngine } from '@burgeon/tensor'
import { openWebGpu, webGpuCounts } from '@burgeon/tensor/webgpu'
import { create } from 'webgpu'
import { median, type TrainingCase } from '../peers/peer.ts'
import { gpuStep } from './gpu-step.ts'

/** Steps to get warm, and stretches of steps: the quietest counts, for processors are shared. */
const [warmUp, stretches, steps] = [300, 6, 50]

/**
 * Microseconds for each call of a kernel: in the device (checks, buffers, encoding), and with the tape and
 * the optimiser.
 */
export async function encodingCost(
  sizes: TrainingCase,
): Promise<{ device: number; whole: number; dispatches: number }> {
  const device = await openWebGpu({ gpu: create(['backend=null']) })
  const step = gpuStep(sizes, device)
  let inside = 0
  const timed = (below: Engine): Engine => ({
    run(op, inputs, attrs) {
      const start = performance.now()
      const outputs = below.run(op, inputs, attrs)
      inside += performance.now() - start
      return outputs
    },
  })
  const [insides, wholes]: number[][] = [[], []]
  let before = 0
  for (let i = 0; i < warmUp + stretches * steps; i++) {
    if (i === warmUp) before = webGpuCounts(device).dispatches
    inside = 0
    const { loss, encoding } = withEngine(timed, () => step.encode(i))
    insides.push(inside)
    wholes.push(encoding)
    await loss.read()
    loss.dispose()
  }
  const dispatches = (webGpuCounts(device).dispatches - before) / (stretches * steps)
  step.dispose()
  const each = (times: readonly number[]): number => {
    const medians = Array.from({ length: stretches }, (_, i) =>
      median(times.slice(warmUp + i * steps, warmUp + (i + 1) * steps)),
    )
    return (1000 * Math.min(...medians)) / dispatches
  }
  return { device: each(insides), whole: each(wholes), dispatches }
}
