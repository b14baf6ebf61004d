/** What hidden units did on the rows of a step. */
import { abs, mean, scope, sum, tensorsIn } from '@burgeon/tensor'
import type { HiddenLayer, HiddenLayers } from '../model/hidden/hidden-layers.ts'
import type { LayeredModel } from '../model/hidden/of-model.ts'
import type { Batch } from '../stream/batch.ts'

/** Means over all predictions that count, one number for each unit. */
export interface UnitActivity {
  readonly layer: HiddenLayer
  readonly activation: readonly number[]
  readonly magnitude: readonly number[]
  /** Sum of the magnitudes of its outgoing weights. */
  readonly outgoing: readonly number[]
}

/** Looks at all layers, in one forward pass. */
export async function unitActivities(
  { parameters }: LayeredModel,
  hidden: HiddenLayers,
  fresh: Batch,
): Promise<UnitActivity[]> {
  using _ = hidden.hold()
  const found = scope(() => {
    const activations = hidden.activations(fresh)
    return hidden.layers.map(({ outgoing }, i) => ({
      activation: mean(activations[i], { axes: [0] }),
      magnitude: mean(abs(activations[i]), { axes: [0] }),
      outgoing: sum(abs(parameters.get(outgoing).tensor), { axes: [1] }),
    }))
  })
  try {
    return await Promise.all(
      hidden.layers.map(async (layer, i): Promise<UnitActivity> => {
        const { activation, magnitude, outgoing } = found[i]
        return {
          layer,
          activation: Array.from(await activation.read()),
          magnitude: Array.from(await magnitude.read()),
          outgoing: Array.from(await outgoing.read()),
        }
      }),
    )
  } finally {
    for (const tensor of tensorsIn(found)) tensor.dispose()
  }
}
