/** One more block. */
import { OptionError, type ParameterChange } from '@burgeon/tensor'
import type { BlockConfig, GptConfig } from '../../config/gpt-config.ts'
import { blockSpecs, type ParameterSpec } from '../../config/parameters.ts'
import { checkLimit } from '../../config/size-limits.ts'
import type { AddLayer } from '../requests/growth-request.ts'
import { isWriter, small, zero } from '../changes/parameter-changes.ts'
import { type GrowthStep, type Operator, planned, type PlannedGrowth } from '../changes/planned-growth.ts'
import { checkChoice } from '../requests/check-values.ts'

/**
 * B of an adapter that does not write into the stream. In a fresh block it may be random, as all inside, and
 * then A learns sooner.
 */
const isInnerB = (path: string): boolean => path.endsWith('.adapter.b.weight') && !isWriter(path)

/** The configuration with one more block, like its neighbor below. */
function configAfter(config: GptConfig, request: AddLayer): GptConfig {
  const { at, how = 'fresh' } = request
  const count = config.blocks.length
  if (!Number.isSafeInteger(at) || at < 0 || at > count) {
    throw new OptionError(`grow addLayer: got at = ${at}; expected an integer from 0 to ${count}.`)
  }
  checkChoice('addLayer', 'how', how, ['fresh', 'copy'])
  checkLimit('grow addLayer', 'blocks', count + 1)
  const neighbor = neighborOf(config, at)
  const { mlpHidden = neighbor.mlpHidden } = request
  if (!Number.isSafeInteger(mlpHidden) || mlpHidden < 1) {
    throw new OptionError(`grow addLayer: got mlpHidden = ${mlpHidden}; expected a positive integer.`)
  }
  if (how === 'copy' && mlpHidden !== neighbor.mlpHidden) {
    throw new OptionError(
      `grow addLayer: got mlpHidden = ${mlpHidden} for a copy of block ${neighbor.id}; expected its ${neighbor.mlpHidden}.`,
    )
  }
  const block: BlockConfig = { ...neighbor, id: `b${config.nextBlock}`, mlpHidden }
  return { ...config, blocks: config.blocks.toSpliced(at, 0, block), nextBlock: config.nextBlock + 1 }
}

const neighborOf = ({ blocks }: GptConfig, at: number): BlockConfig => blocks[Math.max(0, at - 1)]

/**
 * A block whose two writers into the residual stream are 0: an identity. Inside it is random (growth by zero
 * initialization), or a copy of its neighbor (block expansion, Wu et al. 2024), behind whose empty writers
 * nothing has a gradient yet. It has the neighbor's sizes, adapter and number of experts included.
 */
function plan(request: AddLayer, { config, after, key }: GrowthStep): PlannedGrowth {
  const { at, how = 'fresh' } = request
  const count = config.blocks.length
  const [neighbor, block] = [neighborOf(config, at), after.blocks[at]]
  const changes = blockSpecs(config, block, zero).map(
    ({ path, axes, shape, initial }: ParameterSpec): ParameterChange => {
      const of = path.replace(`blocks.${block.id}.`, `blocks.${neighbor.id}.`)
      const copied = how === 'copy' && !isWriter(path)
      const fresh = isInnerB(path) ? small : initial
      return {
        kind: 'add',
        path,
        axes,
        shape,
        initial: copied ? { kind: 'copy', of, gradientFactor: 0 } : fresh,
      }
    },
  )
  const below = at === 0 ? 'below the first block' : `above block ${neighbor.id}`
  const what = how === 'copy' ? `block ${block.id}, a copy of ${neighbor.id},` : `new block ${block.id}`
  return planned(request, {
    config,
    after,
    key,
    summary: `layer ${count} → ${count + 1}: ${what} ${below}`,
    changes,
  })
}

/** The operator of `AddLayer`. */
export const addLayer: Operator<AddLayer> = { configAfter, plan }
