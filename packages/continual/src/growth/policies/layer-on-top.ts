/** The layer that policies ask for unless given another. */
import type { GptConfig } from '@burgeon/gpt'
import type { GrowthRequest } from '@burgeon/gpt/growth'

/**
 * A copy of the last block on top of it, with nothing written into the residual stream yet: the logits stay
 * (block expansion, Wu et al. 2024), and what the copy knows lets it learn sooner than a fresh block does
 * (`npm run bench -- small-start`).
 */
export function layerOnTop({ blocks }: GptConfig): GrowthRequest {
  return { kind: 'addLayer', at: blocks.length, how: 'copy' }
}
