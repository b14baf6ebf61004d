/** Opens GGUF files, in which llama.cpp keeps a model and its tokenizer together. */
import { type ByteSource, checkArgument, checkOptions, checks, defaultDevice, Device } from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'
import { type ParameterSpec, parameterSpecs } from '../../config/parameters.ts'
import { sizeLimits } from '../../config/size-limits.ts'
import { Gpt } from '../../gpt.ts'
import type { PretrainedTokenizerOptions } from '../../tokenizer/pretrained-options.ts'
import type { PretrainedTokenizer } from '../../tokenizer/pretrained-tokenizer.ts'
import { PretrainedError } from '../config/pretrained-error.ts'
import type { ReadPretrainedOptions } from '../config/pretrained-options.ts'
import { named } from './format/gguf-cursor.ts'
import { type GgufHeader, type GgufTensor, readGgufHeader } from './format/gguf-header.ts'
import type { GgufValue } from './format/gguf-value.ts'
import { architectureOf, type GgufFacts, ggufConfig } from './model/gguf-config.ts'
import { type GgufPlace, ggufPlaceOf } from './model/gguf-tensor-names.ts'
import { areEqual, checkReadable, numbersAt, tensorAt, vectorOf } from './model/gguf-weights.ts'
import { ggufTokenizer } from './tokenizer/gguf-tokenizer.ts'

/** How a GGUF file is opened. */
export interface OpenGgufOptions {
  /** What messages call it; `gguf` unless given. */
  readonly place?: string
}

/** An open GGUF file, of which only the keys and the list of tensors have been read. */
export interface GgufFile {
  readonly version: number
  /** What its keys say, in their order. */
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: ReadonlyMap<string, GgufTensor>
  /**
   * Reads the model, tensor by tensor, never all of them beside it.
   *
   * @throws PretrainedError, naming key or tensor, for what is damaged or this model cannot do.
   */
  model(options?: ReadPretrainedOptions): Promise<Gpt>
  /**
   * Its tokenizer; null for a file without.
   *
   * @throws TokenizerError, naming the key, for one that could not be the same here.
   */
  tokenizer(options?: PretrainedTokenizerOptions): PretrainedTokenizer | null
}

/**
 * Opens a GGUF file of version 2 or 3: reads what stands before its numbers, and holds it against the file's
 * size. Architectures `gpt2`, `llama` (Mistral is called so, too), `qwen2` and `qwen3`; numbers in F32, F16,
 * BF16, F64, Q8_0, Q4_0, Q4_1, Q4_K and Q6_K, all of which become single floats.
 *
 * @throws PretrainedError for what is no whole and consistent file. Nothing is allocated beyond its size.
 */
export async function openGguf(source: ByteSource, options: OpenGgufOptions = {}): Promise<GgufFile> {
  checkArgument('openGguf', 'source', source, checks.role<ByteSource>('a ByteSource', 'size', 'read'))
  checkArgument('openGguf', 'source.size', source.size, checks.integer({ from: 0 }))
  checkOptions('openGguf', options, { place: checks.text })
  const header = await readGgufHeader(source, options.place ?? 'gguf')
  return {
    version: header.version,
    metadata: header.metadata,
    tensors: header.tensors,
    async model(own = {}) {
      checkOptions('GgufFile.model', own, { device: checks.instance('a Device', Device) })
      return readModel(source, header, own.device ?? defaultDevice())
    },
    tokenizer: (own = {}) => ggufTokenizer(header, own),
  }
}

const divisorNames = {
  always: 'rope_freqs.weight',
  short: 'rope_factors_short.weight',
  long: 'rope_factors_long.weight',
} as const

async function readModel(source: ByteSource, header: GgufHeader, device: Device): Promise<Gpt> {
  const architecture = architectureOf(header)
  const config = ggufConfig(header, await factsOf(source, header))
  const places = new Map<string, GgufPlace>(
    parameterSpecs(config).map((spec) => [spec.path, ggufPlaceOf(config, architecture, spec)]),
  )
  checkTensors(header, config, places)
  return Gpt.fromReader(
    config,
    (spec: ParameterSpec) => numbersAt(source, header, places.get(spec.path) as GgufPlace),
    device,
  )
}

/** What has to be read before the sizes are known. */
async function factsOf(source: ByteSource, header: GgufHeader): Promise<GgufFacts> {
  const divisors: Partial<Record<keyof typeof divisorNames, readonly number[]>> = {}
  for (const [kind, name] of Object.entries(divisorNames)) {
    const tensor = header.tensors.get(name)
    if (tensor === undefined) continue
    checkReadable(header.place, tensor)
    const isVector = tensor.shape.length === 1 && tensor.shape[0] <= sizeLimits.headDim
    const numbers = isVector ? [...(await vectorOf(source, header, tensor))] : []
    if (!isVector || !numbers.every((n) => Number.isFinite(n) && n > 0)) {
      throw new PretrainedError(
        `${header.place}: got tensor ${name} of shape [${tensor.shape.join(', ')}]; expected one dimension of finite numbers above 0.`,
      )
    }
    divisors[kind as keyof typeof divisorNames] = numbers
  }
  const [embedding, head] = [header.tensors.get('token_embd.weight'), header.tensors.get('output.weight')]
  const isUntied =
    head !== undefined && (embedding === undefined || !(await areEqual(source, header, embedding, head)))
  return { isUntied, divisors }
}

/** Throws PretrainedError for tensors that are missing, misshapen or left over, before anything is made. */
function checkTensors(header: GgufHeader, config: GptConfig, places: ReadonlyMap<string, GgufPlace>): void {
  const wanted = new Set<string>(config.positions === 'rotary' ? Object.values(divisorNames) : [])
  if (!config.untiedHead) wanted.add('output.weight')
  for (const place of places.values()) {
    tensorAt(header, place)
    wanted.add(place.name)
  }
  for (const name of header.tensors.keys()) {
    if (wanted.has(name) || /\.(attn_rot_embd|attn\.rotary_emb\.inv_freq)$/.test(name)) continue
    throw new PretrainedError(
      `${header.place}: got the tensor ${named(name)}, which has no place in the model that the keys say; expected none besides its own.`,
    )
  }
}
