/** What the linear maps of a model read: XᵀX of each, which error feedback needs. */
import {
  type Attrs,
  type Device,
  type Engine,
  type OpName,
  scope,
  type Tensor,
  type TensorsByPath,
  UnsupportedError,
  withEngine,
} from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import { forward } from '../forward/forward.ts'

/** A model, perhaps with some of its weights packed. */
export interface ModelParts {
  readonly config: GptConfig
  readonly device: Device
  readonly tensors: TensorsByPath
}

/**
 * Adds up XᵀX of the inputs of every map while the model reads some text.
 *
 * It listens to the ops: the product with a weight shows what that weight reads, however the forward pass
 * comes to it.
 *
 * @param paths Of weights that are not packed.
 * @param sequences Tokens; longer ones are cut at the context.
 * @returns By path, `[K, K]` row-major.
 * @throws UnsupportedError for a map that the forward pass multiplies by in an op of another kind.
 */
export async function mapInputs(
  model: ModelParts,
  paths: readonly string[],
  sequences: readonly ArrayLike<number>[],
): Promise<ReadonlyMap<string, Float64Array>> {
  const totals = new Map<string, Float64Array>()
  for (const sequence of sequences) {
    for (let from = 0; from < sequence.length; from += model.config.context) {
      const tokens = Array.from(sequence).slice(from, from + model.config.context)
      const squares = readSquares(model, paths, tokens)
      for (const [path, square] of squares) {
        using own = square
        const numbers = await own.read()
        const total = totals.get(path) ?? new Float64Array(numbers.length)
        for (let i = 0; i < numbers.length; i++) total[i] += numbers[i]
        totals.set(path, total)
      }
    }
  }
  const unseen = paths.find((path) => !totals.has(path))
  if (unseen === undefined) return totals
  throw new UnsupportedError(
    `quantized: got a calibration text, and no matmul or linear reads ${unseen}; expected one, for error feedback ` +
      'needs to see what a map reads. Leave the calibration out.',
  )
}

/** XᵀX of each map for one sequence. */
function readSquares(
  { config, device, tensors }: ModelParts,
  paths: readonly string[],
  tokens: readonly number[],
): Map<string, Tensor> {
  const byTensor = new Map<Tensor, string>(paths.map((path) => [tensors[path], path]))
  const squares = new Map<string, Tensor>()
  const listen = (below: Engine): Engine => ({
    run<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: Attrs<K>): readonly Tensor[] {
      const outputs = below.run(op, inputs, attrs)
      const path = byTensor.get(inputs[op === 'reshape' ? 0 : 1])
      if (path === undefined) return outputs
      if (op === 'reshape') byTensor.set(outputs[0], path)
      if (op !== 'matmul' && op !== 'linear') return outputs
      const [square] = below.run('matmul', [inputs[0], inputs[0]], { transposeA: true, transposeB: false })
      squares.set(path, square)
      return outputs
    },
  })
  return scope(() => {
    const input = device.tensor(tokens, { shape: [1, tokens.length], dtype: 'i32' }, 'calibration')
    withEngine(listen, () => forward(config, tensors, input))
    return squares
  })
}
