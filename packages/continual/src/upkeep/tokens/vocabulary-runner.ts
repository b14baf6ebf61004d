/** Lets the vocabulary see what was learnt, and grow with the model when it is due. */
import type { Gpt } from '@burgeon/gpt'
import { carryOut } from '../carry-out.ts'
import { type GrowthMeans, groundOf } from '../growth-runner.ts'
import { roomForTokens } from './room-for-tokens.ts'
import type { Part } from '../../part.ts'
import { triggerSignals } from '../../trigger.ts'
import type { Upkeep } from '../upkeep.ts'
import { encodedRow, textOf } from '../../vocabulary/encode-batch.ts'
import type { GrowingVocabulary } from '../../vocabulary/growing-vocabulary.ts'

/**
 * Model, tokenizer and rows of tokens grow together, or none of them: nothing can fail once the model has
 * grown. Within the budget it asks for as many tokens as there is room for.
 *
 * @param keepers Parts that keep rows of tokens, which are encoded anew.
 */
export function vocabularyRunner(
  vocabulary: GrowingVocabulary,
  means: GrowthMeans,
  keepers: readonly Part[],
): Upkeep<Gpt> {
  const { name, tokenizer } = vocabulary
  return {
    name,
    async afterStep(context) {
      vocabulary.observe(textOf(context.fresh, tokenizer))
      if (!vocabulary.growWhen(triggerSignals(context))) return []
      const wanted = vocabulary.wanted(roomForTokens(context.model, means.budget))
      if (wanted === null) return []
      const event = await carryOut({ policy: name, ...wanted }, groundOf(means, context))
      if (event.kind === 'growth') {
        tokenizer.add(wanted.merges)
        for (const part of keepers) part.recode?.((row) => encodedRow(row, tokenizer))
      }
      return [event]
    },
    toState: () => vocabulary.toState(),
    restore: (state) => vocabulary.restore(state),
  }
}
