/** How many more tokens a budget allows. */
import type { Gpt } from '@burgeon/gpt'
import type { GrowthBudget } from '../../growth/growth-policy.ts'

/** Each token is a row and a bias, and the first ones bring biases for all. */
export function roomForTokens(model: Gpt, budget: GrowthBudget): number {
  const { embed, headBias = false, vocabulary } = model.config
  const most = Math.min(budget.parameters, budget.withoutApproval ?? Infinity)
  const left = most - model.parameters.size - (headBias ? 0 : vocabulary)
  return Math.floor(left / (embed + 1))
}
