/** What hidden units did on the rows of a step. */
import type { Gpt } from '@burgeon/gpt'
import { holdModel } from '@burgeon/gpt/growth'
import { abs, gather, mean, scope, sum, type Tensor, tensorsIn } from '@burgeon/tensor'
import type { TokenBatch } from '../stream/batch.ts'
import { batchTensors } from '../stream/batch-tensors.ts'
import { saidBy, type UnitLayer, unitLayersOf } from './unit-layer.ts'

/** Means over all tokens that were predicted, one number for each unit. */
export interface UnitActivity {
  readonly layer: UnitLayer
  readonly activation: readonly number[]
  readonly magnitude: readonly number[]
  /** Sum of the magnitudes of its outgoing weights. */
  readonly outgoing: readonly number[]
}

/** Looks at all layers, in one forward pass. */
export async function unitActivities(model: Gpt, fresh: TokenBatch): Promise<UnitActivity[]> {
  using _ = holdModel(model)
  const layers = unitLayersOf(model)
  const found = scope(() => {
    const { inputs, counted } = batchTensors(model.device, fresh)
    const places = model.device.tensor(counted, { shape: [counted.length], dtype: 'i32' }, 'probe')
    const blocks = new Map<string, { readonly activation: Tensor; readonly magnitude: Tensor }>()
    model.forward(inputs, undefined, {
      observe: (block, what, x) => {
        if (what !== 'mlpHidden') return
        const hidden = gather(x, places)
        blocks.set(block, {
          activation: mean(hidden, { axes: [0] }),
          magnitude: mean(abs(hidden), { axes: [0] }),
        })
      },
    })
    return layers.map(({ name, block }) => ({
      ...(blocks.get(block) as { readonly activation: Tensor; readonly magnitude: Tensor }),
      outgoing: sum(abs(model.parameters.get(saidBy(name)).tensor), { axes: [1] }),
    }))
  })
  try {
    return await Promise.all(
      layers.map(async (layer, i): Promise<UnitActivity> => {
        const own = (all: ArrayLike<number>): number[] =>
          Array.from({ length: layer.size }, (_, unit) => all[layer.offset + unit])
        const { activation, magnitude, outgoing } = found[i]
        return {
          layer,
          activation: own(await activation.read()),
          magnitude: own(await magnitude.read()),
          outgoing: Array.from(await outgoing.read()),
        }
      }),
    )
  } finally {
    for (const tensor of tensorsIn(found)) tensor.dispose()
  }
}
