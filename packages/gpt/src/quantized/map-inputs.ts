/** What the linear maps of a model read, and what they should make of it: error feedback needs both. */
import {
  add,
  type Attrs,
  type Device,
  type Engine,
  matmul,
  type OpName,
  scope,
  subtract,
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

/** Sums over a text, of a map from K numbers to M. */
export interface MapInputs {
  /** XᵀX of what it reads, `[K, K]` row-major. */
  readonly inputs: Float64Array
  /** YᵀX, `[M, K]` row-major, Y what it should make of that. Only with an original. */
  readonly products?: Float64Array
}

/**
 * Adds up what maps read while the model reads some text, and what they should make of it.
 *
 * It listens to the ops: the product with a weight shows what that weight reads, however the forward pass
 * comes to it. A map into the residual stream should also make up for what the stream lacks of the
 * original's.
 *
 * @param paths Of weights that are not packed.
 * @param sequences Tokens; longer ones are cut at the context.
 * @param original The model before anything of it was rounded.
 * @returns By path.
 * @throws UnsupportedError for a map that the forward pass multiplies by in an op of another kind.
 */
export async function mapInputs(
  model: ModelParts,
  paths: readonly string[],
  sequences: readonly ArrayLike<number>[],
  original?: ModelParts,
): Promise<ReadonlyMap<string, MapInputs>> {
  const inputs = new Map<string, Float64Array>()
  const products = new Map<string, Float64Array>()
  for (const sequence of sequences) {
    for (let from = 0; from < sequence.length; from += model.config.context) {
      const tokens = Array.from(sequence).slice(from, from + model.config.context)
      for (const { path, square, product } of sumsOf(model, paths, tokens, original)) {
        await addTo(inputs, path, square)
        if (product) await addTo(products, path, product)
      }
    }
  }
  const unseen = paths.find((path) => !inputs.has(path))
  if (unseen !== undefined) {
    throw new UnsupportedError(
      `quantized: got a calibration text, and no matmul or linear reads ${unseen}; expected one, for error feedback ` +
        'needs to see what a map reads. Leave the calibration out.',
    )
  }
  const found = [...inputs].map(([path, own]): [string, MapInputs] => {
    const wanted = products.get(path)
    return [path, { inputs: own, ...(wanted && { products: wanted }) }]
  })
  return new Map(found)
}

async function addTo(totals: Map<string, Float64Array>, path: string, sums: Tensor): Promise<void> {
  using own = sums
  const numbers = await own.read()
  const total = totals.get(path) ?? new Float64Array(numbers.length)
  totals.set(path, total)
  for (let i = 0; i < numbers.length; i++) total[i] += numbers[i]
}

/** The sums of each map for one sequence. */
function sumsOf(
  model: ModelParts,
  paths: readonly string[],
  tokens: readonly number[],
  original: ModelParts | undefined,
): { readonly path: string; readonly square: Tensor; readonly product: Tensor | undefined }[] {
  return scope(() => {
    const [now, before] = [heard(model, paths, tokens), original && heard(original, paths, tokens)]
    return [...now].map(([path, { x, stream }]) => {
      const square = matmul(x, x, { transposeA: true })
      const wanted = before?.get(path)
      if (wanted === undefined) return { path, square, product: undefined }
      const y =
        stream && wanted.stream ? add(wanted.product(), subtract(wanted.stream, stream)) : wanted.product()
      return { path, square, product: matmul(y, x, { transposeA: true }) }
    })
  })
}

/** What a map reads and makes in one pass. */
interface Heard {
  /** `[N, K]`. */
  readonly x: Tensor
  /** x times the weight, `[N, M]`. */
  product(): Tensor
  /** The residual stream that it is added to, `[N, M]`, where nothing comes between. */
  stream?: Tensor
}

function heard(
  { config, device, tensors }: ModelParts,
  paths: readonly string[],
  tokens: readonly number[],
): Map<string, Heard> {
  const byTensor = new Map<Tensor, string>(paths.map((path) => [tensors[path], path]))
  const found = new Map<string, Heard>()
  const made = new Map<Tensor, Heard>()
  const listen = (below: Engine): Engine => ({
    run<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: Attrs<K>): readonly Tensor[] {
      const outputs = below.run(op, inputs, attrs)
      const [first, second] = inputs
      const mapped = op === 'elementwise' && inputs.length === 2 ? made.get(second) : undefined
      if (mapped !== undefined) mapped.stream = first
      const path = byTensor.get(op === 'reshape' ? first : second)
      if (path === undefined) return outputs
      if (op === 'reshape') byTensor.set(outputs[0], path)
      if (op !== 'matmul' && op !== 'linear') return outputs
      const own: Heard = { x: first, product: () => matmul(first, second) }
      found.set(path, own)
      if (endsInStream(config, path)) made.set(outputs[0], own)
      return outputs
    },
  })
  const input = device.tensor(tokens, { shape: [1, tokens.length], dtype: 'i32' }, 'calibration')
  withEngine(listen, () => forward(config, tensors, input))
  return found
}

/** Whether what a map makes is added to the residual stream as it is. */
function endsInStream({ blocks }: GptConfig, path: string): boolean {
  const [, id] = /^blocks\.([^.]+)\..*\.(?:output|down)\.weight$/.exec(path) ?? []
  const block = blocks.find((own) => own.id === id)
  return block !== undefined && block.adapter === undefined && block.expertShares === undefined
}
