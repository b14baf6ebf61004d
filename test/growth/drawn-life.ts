/** A drawn model, and rows of tokens that it can learn. */
import type { Gpt, GptConfig } from '@burgeon/gpt'
import type { Device, RandomStream, Tensor } from '@burgeon/tensor'
import { drawConfig, drawFrom, modelOf, tokensFor } from './tiny-model.ts'

export interface DrawnLife {
  /** Goes on where the drawing of the model has ended. */
  readonly random: RandomStream
  readonly model: Gpt
  readonly tokens: Tensor
}

/** The same life for the same seed. @param config Drawn unless given. */
export function drawnLife(seed: number, device: Device, config?: GptConfig): DrawnLife {
  const random = drawFrom(seed)
  const model = modelOf(config ?? drawConfig(random), random, device)
  return { random, model, tokens: tokensFor(model, random) }
}
