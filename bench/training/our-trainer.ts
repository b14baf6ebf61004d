/** Our own GPT in training, in the terms in which peers are asked. */
import { valueAndGrad } from '@burgeon/autograd'
import { adamw, applyUpdates, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import { Gpt } from '@burgeon/gpt'
import { type Device, mean, openScope, type TensorsByPath } from '@burgeon/tensor'
import {
  batchOf,
  optimizer,
  timedUpdates,
  type Trainer,
  type TrainingCase,
  type Weights,
} from '../peers/peer.ts'

/** A model of these sizes with random weights, the same at every call with one seed. */
export function createModel(sizes: TrainingCase, device: Device, seed = 1): Gpt {
  const { vocabulary, context, embed, heads, layers } = sizes
  return Gpt.create({ vocabulary, context, embed, heads, layers, norm: 'layer' }, { device, seed })
}

/** Weights to start a peer from. */
export async function initialWeights(sizes: TrainingCase, device: Device, seed = 1): Promise<Weights> {
  const model = createModel(sizes, device, seed)
  const { weights } = await model.toState()
  model.dispose()
  return weights
}

/** Our trainer on a device. */
export function ourTrainer(sizes: TrainingCase, device: Device): Trainer {
  const model = createModel(sizes, device)
  const { clip, ...rates } = optimizer
  const transform = chain(clipByGlobalNorm(clip), adamw(rates))
  const update = (step: number): number => {
    using _ = openScope()
    const { tokens, targets } = batchOf(step, sizes)
    const { batch, context } = sizes
    const x = device.tensor(tokens, { shape: [batch, context], dtype: 'i32' })
    const y = device.tensor(targets, { shape: [batch * context], dtype: 'i32' })
    const parameters = model.parameters.tensors()
    const { value, gradient } = valueAndGrad((w: TensorsByPath) => mean(model.losses(x, y, w)))(parameters)
    applyUpdates(parameters, transform.transform(gradient, { parameters, step }))
    return value.readSync()[0]
  }
  return {
    run: timedUpdates(update),
    dispose() {
      model.dispose()
      for (const mirror of transform.mirrors) mirror.dispose?.()
    },
  }
}
