/** What a penalty adds to the loss, for penalties that are tried without a learner. */
import { batchOfTokens, passOf, type Penalty } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import type { Tensor } from '@burgeon/tensor'

export const costOf = (penalty: Penalty, model: Gpt): Tensor | null =>
  penalty.loss(model.parameters.tensors(), passOf(model, batchOfTokens([0, 1], 1, 'text')))
