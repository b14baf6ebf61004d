/** A model of one's own, the smallest: one matrix from features to outputs. And examples for it. */
import type { ExampleBatch, Model } from '@burgeon/continual'
import { type Device, matmul, ParameterStore, type PlainTensors, plainTensors, scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'

const [features, outputs] = [3, 2]

export interface LinearModel extends Model {
  toState(): Promise<PlainTensors>
}

export function linearModel(
  numbers: ArrayLike<number> = [0.1, -0.2, 0.3, 0.4, -0.5, 0.6],
  extra: Partial<Model> = {},
  device: Device = openReference(),
): LinearModel {
  const parameters = new ParameterStore()
  scope(() =>
    parameters.add(
      'weight',
      ['embed', 'vocabulary'],
      device.tensor(numbers, { shape: [features, outputs], dtype: 'f32' }),
    ),
  )
  return {
    device,
    parameters,
    forward: (inputs, weights = parameters.tensors()) => matmul(inputs, weights['weight']),
    ...extra,
    toState: () => plainTensors(parameters.tensors()),
  }
}

export const linearFromState = ({ weight }: PlainTensors): LinearModel => linearModel(weight.data)

/** Example number `i` of a made-up stream: no two are alike. */
const exampleAt = (i: number): { readonly input: number[]; readonly label: number } => ({
  input: [Math.fround(Math.sin(i + 1)), Math.fround(Math.cos(2 * i)), 1],
  label: Math.sin(i + 1) + Math.cos(2 * i) > 0 ? 1 : 0,
})

/** A batch of the examples from one number up to another. */
export function examples(from: number, to: number, domain = 'stream'): ExampleBatch {
  const rows = Array.from({ length: to - from }, (_, i) => exampleAt(from + i))
  return {
    rows: rows.length,
    inputs: Float32Array.from(rows.flatMap(({ input }) => input)),
    targets: Float32Array.from(rows, ({ label }) => label),
    domains: rows.map(() => domain),
  }
}

/** Weights, and the loss and its gradient of some examples, worked out with plain numbers. */
export function softmaxStep(
  weight: ArrayLike<number>,
  { rows, inputs, targets }: ExampleBatch,
): { readonly losses: number[]; readonly gradient: number[] } {
  const gradient = new Array<number>(features * outputs).fill(0)
  const losses = Array.from({ length: rows }, (_, row) => {
    const x = inputs.subarray(row * features, (row + 1) * features)
    const logits = Array.from({ length: outputs }, (_, c) =>
      x.reduce((total, value, f) => total + value * weight[f * outputs + c], 0),
    )
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0)
    x.forEach((value, f) =>
      logits.forEach((logit, c) => {
        const error = Math.exp(logit) / total - (targets[row] === c ? 1 : 0)
        gradient[f * outputs + c] += (value * error) / rows
      }),
    )
    return Math.log(total) - logits[targets[row]]
  })
  return { losses, gradient }
}
