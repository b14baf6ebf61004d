/** Intake of a GPT: texts, and batches of the tokens of any time. */
import type { Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import type { Intake } from '../model/intake.ts'
import { type Batch, isTokenBatch, targetsOf, type TokenBatch, withinContext } from '../stream/batch.ts'
import { batchOf, bytesOf, type RowLabels } from './encode-batch.ts'
import type { GrowingVocabulary } from './growing-vocabulary.ts'

/**
 * @param vocabulary Every token is a byte unless given.
 * @param labels Stand before rows, which leave room for them.
 */
export function textIntake(model: Gpt, vocabulary?: GrowingVocabulary, labels?: RowLabels): Intake {
  const longestRow = (): number => model.config.context - (labels?.slots ?? 0)
  return {
    batchOf: (data) => batchOf(data, model, { vocabulary, labels }),
    within: (batch) => withinContext(tokensIn(batch), model.config, longestRow()),
    longestRow,
    bytesOf: (fresh) =>
      bytesOf(
        targetsOf(tokensIn(fresh)).filter((token) => token >= 0),
        vocabulary?.tokenizer,
      ),
  }
}

function tokensIn(batch: Batch): TokenBatch {
  if (isTokenBatch(batch)) return batch
  throw new OptionError('learner: got a batch of examples for a Gpt; expected rows of tokens.')
}
