/** What a low-rank adapter stands beside, as plain data: it is written into every checkpoint of one. */
import { checkOptions, type ChecksOf, checks, OptionError } from '@burgeon/tensor'
import type { BlockConfig, GptConfig } from '../config/gpt-config.ts'
import { expertPaths } from '../config/parameters.ts'
import { sizeLimits } from '../config/size-limits.ts'

/**
 * A linear map of every block: query, key, value and output of attention, gate (with `swiglu`), up and down
 * of the MLP and of all experts. `qkv` is query, key and value with one A for all three, as in GPT-2's fused
 * map.
 */
export type AdapterTarget = 'query' | 'key' | 'value' | 'qkv' | 'output' | 'gate' | 'up' | 'down'

/** How a low-rank adapter is made (Hu et al. 2022). */
export interface LoraOptions {
  /** Width of the product A·B, r: positive. */
  readonly rank: number
  /** α: finite, not 0. The product is multiplied by α/r. `rank` unless given, which makes that 1. */
  readonly alpha?: number
  /** Whether the product is multiplied by α/√r instead (Kalajdzievski 2023). False unless given. */
  readonly useRslora?: boolean
  /** Probability that a number the adapter reads is dropped in training, in [0, 1); 0 unless given. */
  readonly dropout?: number
  /** The maps that it stands beside, each once; query and value unless given. */
  readonly targets?: readonly AdapterTarget[]
}

/** One product A·B, or several that share A. */
export interface LoraModule {
  /** Path of A, without its ending: of the map, or `….attention.qkv`. */
  readonly path: string
  /** Paths of the maps; the product of each is A·B with a B of its own. */
  readonly maps: readonly string[]
  readonly rank: number
  /** Multiplies the product: α/rank or α/√rank. Finite, not 0. */
  readonly scale: number
}

/** The sizes of a block that an adapter was made for. */
export interface LoraBlock extends Pick<BlockConfig, 'id' | 'mlpHidden' | 'heads' | 'kvHeads' | 'headDim'> {
  readonly experts: number
}

/** An adapter without its numbers. Plain data. */
export interface LoraConfig {
  readonly modules: readonly LoraModule[]
  readonly dropout: number
  readonly useRslora: boolean
  /** Width of the residual stream of its model. */
  readonly embed: number
  /** The blocks that it stands in. */
  readonly blocks: readonly LoraBlock[]
  /** `adapter_config.json` that it was read with, to be written back. */
  readonly peft?: Readonly<Record<string, unknown>>
}

const targetNames = ['query', 'key', 'value', 'qkv', 'output', 'gate', 'up', 'down'] as const

const optionChecks: ChecksOf<LoraOptions> = {
  rank: checks.required(checks.integer({ from: 1, to: sizeLimits.rank })),
  alpha: {
    expected: 'a finite number other than 0',
    accepts: (value): value is number => Number.isFinite(value) && value !== 0,
  },
  useRslora: checks.boolean,
  dropout: checks.number({ from: 0, below: 1 }),
  targets: {
    expected: `some of ${targetNames.join(', ')}, each once`,
    accepts: (value): value is readonly AdapterTarget[] =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.every((target) => targetNames.includes(target as AdapterTarget)) &&
      new Set(value).size === value.length,
  },
}

/** What a product is multiplied by. */
export const scaleOf = (alpha: number, rank: number, useRslora: boolean): number =>
  alpha / (useRslora ? Math.sqrt(rank) : rank)

/**
 * The configuration of a new adapter.
 *
 * @param who What messages begin with.
 * @throws OptionError for options outside their range, `qkv` beside one of its parts, and a gate where MLPs
 *   have none.
 */
export function loraConfig(who: string, config: GptConfig, options: LoraOptions): LoraConfig {
  checkOptions(who, options, optionChecks)
  const { rank, alpha = rank, useRslora = false, dropout = 0, targets = ['query', 'value'] } = options
  const twice = targets.find((target) => ['query', 'key', 'value'].includes(target))
  if (targets.includes('qkv') && twice !== undefined) {
    throw new OptionError(
      `${who}: got the targets qkv and ${twice}, which is part of it; expected one of them.`,
    )
  }
  if (targets.includes('gate') && config.activation !== 'swiglu') {
    throw new OptionError(
      `${who}: got the target gate for a model with ${config.activation}; expected it with swiglu alone.`,
    )
  }
  const own = { rank, scale: scaleOf(alpha, rank, useRslora) }
  const modules = config.blocks.flatMap((block) =>
    targetNames
      .filter((target) => targets.includes(target))
      .flatMap((target) => placesOf(block, target).map((place): LoraModule => ({ ...place, ...own }))),
  )
  const { embed, blocks } = config
  return { modules, dropout, useRslora, embed, blocks: blocks.map(loraBlock) }
}

/** The sizes of a block, as an adapter keeps them. */
export function loraBlock({ id, mlpHidden, heads, kvHeads, headDim, expertShares }: BlockConfig): LoraBlock {
  return { id, mlpHidden, heads, kvHeads, headDim, experts: expertShares?.length ?? 1 }
}

/** Where a target lies in a block: of the MLP in every expert. */
function placesOf(block: BlockConfig, target: AdapterTarget): Pick<LoraModule, 'path' | 'maps'>[] {
  const attention = `blocks.${block.id}.attention`
  const alone = (path: string): Pick<LoraModule, 'path' | 'maps'> => ({ path, maps: [path] })
  if (target === 'qkv') return [fusedModule(attention)]
  if (target === 'query' || target === 'key' || target === 'value' || target === 'output') {
    return [alone(`${attention}.${target}`)]
  }
  return expertPaths(block).map((at) => alone(`${at}.${target}`))
}

/** Query, key and value of an attention with one A. */
export const fusedModule = (attention: string): Pick<LoraModule, 'path' | 'maps'> => ({
  path: `${attention}.qkv`,
  maps: ['query', 'key', 'value'].map((name) => `${attention}.${name}`),
})
