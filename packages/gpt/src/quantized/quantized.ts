/** Packs a model for inference. */
import {
  checkArgument,
  checkOptions,
  checks,
  type Device,
  makeOwned,
  type PackedMatmulOptions,
  packWeights,
  reshape,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import type { BlockConfig, GptConfig } from '../config/gpt-config.ts'
import { Gpt } from '../gpt.ts'
import { holdModel } from '../growth/apply/hold-model.ts'
import { mapInputs } from './map-inputs.ts'
import { QuantizedGpt } from './quantized-gpt.ts'
import {
  checkTogether,
  quantizedChecks,
  type QuantizedOptions,
  type WeightFormat,
} from './quantized-options.ts'

/**
 * A copy of a model whose weights are packed, for generation and evaluation with a half to a seventh of the
 * memory. Norms, biases, learned positions, routers and adapters stay single floats.
 *
 * The model itself is not changed. Whoever does not need it any more calls its `dispose`.
 *
 * @throws OptionError for options that do not go together, NonFiniteError for weights that are not finite.
 * @example
 * ```ts
 * const small = await quantized(model, { weights: 'int8' })
 * const { tokens } = await small.generate([1, 2], { tokens: 8 })
 * ```
 */
export async function quantized(model: Gpt, options: QuantizedOptions): Promise<QuantizedGpt> {
  checkArgument('quantized', 'model', model, checks.instance('a Gpt', Gpt))
  checkOptions('quantized', options, quantizedChecks)
  checkTogether(options)
  using _ = holdModel(model)
  const { device } = model
  const tensors: Record<string, Tensor> = {}
  try {
    for (const { path, tensor } of model.parameters)
      tensors[path] = makeOwned(() => reshape(tensor, tensor.shape))
    const config = await packParts({ config: model.config, device, tensors }, options)
    return new QuantizedGpt(config, device, { tensors, size: model.parameters.size })
  } catch (error) {
    for (const tensor of Object.values(tensors)) tensor.release()
    throw error
  }
}

/**
 * Packs the tables of tokens and then one block after the other, in place. With a calibration text each block
 * is rounded for what the packed ones below it return.
 */
async function packParts(
  model: { config: GptConfig; readonly device: Device; readonly tensors: Record<string, Tensor> },
  options: QuantizedOptions,
): Promise<GptConfig> {
  const [tables, maps] = [tableForm(options), formOf(options, options.weights)]
  const { embed, blocks } = model.config
  const matrices = packedMatrices(model.tensors, embed, maps, tables)
  const pack = async (some: readonly PackedMatrix[]): Promise<void> => {
    const rounded = some.filter(({ form, isMap }) => isMap && isInteger(form.format)).map(({ path }) => path)
    const inputs = options.calibration
      ? await mapInputs(model, rounded, options.calibration)
      : new Map<string, Float64Array>()
    for (const matrix of some) {
      const { path } = matrix
      const whole = model.tensors[path]
      model.tensors[path] = await packedTensor(whole, matrix, options, inputs.get(path))
      whole.release()
    }
  }
  await pack(matrices.filter(({ path }) => !path.startsWith('blocks.')))
  model.config = { ...model.config, packed: tables }
  for (const { id } of blocks) {
    await pack(matrices.filter(({ path }) => path.startsWith(`blocks.${id}.`)))
    const withPacked = (block: BlockConfig): BlockConfig =>
      block.id === id ? { ...block, packed: maps } : block
    model.config = { ...model.config, blocks: model.config.blocks.map(withPacked) }
  }
  return model.config
}

const isInteger = (format: string): boolean => format === 'int8' || format === 'int4'

function formOf({ group, activations = 'f32' }: QuantizedOptions, format: WeightFormat): PackedMatmulOptions {
  return {
    format,
    ...(format === 'int4' && { group: group ?? 32 }),
    activations: isInteger(format) ? activations : 'f32',
  }
}

function tableForm(options: QuantizedOptions): PackedMatmulOptions {
  const { weights, embedding = weights === 'int4' ? 'int8' : weights } = options
  return formOf(options, embedding)
}

/** A matrix that is packed: its rows are the outputs of a map, or tokens. */
interface PackedMatrix {
  readonly path: string
  readonly form: PackedMatmulOptions
  /** Numbers of a row. */
  readonly width: number
  /** Whether anything is multiplied by it: a table of tokens beside a head of its own is only looked up. */
  readonly isMap: boolean
  /** Whether the rows are columns as the model has them. */
  readonly isTransposed: boolean
}

/** Maps from the residual stream, and maps into it. */
const [fromStream, intoStream] = [
  /^blocks\..*\.(query|key|value|gate|up)\.weight$/,
  /^blocks\..*\.(output|down)\.weight$/,
]

function packedMatrices(
  tensors: TensorsByPath,
  embed: number,
  maps: PackedMatmulOptions,
  tables: PackedMatmulOptions,
): PackedMatrix[] {
  return Object.entries(tensors).flatMap(([path, tensor]): PackedMatrix[] => {
    if (path === 'embed.token.weight' || path === 'head.weight') {
      const isMap = path === 'head.weight' || tensors['head.weight'] === undefined
      return [{ path, form: tables, width: embed, isMap, isTransposed: false }]
    }
    const map = { path, form: maps, isMap: true, isTransposed: true }
    if (fromStream.test(path)) return [{ ...map, width: embed }]
    if (intoStream.test(path)) return [{ ...map, width: tensor.size / embed }]
    return []
  })
}

async function packedTensor(
  tensor: Tensor,
  { path, form, width, isTransposed }: PackedMatrix,
  { rounding }: QuantizedOptions,
  inputs: Float64Array | undefined,
): Promise<Tensor> {
  const numbers = await tensor.read()
  const rows = numbers.length / width
  const words = packWeights(isTransposed ? transposed(numbers, width, rows) : numbers, {
    format: form.format,
    ...(form.group !== undefined && { group: form.group }),
    ...(rounding && { rounding }),
    ...(inputs && { inputs }),
    rows,
    width,
  })
  return makeOwned(() =>
    tensor.device.tensor(words, { shape: [rows, words.length / rows], dtype: 'i32' }, path),
  )
}

/** The columns of `[height, width]` numbers as rows. */
function transposed(numbers: ArrayLike<number>, height: number, width: number): Float32Array {
  const result = new Float32Array(numbers.length)
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      result[column * height + row] = numbers[row * width + column]
    }
  }
  return result
}
