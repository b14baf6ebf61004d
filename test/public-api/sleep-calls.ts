/** Right calls of sleep and its jobs, of `@burgeon/continual`. */
import * as api from '@burgeon/continual'
import type { CallsOf } from './call.ts'

/** By export. */
export const sleepCalls = {
  sleep: [
    () => ({
      args: {
        options: {
          ...{ when: api.neverTrigger, jobs: [api.rehearsalJob()], share: 0.1, tolerance: 0.02 },
        },
      },
      run: api.sleep,
    }),
  ],
  rehearsalJob: [() => ({ args: { options: { rows: 4, steps: 2 } }, run: api.rehearsalJob })],
  dreamJob: [() => ({ args: { options: { rows: 4, steps: 2 } }, run: api.dreamJob })],
  consolidationJob: [() => ({ args: {}, run: api.consolidationJob })],
  growthJob: [() => ({ args: { policy: api.growOnConflict() }, run: api.growthJob })],
} as const satisfies Partial<CallsOf<typeof api>>
