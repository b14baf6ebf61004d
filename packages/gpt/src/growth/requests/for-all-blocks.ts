/** One request for every block. */
import { type Check, checkArgument, checks, OptionError } from '@burgeon/tensor'
import type { BlockConfig, GptConfig } from '../../config/gpt-config.ts'
import { aConfig, aRequest } from '../apply/growth-checks.ts'
import type {
  GrowAdapter,
  GrowExperts,
  GrowHead,
  GrowHeadDim,
  GrowKvHead,
  GrowMlpHidden,
} from './growth-request.ts'

/** A request that names one block and a size. */
type SizedRequest = GrowMlpHidden | GrowHead | GrowKvHead | GrowHeadDim | GrowAdapter | GrowExperts
type WithoutBlock<R> = R extends SizedRequest ? Omit<R, 'block'> : never

/** How large a block is now, by axis. */
const sizes: Readonly<Record<SizedRequest['axis'], (block: BlockConfig) => number>> = {
  mlpHidden: ({ mlpHidden }) => mlpHidden,
  head: ({ heads }) => heads,
  kvHead: ({ kvHeads }) => kvHeads,
  headDim: ({ headDim }) => headDim,
  adapter: ({ adapter }) => adapter?.rank ?? 0,
  experts: ({ expertShares }) => expertShares?.length ?? 1,
}

/**
 * The same request for each block, from the input to the output: a list to `grow` by, one after the other. Each is a growth of its own, with
 * its own record, and the latest is taken back first.
 *
 * @param request Without a block. Blocks that have the size or more already are left out.
 * @throws OptionError for an axis that is not one of single blocks.
 * @example
 * ```ts
 * const probe = tensor([1, 2, 3], { shape: [1, 3], dtype: 'i32' })
 * for (const request of forAllBlocks(model.config, { axis: 'adapter', to: 4 })) {
 *   await grow(model, request, { mirrors: [], probe, key: [1, 2] })
 * }
 * ```
 */
export function forAllBlocks(config: GptConfig, request: WithoutBlock<SizedRequest>): SizedRequest[] {
  checkArgument('forAllBlocks', 'config', config, aConfig)
  checkArgument('forAllBlocks', 'request', request, aRequest as Check<WithoutBlock<SizedRequest>>)
  if (!Object.hasOwn(sizes, request.axis)) {
    throw new OptionError(
      `forAllBlocks: got axis ${request.axis}; expected one of ${Object.keys(sizes).join(', ')}.`,
    )
  }
  checkArgument('forAllBlocks', 'request.to', request.to, checks.integer({ from: 1 }))
  const sizeOf = sizes[request.axis]
  return config.blocks
    .filter((block) => sizeOf(block) < request.to)
    .map(({ id }) => ({ ...request, block: id }))
}
