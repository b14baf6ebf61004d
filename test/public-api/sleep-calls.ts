/** Right calls of sleep and its jobs, of `@burgeon/continual`. */
import { sgd } from '@burgeon/autograd/optim'
import * as api from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { openReference } from '@burgeon/tensor/reference'
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
  checkHealth: [
    () => ({
      args: {
        learner: new api.Learner({
          model: Gpt.create({ context: 4, embed: 4, heads: 2, layers: 1 }, { device: openReference() }),
          optimizer: sgd(0.1),
        }),
        options: { record: { step: 0, weights: { outside: 1 }, detectors: { d: 2 } } },
      },
      run: api.checkHealth,
    }),
  ],
  healthJob: [() => ({ args: {}, run: api.healthJob })],
  rehearsalJob: [() => ({ args: { options: { rows: 4, steps: 2 } }, run: api.rehearsalJob })],
  dreamJob: [() => ({ args: { options: { rows: 4, steps: 2 } }, run: api.dreamJob })],
  repairJob: [
    () => ({
      args: { options: { rows: 4, steps: 2, growth: api.neverGrow, experience: () => null } },
      run: api.repairJob,
    }),
  ],
  memoryJob: [() => ({ args: {}, run: api.memoryJob })],
  consolidationJob: [() => ({ args: {}, run: api.consolidationJob })],
  growthJob: [() => ({ args: { policy: api.growOnConflict() }, run: api.growthJob })],
} as const satisfies Partial<CallsOf<typeof api>>
