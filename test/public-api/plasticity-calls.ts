/** Right calls of what keeps a network able to learn, of `@burgeon/continual`. */
import * as api from '@burgeon/continual'
import type { CallsOf } from './call.ts'

const always = (): boolean => true

/** By export. */
export const plasticityCalls = {
  continualBackpropagation: [
    () => ({
      args: { options: { replacementRate: 0.1, maturity: 1, decay: 0.5, every: 1, seed: 1 } },
      run: api.continualBackpropagation,
    }),
  ],
  recycleDormant: [
    () => ({ args: { options: { threshold: 0.1, every: 2, over: 1, seed: 1 } }, run: api.recycleDormant }),
  ],
  shrinkAndPerturb: [
    () => ({
      args: { options: { shrink: 0.5, perturb: 0.1, when: always, seed: 1 } },
      run: api.shrinkAndPerturb,
    }),
  ],
} as const satisfies Partial<CallsOf<typeof api>>
