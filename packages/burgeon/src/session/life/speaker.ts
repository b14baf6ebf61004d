/** Which model of a life speaks. */
import type { Learner } from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'

/** What a learner answers with: the average of its weights where it keeps one, else its model. */
export const speakerOf = ({ model, strategy }: Pick<Learner, 'model' | 'strategy'>): Gpt =>
  strategy.average?.modelOf(model) ?? model
