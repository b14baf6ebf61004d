/** The model as what writes pieces takes it. */
import { ApiError } from '../../http/api-error.ts'
import type { TokenWriter } from '../../served/served-senses.ts'
import type { Services } from '../../services.ts'

/** The model that is served, which writes beside others, a token in each turn. */
export function inTurns(
  { served, turns, writers, limits }: Services,
  signal: AbortSignal,
): TokenWriter & { version(): string } {
  let version = ''
  return {
    config: served.model.config,
    version: () => version,
    async generate(prompts, options) {
      if (options.tokens > limits.tokens) {
        throw new ApiError(
          400,
          `sense: got a piece of ${options.tokens} bytes; at most ${limits.tokens} are written.`,
          {
            ...{ param: 'sense', code: 'too_long' },
          },
        )
      }
      const begun = await turns.take('generate', () => writers.begin(prompts, { ...options, signal }))
      const { generation, together } = begun
      version = begun.version
      try {
        while (!generation.isDone) await together.next(generation)
        return generation.results()
      } finally {
        generation.end()
      }
    },
  }
}
