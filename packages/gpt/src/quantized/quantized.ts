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
  unpackWeights,
} from '@burgeon/tensor'
import type { BlockConfig, GptConfig } from '../config/gpt-config.ts'
import { Gpt } from '../gpt.ts'
import { holdModel } from '../growth/apply/hold-model.ts'
import { type MapInputs, mapInputs, type ModelParts } from './map-inputs.ts'
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
    const original = { config: model.config, device, tensors: model.parameters.tensors() }
    const config = await packParts({ ...original, tensors }, original, options)
    return new QuantizedGpt(config, device, { tensors, size: model.parameters.size })
  } catch (error) {
    for (const tensor of Object.values(tensors)) tensor.release()
    throw error
  }
}

/** A model that is being packed. */
interface Packing {
  config: GptConfig
  readonly device: Device
  readonly tensors: Record<string, Tensor>
}

/** Maps of a block by what they read: each kind reads what the ones before it make. */
const stages = [
  /\.(query|key|value)\.weight$/,
  /\.output\.weight$/,
  /\.(gate|up)\.weight$/,
  /\.down\.weight$/,
]

/**
 * Packs the tables of tokens and then one block after the other, in place. With a calibration text each map
 * is rounded for what it reads when all before it is rounded, and for what it makes when nothing is.
 */
async function packParts(
  model: Packing,
  original: ModelParts,
  options: QuantizedOptions,
): Promise<GptConfig> {
  const [tables, maps] = [tableForm(options), formOf(options, options.weights)]
  const { embed, blocks } = model.config
  const matrices = packedMatrices(model.tensors, embed, maps, tables)
  const replace = (path: string, tensor: Tensor): void => {
    model.tensors[path].release()
    model.tensors[path] = tensor
  }
  const inputsOf = async (
    some: readonly PackedMatrix[],
    before?: ModelParts,
  ): Promise<ReadonlyMap<string, MapInputs>> => {
    const rounded = some.filter(({ form, isMap }) => isMap && isInteger(form.format)).map(({ path }) => path)
    if (options.calibration === undefined) return new Map()
    return mapInputs(model, rounded, options.calibration, before)
  }
  const read = matrices.filter(({ path }) => !path.startsWith('blocks.'))
  const inputs = await inputsOf(read)
  for (const matrix of read) {
    const words = await packedWords(model, matrix, options, inputs.get(matrix.path))
    replace(matrix.path, packedTensor(model, matrix, words))
  }
  model.config = { ...model.config, packed: tables }
  for (const { id } of blocks) {
    const ofBlock = matrices.filter(({ path }) => path.startsWith(`blocks.${id}.`))
    const packed = new Map<PackedMatrix, Int32Array>()
    for (const stage of options.calibration ? stages : [/^/]) {
      const some = ofBlock.filter(({ path }) => stage.test(path))
      const heard = await inputsOf(some, original)
      for (const matrix of some) {
        const words = await packedWords(model, matrix, options, heard.get(matrix.path))
        packed.set(matrix, words)
        // Until all of the block is packed, what is rounded stands there as plain numbers.
        if (options.calibration) replace(matrix.path, roundedTensor(model, matrix, words))
      }
    }
    for (const [matrix, words] of packed) replace(matrix.path, packedTensor(model, matrix, words))
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

async function packedWords(
  { tensors }: Packing,
  { path, form, width, isTransposed }: PackedMatrix,
  { rounding }: QuantizedOptions,
  heard: MapInputs | undefined,
): Promise<Int32Array> {
  const numbers = await tensors[path].read()
  const rows = numbers.length / width
  return packWeights(isTransposed ? transposed(numbers, width, rows) : numbers, {
    ...formatOf(form),
    ...(rounding && { rounding }),
    ...heard,
    rows,
    width,
  })
}

const formatOf = ({ format, group }: PackedMatmulOptions): Pick<PackedMatmulOptions, 'format' | 'group'> => ({
  format,
  ...(group !== undefined && { group }),
})

function packedTensor(
  { tensors, device }: Packing,
  { path, width }: PackedMatrix,
  words: Int32Array,
): Tensor {
  const rows = rowsOf(tensors[path], width)
  return makeOwned(() => device.tensor(words, { shape: [rows, words.length / rows], dtype: 'i32' }, path))
}

/** What a matrix is rounded to, in the shape that it had. */
function roundedTensor(
  { tensors, device }: Packing,
  { path, form, width }: PackedMatrix,
  words: Int32Array,
): Tensor {
  const { shape } = tensors[path]
  const rows = rowsOf(tensors[path], width)
  const numbers = transposed(unpackWeights(words, { ...formatOf(form), rows, width }), rows, width)
  return makeOwned(() => device.tensor(numbers, { shape, dtype: 'f32' }, path))
}

const rowsOf = ({ size }: Tensor, width: number): number => size / width

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
