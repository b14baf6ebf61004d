/** The hidden layers of a dense network. */
import type { Tensor } from '@burgeon/tensor'
import { batchTensors } from '../../stream/batch-tensors.ts'
import { drawDense } from '../dense-initial.ts'
import type { DenseNetwork } from '../dense-network.ts'
import { shapesOf } from '../dense-sizes.ts'
import type { HiddenLayer, HiddenLayers } from './hidden-layers.ts'

export function hiddenOfDenseNetwork(model: DenseNetwork): HiddenLayers {
  const { sizes, initial, device, predicts } = model
  return {
    layers: sizes.hidden.map((size, i): HiddenLayer => {
      const [own, next] = [`layers.${i}`, `layers.${i + 1}`]
      const [incoming, outgoing] = [`${own}.weight`, `${next}.weight`]
      return {
        ...{ name: own, size, incoming, outgoing, outgoingBias: `${next}.bias` },
        parameters: [
          { path: incoming, axis: 1, isOutgoing: false },
          { path: `${own}.bias`, axis: 0, isOutgoing: false },
          { path: outgoing, axis: 0, isOutgoing: true },
        ],
      }
    }),
    activations(batch) {
      const found: Tensor[] = []
      const { inputs } = batchTensors(device, batch, predicts)
      model.forward(inputs, undefined, { observe: (hidden) => found.push(hidden) })
      return found
    },
    drawn(path, random) {
      const shape = shapesOf(model.sizes).find((one) => one.path === path)
      return shape === undefined ? null : drawDense(initial, shape, random)
    },
    hold: () => null,
  }
}
