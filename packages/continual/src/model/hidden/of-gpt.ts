/** The hidden layers of a GPT: its MLPs; of several experts, each is a layer. */
import { type Gpt, parameterSpecs } from '@burgeon/gpt'
import { holdModel } from '@burgeon/gpt/growth'
import { gather, slice, type Tensor } from '@burgeon/tensor'
import { batchTensors } from '../../stream/batch-tensors.ts'
import type { HiddenLayer, HiddenLayers } from './hidden-layers.ts'

export function hiddenOfGpt(model: Gpt): HiddenLayers {
  const { config, parameters, device } = model
  const specs = parameterSpecs(config)
  const names = specs
    .filter(({ path, axes }) => path.endsWith('.up.weight') && axes.at(-1) === 'mlpHidden')
    .map(({ path }) => path.slice(0, -'.up.weight'.length))
  /** Each with the block that shows its activations, and the place of its first unit among them. */
  const places = config.blocks.flatMap(({ id, mlpHidden }) =>
    names
      .filter((name) => name.startsWith(`blocks.${id}.`))
      .map((name, expert) => ({ id, name, size: mlpHidden, offset: expert * mlpHidden })),
  )
  const layerOf = ({ name, size }: (typeof places)[number]): HiddenLayer => ({
    name,
    size,
    incoming: `${name}.up.weight`,
    outgoing: `${name}.down.weight`,
    outgoingBias: parameters.has(`${name}.down.bias`) ? `${name}.down.bias` : null,
    parameters: [...parameters].flatMap(({ path, axes }) => {
      const axis = axes.indexOf('mlpHidden')
      const isOwn = ['gate', 'up', 'down'].some((map) => path.startsWith(`${name}.${map}.`))
      return axis < 0 || !isOwn ? [] : [{ path, axis, isOutgoing: path.startsWith(`${name}.down.`) }]
    }),
  })
  return {
    layers: places.map(layerOf),
    activations(batch) {
      const { inputs, counted } = batchTensors(device, batch)
      const predictions = device.tensor(counted, { shape: [counted.length], dtype: 'i32' }, 'probe')
      const blocks = new Map<string, Tensor>()
      model.forward(inputs, undefined, {
        observe: (block, what, x) => {
          if (what === 'mlpHidden') blocks.set(block, gather(x, predictions))
        },
      })
      return places.map(({ id, size, offset }) => {
        const all = blocks.get(id) as Tensor
        return all.shape[1] === size ? all : slice(all, [0, offset], [all.shape[0], size])
      })
    },
    drawn(path, random) {
      const spec = specs.find((one) => one.path === path)
      if (spec?.initial.kind !== 'normal') return null
      const numbers = new Float32Array(parameters.get(path).tensor.size)
      random.named(path).fillNormal(numbers, spec.initial.standardDeviation)
      return numbers
    },
    hold: () => holdModel(model),
  }
}
