/** Intake: from what a learner observes to rows that its model can learn. */
import { OptionError } from '@burgeon/tensor'
import { type Batch, isTokenBatch } from '../stream/batch.ts'
import { checkExamples, checkTokens } from '../stream/check-batch.ts'
import type { Model } from './model.ts'

/** What a learner knows of the data of its model. */
export interface Intake {
  /** The rows of what is observed. Throws OptionError for what the model cannot learn. */
  batchOf(data: Batch | string): Batch
  /** The rows of an earlier time that the model can read now, cut where they are too long. */
  within(batch: Batch): Batch
  /** Most predictions of a row that the model can learn: of a GPT its context, less its labels. */
  longestRow(): number
  /** The bytes that the rows predict; none where targets stand for no bytes. */
  bytesOf(fresh: Batch): ArrayLike<number>
}

/** Batches for a model that is no GPT. */
export function batchIntake(model: Model): Intake {
  return {
    batchOf(data) {
      if (typeof data === 'string') {
        throw new OptionError('learner: got a text, and a model that is no Gpt; expected a batch.')
      }
      if (isTokenBatch(data)) checkTokens(data)
      else checkExamples(data, model.predicts)
      model.check?.(data)
      return data
    },
    within: (batch) => batch,
    longestRow: () => 1,
    bytesOf: () => [],
  }
}
