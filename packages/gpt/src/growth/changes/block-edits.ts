/** Edits of one block of a configuration. */
import { OptionError } from '@burgeon/tensor'
import type { BlockConfig, GptConfig } from '../../config/gpt-config.ts'

/**
 * The block with this id.
 *
 * @throws OptionError if there is none.
 */
export function blockOf(kind: string, config: GptConfig, id: string): BlockConfig {
  const block = config.blocks.find((candidate) => candidate.id === id)
  if (block !== undefined) return block
  const known = config.blocks.map((other) => other.id).join(', ')
  throw new OptionError(`grow ${kind}: no block ${id}; this model has ${known}.`)
}

/** The configuration with other sizes for one block. */
export function withBlock(config: GptConfig, id: string, sizes: Partial<BlockConfig>): GptConfig {
  const blocks = config.blocks.map((block) => (block.id === id ? { ...block, ...sizes } : block))
  return { ...config, blocks }
}

/** The configuration with one block's adapter taken away. */
export function withoutAdapter(config: GptConfig, id: string): GptConfig {
  const { adapter: _, ...without } = blockOf('addAdapter', config, id)
  return { ...config, blocks: config.blocks.map((block) => (block.id === id ? without : block)) }
}
