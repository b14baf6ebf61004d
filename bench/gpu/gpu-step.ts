/** One update of our GPT on a GPU, in two halves: handing it over, and waiting for its loss. */
import { valueAndGrad } from '@burgeon/autograd'
import {
  adamw,
  applyUpdates,
  chain,
  clipByGlobalNorm,
  dynamicLossScale,
  type GradientTransform,
} from '@burgeon/autograd/optim'
import { type Device, mean, scope, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import { batchOf, optimizer, type TrainingCase } from '../peers/peer.ts'
import { createModel } from '../training/our-trainer.ts'

/** A model in training on a GPU. */
export interface GpuStep {
  /** Hands update number `step` over; `encoding` is how long that took, in milliseconds. */
  encode(step: number): { loss: Tensor; encoding: number }
  /** The same, and waits for the loss. */
  run(step: number): Promise<{ loss: number; milliseconds: number }>
  dispose(): void
}

/** @param isMixed Scales gradients, as mixed precision needs it. */
export function gpuStep(sizes: TrainingCase, device: Device, isMixed = false): GpuStep {
  const model = createModel(sizes, device)
  const { clip, ...rates } = optimizer
  const lossScale = isMixed ? dynamicLossScale() : undefined
  const stages: GradientTransform[] = [clipByGlobalNorm(clip), adamw(rates)]
  const transform = chain(...(lossScale ? [lossScale] : []), ...stages)
  const { batch, context } = sizes
  const encode = (step: number): { loss: Tensor; encoding: number } => {
    const start = performance.now()
    const loss = scope(() => {
      const { tokens, targets } = batchOf(step, sizes)
      const x = device.tensor(tokens, { shape: [batch, context], dtype: 'i32' })
      const y = device.tensor(targets, { shape: [batch * context], dtype: 'i32' })
      const parameters = model.parameters.tensors()
      const { gradient, aux } = valueAndGrad((w: TensorsByPath) => {
        const own = mean(model.losses(x, y, w))
        return [lossScale?.scaled(own) ?? own, own] as const
      })(parameters)
      applyUpdates(parameters, transform.transform(gradient, { parameters, step }))
      return aux
    })
    return { loss, encoding: performance.now() - start }
  }
  return {
    encode,
    async run(step) {
      const start = performance.now()
      const { loss } = encode(step)
      const [number] = await loss.read()
      loss.dispose()
      return { loss: number, milliseconds: performance.now() - start }
    },
    dispose() {
      model.dispose()
      for (const mirror of transform.mirrors) mirror.dispose?.()
      lossScale?.dispose()
    },
  }
}
