/** Where a model's parameters lie in a GGUF file. */
import type { GptConfig } from '../../../config/gpt-config.ts'
import type { ParameterSpec } from '../../../config/parameters.ts'
import { PretrainedError } from '../../config/pretrained-error.ts'
import { named } from '../format/gguf-cursor.ts'
import type { GgufArchitecture } from './gguf-config.ts'

/** The rows of a file's tensor that a parameter is. */
export interface GgufPlace {
  readonly name: string
  /** Shape of the whole tensor, row-major; linear maps are [out, in]. */
  readonly shape: readonly number[]
  /** Rows, or numbers of a vector, of the tensor before those of the parameter, and how many those are. */
  readonly from: number
  readonly rows: number
  /** Whether rows there are columns here, as in linear maps. */
  readonly isTransposed: boolean
  /**
   * The width of a head whose channels are interleaved there: the pair (i, i + D/2) lies at 2i and 2i + 1.
   * 0 where order is the same.
   */
  readonly interleaved: number
}

/** Names by ours; GPT-2's query, key and value are rows of one tensor. */
const names: Readonly<Record<string, string>> = {
  'attention.norm': 'attn_norm',
  'attention.query': 'attn_q',
  'attention.query.norm': 'attn_q_norm',
  'attention.key': 'attn_k',
  'attention.key.norm': 'attn_k_norm',
  'attention.value': 'attn_v',
  'attention.output': 'attn_output',
  'mlp.norm': 'ffn_norm',
  'mlp.gate': 'ffn_gate',
  'mlp.up': 'ffn_up',
  'mlp.down': 'ffn_down',
}

const top: Readonly<Record<string, string>> = {
  'embed.token.weight': 'token_embd.weight',
  'embed.position.weight': 'position_embd.weight',
  'head.norm.gain': 'output_norm.weight',
  'head.norm.bias': 'output_norm.bias',
  'head.weight': 'output.weight',
}

const thirds = ['attention.query', 'attention.key', 'attention.value']

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)

/**
 * Where a parameter lies in a file of an architecture.
 *
 * @throws PretrainedError for a parameter that none has.
 */
export function ggufPlaceOf(
  config: GptConfig,
  architecture: GgufArchitecture,
  { path, shape }: ParameterSpec,
): GgufPlace {
  const same = { shape, from: 0, rows: shape[0], isTransposed: false, interleaved: 0 }
  if (Object.hasOwn(top, path)) return { ...same, name: top[path] }
  const [, id = '', part = '', kind = ''] = /^blocks\.([^.]+)\.(.+)\.(weight|bias|gain)$/.exec(path) ?? []
  if (!Object.hasOwn(names, part)) {
    throw new PretrainedError(`gguf: got the parameter ${named(path)}; expected one that such files have.`)
  }
  const layer = config.blocks.findIndex((block) => block.id === id)
  const nameOf = (own: string): string => `blk.${layer}.${own}.${kind === 'bias' ? 'bias' : 'weight'}`
  const isMap = kind === 'weight'
  const inputs = part === 'attention.output' ? product(shape.slice(0, -1)) : shape[0]
  const rows = isMap ? product(shape) / inputs : product(shape)
  const third = architecture === 'gpt2' ? thirds.indexOf(part) : -1
  const whole = third < 0 ? rows : 3 * rows
  const isRotated = part === 'attention.query' || part === 'attention.key'
  return {
    name: nameOf(third < 0 ? names[part] : 'attn_qkv'),
    shape: isMap ? [whole, inputs] : [whole],
    from: Math.max(0, third) * rows,
    rows,
    isTransposed: isMap,
    interleaved: architecture === 'llama' && isRotated && kind !== 'gain' ? (shape.at(-1) ?? 0) : 0,
  }
}

/** Our row of a row of the file, within heads of interleaved channels. */
export function rowHere(row: number, width: number): number {
  if (width === 0) return row
  const within = row % width
  return row - within + (within >> 1) + (within & 1) * (width / 2)
}
