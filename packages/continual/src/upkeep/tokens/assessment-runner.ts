/** Has an assessment judge what a GPT predicts, in the tokens that there are then. */
import type { GrowingTokenizer } from '@burgeon/gpt'
import { spellingOf, type Spelling } from '../../memory/spelling.ts'
import { isTokenBatch, targetsOf } from '../../stream/batch.ts'
import type { Upkeep } from '../upkeep.ts'
import type { Assessment } from '../../assess/assessment.ts'

/** @param tokenizer Every token is a byte unless given. */
export function assessmentRunner(assessment: Assessment, tokenizer: GrowingTokenizer | undefined): Upkeep {
  let known: Spelling | undefined
  const spelling = (size: number): Spelling => {
    if (known?.vocabulary !== size) known = spellingOf(size, tokenizer)
    return known
  }
  return {
    name: assessment.name,
    afterStep({ step, fresh, logits }) {
      // A learner whose rows are examples was refused when it was built.
      if (!isTokenBatch(fresh) || logits === undefined) return []
      const { rows, domains, origins = [] } = fresh
      const targets = targetsOf(fresh)
      const vocabulary = logits.length / targets.length
      const { risen } = assessment.update({
        ...{ step, logits, vocabulary, targets },
        rows: Array.from({ length: rows }, (_, row) => ({
          domain: domains[row],
          source: origins[row]?.source ?? null,
        })),
        bytesOf: (token) => spelling(vocabulary).bytesOf(token),
      })
      if (risen.length === 0) return []
      const [{ slice, excess, rise, riseZ }] = risen
      return [
        {
          kind: 'weakness',
          step,
          part: assessment.name,
          summary:
            `${slice} costs ${excess.toFixed(2)} bits a token more than expected, ${(rise ?? 0).toFixed(2)} more than before ` +
            `(${(riseZ ?? 0).toFixed(1)} standard errors)${risen.length > 1 ? `; so do ${risen.length - 1} other slices` : ''}`,
          data: { slices: risen },
        },
      ]
    },
  }
}
