/** What predictions cost, in floating-point operations. */
import { flopsPerToken, Gpt } from '@burgeon/gpt'
import type { Model } from './model.ts'

/**
 * Operations of a prediction: forward alone, or learnt. Of a GPT by the op table, at full context; of others
 * by their products, each weight used once.
 */
export const operationsOf = (model: Model): { readonly forward: number; readonly training: number } =>
  model instanceof Gpt
    ? flopsPerToken(model.config)
    : { forward: 2 * model.parameters.size, training: 6 * model.parameters.size }
