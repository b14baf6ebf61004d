/** Right calls of what stands before a learner, of `@burgeon/continual`. */
import { sgd } from '@burgeon/autograd/optim'
import * as api from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { openReference } from '@burgeon/tensor/reference'
import type { CallsOf } from './call.ts'

const policy: api.Policy = { learn: { sources: { allow: ['mail'] } }, grow: { maxParameters: 9 } }

/** By export. */
export const guardCalls = {
  guards: [() => ({ args: { member: api.provenance() }, run: api.guards, says: ['members'] })],
  provenance: [
    () => ({
      args: { options: { sources: { mail: 0.5 }, unknown: 0.2 } },
      run: api.provenance,
      takes: { 'options.unknown': ['number', 'string'] },
    }),
  ],
  outputFilter: [
    () => ({
      args: { rules: { phrases: ['blue falcon'], patterns: ['no-[0-9]{4}'], personalData: true } },
      run: api.outputFilter,
    }),
  ],
  readPolicy: [
    () => ({
      args: { json: '{ "learn": { "personalData": "redact" } }' },
      run: api.readPolicy,
      says: ['policy'],
    }),
  ],
  checkPolicy: [
    () => ({ args: { value: policy }, run: api.checkPolicy, says: ['policy'], takes: { value: ['object'] } }),
  ],
  policyGuard: [() => ({ args: { policy }, run: api.policyGuard, says: ['policy'] })],
  findPersonalData: [() => ({ args: { text: 'anna@example.org' }, run: api.findPersonalData })],
  redactPersonalData: [() => ({ args: { text: 'anna@example.org' }, run: api.redactPersonalData })],
  personalData: [() => ({ args: { verdict: 'redact' as const }, run: api.personalData })],
  personalStream: [() => ({ args: {}, run: api.personalStream })],
  novelRepetition: [() => ({ args: { options: { most: 3, length: 16 } }, run: api.novelRepetition })],
  ownSource: 'a name',
  observeWithin: [
    () => ({
      args: {
        learner: new api.Learner({
          model: Gpt.create({ context: 8, embed: 4, heads: 2, layers: 1 }, { device: openReference() }),
          optimizer: sgd(0.1),
          strategy: { probes: api.heldBack() },
        }),
        data: 'some text',
        limit: { most: 0.1 },
      },
      run: api.observeWithin,
      says: ['learner', 'batchOfTokens'],
      takes: { data: ['string', 'object'] },
    }),
  ],
  ownOutput: [() => ({ args: { options: { most: 0.5, bytes: 4096 } }, run: api.ownOutput })],
  sourceShare: [
    () => ({
      args: { options: { window: 0.1, life: 0.1, together: 0.5, texts: 9, free: 9 } },
      run: api.sourceShare,
    }),
  ],
} satisfies Partial<CallsOf<typeof api>>
