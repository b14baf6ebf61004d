/** One request for every block. */
import { type Check, checkArgument, checks, OptionError } from '@burgeon/tensor'
import { aConfig, type BlockConfig, type GptConfig } from '../../config/gpt-config.ts'
import { aRequest } from './check-request.ts'
import type { AddAdapter, AddExperts, AddHeads, WidenHeads, AddKvHeads, WidenMlp } from './growth-request.ts'

/** A request that names one block and a size. */
type SizedRequest = WidenMlp | AddHeads | AddKvHeads | WidenHeads | AddAdapter | AddExperts
type WithoutBlock<R> = R extends SizedRequest ? Omit<R, 'block'> : never

/** Present size of a block, by the kind of request that raises it. */
const sizes: Readonly<Record<SizedRequest['kind'], (block: BlockConfig) => number>> = {
  widenMlp: ({ mlpHidden }) => mlpHidden,
  addHeads: ({ heads }) => heads,
  addKvHeads: ({ kvHeads }) => kvHeads,
  widenHeads: ({ headDim }) => headDim,
  addAdapter: ({ adapter }) => adapter?.rank ?? 0,
  addExperts: ({ expertShares }) => expertShares?.length ?? 1,
}

/**
 * The same request for each block, from the input to the output: a list to `grow` by, one after the other.
 * Each is a growth of its own, with its own record, and the latest is taken back first.
 *
 * @param request Without a block. Blocks that have the size or more already are left out.
 * @throws OptionError for a kind that is not about the size of single blocks.
 * @example
 * ```ts
 * const probe = tensor([1, 2, 3], { shape: [1, 3], dtype: 'i32' })
 * for (const request of forAllBlocks(model.config, { kind: 'addAdapter', to: 4 })) {
 *   await grow(model, request, { mirrors: [], probe, key: [1, 2] })
 * }
 * ```
 */
export function forAllBlocks(config: GptConfig, request: WithoutBlock<SizedRequest>): SizedRequest[] {
  checkArgument('forAllBlocks', 'config', config, aConfig)
  checkArgument('forAllBlocks', 'request', request, aRequest as Check<WithoutBlock<SizedRequest>>)
  if (!Object.hasOwn(sizes, request.kind)) {
    throw new OptionError(
      `forAllBlocks: got kind ${request.kind}; expected one of ${Object.keys(sizes).join(', ')}.`,
    )
  }
  checkArgument('forAllBlocks', 'request.to', request.to, checks.integer({ from: 1 }))
  const sizeOf = sizes[request.kind]
  return config.blocks
    .filter((block) => sizeOf(block) < request.to)
    .map(({ id }) => ({ ...request, block: id }))
}
