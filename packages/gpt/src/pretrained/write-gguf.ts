/** Writes a model as a GGUF file, which llama.cpp reads, with its tokenizer. */
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import { type ParameterSpec, parameterSpecs } from '../config/parameters.ts'
import { Gpt } from '../gpt.ts'
import { joinBytes } from '../join-bytes.ts'
import { PretrainedTokenizer } from '../tokenizer/pretrained-tokenizer.ts'
import { configFromPretrained } from './config/config-from-pretrained.ts'
import { configJson } from './config/config-json.ts'
import { PretrainedError } from './config/pretrained-error.ts'
import { factorOf, scaledNumbers } from './folded-weights.ts'
import { headerBytes, padding, type TypedValue } from './gguf/format/header-bytes.ts'
import { blockWriters, largestOf, type WrittenType } from './gguf/format/write-blocks.ts'
import { type GgufPlace, ggufPlaceOf, rowHere } from './gguf/model/gguf-tensor-names.ts'
import { architectureFor, modelMetadata, rotaryDivisors } from './gguf/model/model-metadata.ts'
import { tokenizerMetadata } from './gguf/tokenizer/tokenizer-metadata.ts'
import { checkFits, checkSays } from './pretrained-fit.ts'

/** How a GGUF file is written. */
export interface WriteGgufOptions {
  /**
   * How matrices are stored, `F32` unless given: as they are, as half floats (`F16`), or as integers of 8 or
   * 4 bits in blocks of 32 with a scale. Rows that are no multiple of 32 become half floats instead; vectors
   * and positions stay single floats.
   */
  readonly type?: WrittenType
  /** The tokenizer that goes into the file; none unless given. */
  readonly tokenizer?: PretrainedTokenizer
  /** `general.name`. */
  readonly name?: string
}

/** A tensor of the file, and the parameters it is made of. */
interface WrittenTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly type: WrittenType
  readonly parts: { readonly place: GgufPlace; readonly spec: ParameterSpec }[]
}

/**
 * The bytes of a GGUF file, piece by piece: what comes before the numbers, then tensor after tensor. Nothing
 * but one tensor is held.
 *
 * What growth has left beside the weights is folded into them, as in `writePretrained`. Models of GPT-2's
 * class become `gpt2`; those of the Llama family `llama`, `qwen2` or `qwen3`.
 *
 * @throws PretrainedError or TokenizerError, before anything is given, for what such files cannot say.
 */
export async function* ggufPieces(model: Gpt, options: WriteGgufOptions = {}): AsyncGenerator<Uint8Array> {
  checkArgument('ggufPieces', 'model', model, checks.instance('a Gpt', Gpt))
  checkOptions('ggufPieces', options, {
    type: checks.oneOf('F32', 'F16', 'Q8_0', 'Q4_0'),
    tokenizer: checks.instance('a PretrainedTokenizer', PretrainedTokenizer),
    name: checks.text,
  })
  const { config } = model
  const { type = 'F32', tokenizer, name } = options
  checkSays('writeGguf', config)
  const json = configJson('writeGguf', config)
  const target = configFromPretrained('writeGguf', json)
  checkFits('writeGguf', config, target)
  const plain = withoutScoreWidths(target)
  const architecture = architectureFor(config, json)
  const divisors = rotaryDivisors(config, json)
  const metadata = new Map<string, TypedValue>([
    ...modelMetadata(config, json, architecture, { type, name }),
    ...(tokenizer ? tokenizerMetadata(tokenizer, config.vocabulary) : []),
  ])
  const tensors = new Map<string, WrittenTensor>()
  for (const spec of parameterSpecs(config)) {
    const place = ggufPlaceOf(config, architecture, spec)
    const own = tensors.get(place.name) ?? {
      ...{ name: place.name, shape: place.shape, type: typeOf(place, type), parts: [] },
    }
    own.parts.push({ place, spec })
    tensors.set(place.name, own)
  }
  const infos = [...tensors.values()].map(({ name: own, shape, type: kind }) => ({
    ...{ name: own, shape, code: blockWriters[kind].code, bytes: bytesOf(shape, kind) },
  }))
  if (divisors) {
    infos.push({ name: 'rope_freqs.weight', shape: [divisors.length], code: 0, bytes: 4 * divisors.length })
  }
  yield headerBytes(metadata, infos)
  for (const tensor of tensors.values()) {
    yield* padded(blocksOf(tensor, await numbersOf(model, plain, tensor)))
  }
  if (divisors) yield* padded(new Uint8Array(Float32Array.from(divisors).buffer))
}

/**
 * The bytes of a GGUF file at once; see `ggufPieces`, which does not hold them.
 *
 * @throws PretrainedError or TokenizerError for what such files cannot say.
 */
export async function writeGguf(model: Gpt, options: WriteGgufOptions = {}): Promise<Uint8Array> {
  checkArgument('writeGguf', 'model', model, checks.instance('a Gpt', Gpt))
  const pieces: Uint8Array[] = []
  for await (const piece of ggufPieces(model, options)) pieces.push(piece)
  return joinBytes(pieces)
}

/** Scores are divided by the root of the width of a head there, always. */
function withoutScoreWidths(target: GptConfig): GptConfig {
  const blocks = target.blocks.map(({ scoreWidth: _, ...block }) => block)
  return { ...target, blocks }
}

function typeOf({ name, shape }: GgufPlace, type: WrittenType): WrittenType {
  if (shape.length === 1 || name === 'position_embd.weight') return 'F32'
  return (shape.at(-1) ?? 1) % blockWriters[type].numbers === 0 ? type : 'F16'
}

function bytesOf(shape: readonly number[], type: WrittenType): number {
  const { numbers, bytes } = blockWriters[type]
  return (shape.reduce((a, b) => a * b, 1) / numbers) * bytes
}

/** All numbers of a tensor, row by row as the file has them. */
async function numbersOf(
  model: Gpt,
  target: GptConfig,
  { shape, parts }: WrittenTensor,
): Promise<Float32Array> {
  const all = new Float32Array(shape.reduce((a, b) => a * b, 1))
  for (const { place, spec } of parts) {
    const { tensor } = model.parameters.get(spec.path)
    const own = await scaledNumbers(tensor, factorOf(model.config, target, spec.path))
    const { from, rows, isTransposed, interleaved } = place
    const width = shape.length === 1 ? 1 : shape.slice(1).reduce((a, b) => a * b, 1)
    for (let row = 0; row < rows; row++) {
      const [here, at] = [rowHere(row, interleaved), (from + row) * width]
      if (!isTransposed) all.set(own.subarray(here * width, (here + 1) * width), at)
      else for (let j = 0; j < width; j++) all[at + j] = own[j * rows + here]
    }
  }
  return all
}

function blocksOf({ name, shape, type }: WrittenTensor, numbers: Float32Array): Uint8Array {
  const largest = largestOf[type]
  const far = numbers.find((x) => !(Math.abs(x) <= largest))
  if (far !== undefined && type !== 'F32') {
    throw new PretrainedError(
      `writeGguf: got ${far} in tensor ${name}; expected at most ${largest} in size for ${type}. Take type F32.`,
    )
  }
  const bytes = new Uint8Array(bytesOf(shape, type))
  blockWriters[type].write(numbers, bytes)
  return bytes
}

function* padded(bytes: Uint8Array): Generator<Uint8Array> {
  yield bytes
  const rest = padding(bytes.length)
  if (rest > 0) yield new Uint8Array(rest)
}
