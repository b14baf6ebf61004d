/** Right calls of labels before rows, of `@burgeon/continual`. */
import * as api from '@burgeon/continual'
import type { CallsOf } from './call.ts'

/** By export. */
export const contextCalls: Pick<
  CallsOf<typeof api>,
  'contextLabels' | 'contextMixture' | 'inferredContext'
> = {
  contextLabels: [
    () => ({
      args: { options: { kinds: { domain: () => 'a' }, drop: 0.1, dropAll: 0.1, limit: 2 } },
      run: api.contextLabels,
    }),
    () => ({
      args: { given: {} },
      run: (given: api.GivenLabels) => api.contextLabels().tokensOf(given),
    }),
    () => ({
      args: { labels: [{ kind: 'domain', name: 'a' }], first: 3 },
      run: (labels: { kind: string; name: string }[], first: number) =>
        api.contextLabels().add(labels, first),
    }),
  ],
  inferredContext: [() => ({ args: { labels: api.contextLabels() }, run: api.inferredContext })],
  contextMixture: [
    () => ({ args: { contexts: 2, options: { switching: 0.1 } }, run: api.contextMixture }),
    () => ({ args: { losses: [1, 2] }, run: (losses: number[]) => api.contextMixture(2).update(losses) }),
  ],
}
