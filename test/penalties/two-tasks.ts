/** Two tasks for a small classifier: clusters of points around other centers, with the same labels. */
import type { ExampleBatch, Model } from '@burgeon/continual'
import {
  crossEntropy,
  type Device,
  freshTensor,
  keyFromSeed,
  linear,
  mean,
  ParameterStore,
  plainTensors,
  RandomStream,
  relu,
  scope,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'

const [features, classes] = [10, 4]
const sizes = { in: [features, 24], out: [24, classes] } as const

/** A layer of 24 units between inputs and classes. */
export function classifier(device: Device = openWasm({ threads: 1 }), seed = 1): Model {
  const parameters = new ParameterStore()
  const key = keyFromSeed(seed)
  scope(() => {
    for (const [name, [from, to]] of Object.entries(sizes)) {
      const initial = { kind: 'normal', standardDeviation: from ** -0.5 } as const
      const path = `${name}.weight`
      parameters.add(path, ['embed', 'mlpHidden'], freshTensor(device, [from, to], initial, key, path))
      const bias = freshTensor(device, [to], { kind: 'zero' }, key, `${name}.bias`)
      parameters.add(`${name}.bias`, ['mlpHidden'], bias)
    }
  })
  return {
    device,
    parameters,
    forward(x, w = parameters.tensors()): Tensor {
      const hidden = relu(linear(x, w['in.weight'], w['in.bias']))
      return linear(hidden, w['out.weight'], w['out.bias'])
    },
    toState: () => plainTensors(parameters.tensors()),
  }
}

/** Rows of a task; its centers and its rows follow from its name and the seed. */
export function rowsOfTask(task: string, seed: number, rows = 16): ExampleBatch {
  const at = new RandomStream(keyFromSeed(7)).named(task)
  const centers = Array.from({ length: classes * features }, () => at.normal())
  const random = new RandomStream(keyFromSeed(seed)).named(task)
  const targets = Float32Array.from({ length: rows }, () => random.below(classes))
  const inputs = Float32Array.from({ length: rows * features }, (_, i) => {
    const row = Math.floor(i / features)
    return centers[targets[row] * features + (i % features)] + 0.5 * random.normal()
  })
  return { rows, inputs, targets, domains: new Array<string>(rows).fill(task) }
}

/** The mean loss of some rows as a function of the weights. */
export function lossOf(model: Model, { rows, inputs, targets }: ExampleBatch): (w: TensorsByPath) => Tensor {
  const x = model.device.tensor(inputs, { shape: [rows, features], dtype: 'f32' })
  const y = model.device.tensor(Int32Array.from(targets), { shape: [rows], dtype: 'i32' })
  return (w) => mean(crossEntropy(model.forward(x, w), y))
}

/** How well a model does a task: its loss on many rows that it has never seen. */
export const heldOut = (model: Model, task: string): number =>
  scope(() => lossOf(model, rowsOfTask(task, 999, 300))(model.parameters.tensors()).item())
