/** How many learnt numbers a model has, by its configuration alone and without listing its parameters. */
import { checkArgument, checks } from '@burgeon/tensor'
import {
  type BlockConfig,
  type GptConfig,
  hasBias,
  type LinearMapKind,
  type PatchConfig,
} from './gpt-config.ts'
import { mixed, neighbors } from './patch-parameters.ts'

/** Size of a part of a model. */
export interface PartSize {
  /** Learnt numbers. */
  readonly parameters: number
  /** The part of them in matrices that tokens are multiplied by. */
  readonly products: number
}

/** The size of one block: attention, norms, and the MLP or experts with their router. */
export function blockSize(config: GptConfig, block: BlockConfig): PartSize {
  const { embed: C, activation } = config
  const { heads, kvHeads, headDim: D, mlpHidden: M, adapter, expertShares } = block
  const rank = adapter?.rank ?? 0
  const experts = expertShares?.length ?? 1
  let [products, biases] = [0, 0]
  const linear = (kind: LinearMapKind, from: number, to: number, count: number = 1): void => {
    products += count * (from * to + rank * (from + to))
    if (hasBias(config, kind)) biases += count * to
  }
  linear('qkv', C, heads * D)
  linear('qkv', C, kvHeads * D, 2)
  linear('output', heads * D, C)
  linear('mlp', C, M, experts * (activation === 'swiglu' ? 2 : 1))
  linear('mlp', M, C, experts)
  if (expertShares !== undefined) {
    products += C * experts
    biases += experts
  }
  const ofHeads = config.queryKeyNorm ? 2 * D : 0
  return { parameters: products + biases + 2 * normSize(config) + ofHeads, products }
}

const aConfig = checks.role<GptConfig>('a configuration of gptConfig', 'embed', 'blocks')

/**
 * Learnt numbers of a model: the sum of the sizes of `parameterSpecs`.
 *
 * @throws OptionError for what is no configuration.
 */
export function parametersOf(config: GptConfig): number {
  checkArgument('parametersOf', 'config', config, aConfig)
  const { vocabulary, context, embed, positions, headBias, untiedHead, blocks, patches } = config
  const blocksSize = blocks.reduce((total, block) => total + blockSize(config, block).parameters, 0)
  const tables = embed * ((untiedHead ? 2 : 1) * vocabulary + (positions === 'learned' ? context : 0))
  const front = patches ? patchFrontSize(embed, patches) : 0
  return tables + blocksSize + normSize(config) + (headBias ? vocabulary : 0) + front
}

function patchFrontSize(embed: number, front: PatchConfig): number {
  const { byteEmbed, bytes, rows, columns, beside = 0, mixing = 0, local } = front
  const inner = bytes * byteEmbed
  const ofNeighbors = beside * (embed + neighbors.length * inner + bytes * local.embed)
  const ofMixing = mixing * (mixed.length * bytes ** 2 + byteEmbed * local.embed)
  const tables = 257 * byteEmbed + embed * (inner + rows + columns + local.embed)
  return tables + ofNeighbors + ofMixing + parametersOf(local)
}

const normSize = ({ norm, embed }: GptConfig): number => (norm === 'layer' ? 2 : 1) * embed
