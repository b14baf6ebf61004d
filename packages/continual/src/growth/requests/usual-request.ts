/** The requests that policies make unless given others. */
import type { GptConfig } from '@burgeon/gpt'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { widerHidden } from '../../model/hidden-request.ts'
import { type AnyConfig, type AnyRequest, isNetwork } from '../price-in.ts'

/**
 * A copy of the last block on top of it, with nothing written into the residual stream yet: the logits stay
 * (block expansion, Wu et al. 2024), and what the copy knows lets it learn sooner than a fresh block does
 * (`npm run bench -- small-start`).
 */
export function layerOnTop({ blocks }: GptConfig): GrowthRequest {
  return { kind: 'addLayer', at: blocks.length, how: 'copy' }
}

/** A layer on top of a GPT; in a dense network half as many units more in the narrowest hidden layer. */
export const usualRequest = (config: AnyConfig): AnyRequest =>
  isNetwork(config) ? widerHidden()(config) : layerOnTop(config)
