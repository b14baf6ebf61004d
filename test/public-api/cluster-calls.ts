/** Right calls of `@burgeon/cluster`. */
import * as api from '@burgeon/cluster'
import type { CallsOf } from './call.ts'

const sizes = (): api.PlannedSizes => ({ layers: 2, embed: 256, vocabulary: 256, context: 64, headDim: 64 })

export const clusterCalls: CallsOf<typeof api> = {
  plannedModel: [
    () => ({ args: { sizes: sizes() }, run: api.plannedModel }),
    () => ({
      args: { sizes: { parameters: 1e9, kvHeads: 2, mlpHidden: 64, untiedHead: false } },
      run: api.plannedModel,
    }),
    () => ({ args: { sizes: { parameters: 1e9, activation: 'swiglu' } }, run: api.plannedModel }),
  ],
  makePlan: [
    () => ({
      args: {
        question: {
          ...{ config: api.plannedModel(sizes()), tokens: 1e9, device: 'h200', precision: 'bf16' },
          ...{ rehearsal: 0.5, keepsPenalty: true, batchTokens: 1e5, days: 10 },
        },
        assumptions: structuredClone(api.usualAssumptions),
      },
      run: api.makePlan,
    }),
  ],
  usualAssumptions: 'plain data',
}
