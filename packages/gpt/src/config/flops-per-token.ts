/** Floating-point operations that a token costs a model of given sizes. */
import { checkArgument, checks } from '@burgeon/tensor'
import { blockSize } from './block-size.ts'
import type { GptConfig } from './gpt-config.ts'

/** Floating-point operations for each token of a sequence. A multiplication and an addition are two. */
export interface FlopsPerToken {
  /** To predict the next token. */
  readonly forward: number
  /** To predict it and to take the gradients of all weights. */
  readonly training: number
}

/**
 * The operations of all matrix products and of attention, by the shapes, as the op table counts them. For
 * each token: 2 for every weight of a projection, an adapter, an expert and a router, with the head 2·C·V;
 * and for two products with (T + 1)/2 keys on average 2·H·D·(T + 1) a block. Gradients take every product of
 * a projection twice more, and five products of attention instead of two. A block with a window below T makes
 * all T scores of a query and hides some, 4·H·D·T, and its gradients take both products twice more.
 *
 * Norms, activations and the loss are left out, which is below a tenth of the whole from 64 channels on and
 * less in wider models; so are the optimizer, whose work does not depend on the number of tokens, and what is
 * done twice to save memory (`checkpointBlocks`, and the logits where they are not held all at once).
 *
 * @param length Tokens of a sequence, T, up to the context, which it is unless given.
 * @throws OptionError for a length that is not an integer from 1 to the context.
 */
export function flopsPerToken(config: GptConfig, length: number = config?.context): FlopsPerToken {
  checkArgument(
    'flopsPerToken',
    'config',
    config,
    checks.role<GptConfig>('a configuration of gptConfig', 'blocks'),
  )
  const { context, embed, vocabulary, blocks } = config
  checkArgument('flopsPerToken', 'length', length, checks.integer({ from: 1, to: context }))
  const products = blocks.reduce((total, block) => total + blockSize(config, block).products, 0)
  const projections = 2 * embed * vocabulary + 2 * products
  let [attention, gradients] = [0, 0]
  for (const { heads, headDim, window = length } of blocks) {
    const isMasked = window < length
    const products = 2 * heads * headDim * (isMasked ? 2 * length : length + 1)
    attention += products
    gradients += (isMasked ? 2 : 5 / 2) * products
  }
  return { forward: projections + attention, training: 3 * projections + attention + gradients }
}
