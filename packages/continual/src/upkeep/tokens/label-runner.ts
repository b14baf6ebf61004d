/** Gives new labels their tokens. */
import type { Gpt } from '@burgeon/gpt'
import type { ContextLabels } from '../../context/context-labels.ts'
import type { GrowingVocabulary } from '../../vocabulary/growing-vocabulary.ts'
import { carryOut } from '../carry-out.ts'
import { type GrowthMeans, groundOf } from '../growth-runner.ts'
import { roomForTokens } from './room-for-tokens.ts'
import type { Upkeep } from '../upkeep.ts'

/** Tokens that the first label is the mean of, at most. */
const mostParts = 256

/**
 * Model, labels and tokenizer grow together, or none of them. Labels that the budget has no room for are left
 * out.
 *
 * @param vocabulary Whose tokenizer is to leave the numbers of labels out, for it goes on to number
 *   tokens.
 */
export function labelRunner(
  context: ContextLabels,
  means: GrowthMeans,
  vocabulary: GrowingVocabulary | undefined,
): Upkeep<Gpt> {
  const { name } = context
  return {
    name,
    async afterStep(step) {
      context.note(step.fresh)
      const room = Math.max(0, roomForTokens(step.model, means.budget))
      const labels = context.newIn(step.fresh).slice(0, room)
      if (labels.length === 0) return []
      const first = step.model.config.vocabulary
      const parts =
        context.labels.length === 0
          ? Array.from({ length: Math.min(first, mostParts) }, (_, token) => token)
          : context.labels.map(({ token }) => token)
      const said = labels.map((label) => `${label.kind} ${JSON.stringify(label.name)}`)
      const reason = `rows of ${said.join(', ')} came for the first time`
      const tokens = labels.map(() => ({ parts, share: 0 }))
      const request = { kind: 'growVocabulary' as const, tokens }
      const event = await carryOut({ policy: name, request, reason }, groundOf(means, step))
      if (event.kind === 'growth') {
        context.add(labels, first)
        vocabulary?.tokenizer.add(labels.map((_, i) => [first + i, first + i]))
      }
      return [event]
    },
    toState: () => context.toState(),
    restore: (state, parameters) => context.restore(state, parameters),
  }
}
