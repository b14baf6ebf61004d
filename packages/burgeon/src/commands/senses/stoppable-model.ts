/** A model that hears Ctrl-C while it writes. */
import type { Gpt } from '@burgeon/gpt'
import type { WritingModel } from '@burgeon/senses'

/**
 * The same model for what writes pieces. A CPU device never waits; without a turn of the event loop after each
 * byte nobody would be heard who wants it to stop.
 */
export function stoppable(model: Gpt): WritingModel {
  return {
    config: model.config,
    async generate(prompts, options) {
      const generation = model.generate(prompts, options)
      for await (const _ of generation) await new Promise((resolve) => setImmediate(resolve))
      return generation
    },
  }
}
