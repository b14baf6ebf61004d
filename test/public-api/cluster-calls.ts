/** Right calls of `@burgeon/cluster`. */
import * as api from '@burgeon/cluster'
import { gptConfig } from '@burgeon/gpt'
import * as testing from '@burgeon/cluster/testing'
import type { CallsOf } from './call.ts'
import { fleetCalls } from './fleet-calls.ts'
import { shardCalls } from './shard-calls.ts'

const small = { vocabulary: 8, context: 4, embed: 8, heads: 2, layers: 1 }
const sizes = (): api.PlannedSizes => ({ layers: 2, embed: 256, vocabulary: 256, context: 64, headDim: 64 })

export const clusterCalls: CallsOf<typeof api> = {
  ...fleetCalls,
  ...shardCalls,
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
  splitProducts: [() => ({ args: { config: gptConfig(small), devices: 2 }, run: api.splitProducts })],
  maxPayload: 'a number',
  digestOf: [() => ({ args: { bytes: new Uint8Array(3) }, run: api.digestOf })],
  aDigest: 'a check',
  aLog: 'a check',
  aTransport: 'a check',
  someBlobs: 'a check',
  memoryBlobs: [
    () => ({ args: { bytes: new Uint8Array(3) }, run: api.memoryBlobs().put, says: ['memoryBlobs'] }),
    () => ({ args: { digest: 'a'.repeat(64) }, run: api.memoryBlobs().get }),
    () => ({ args: { digest: 'a'.repeat(64) }, run: api.memoryBlobs().has }),
    () => ({ args: { digest: 'a'.repeat(64) }, run: api.memoryBlobs().remove }),
  ],
  memoryLog: [
    () => ({
      args: { payload: new Uint8Array(3), options: { id: 'first', after: 0 } },
      run: (...args: Parameters<api.Log['append']>) => api.memoryLog().append(...args),
    }),
    () => ({
      args: { from: 1, options: { until: AbortSignal.abort() } },
      run: (...args: Parameters<api.Log['read']>) => api.memoryLog().read(...args),
    }),
  ],
  inProcessNetwork: [
    () => ({
      args: { subject: 'news', payload: new Uint8Array(3) },
      run: (...args: Parameters<api.Transport['publish']>) => connected().publish(...args),
      says: ['transport: publish'],
    }),
    () => ({
      args: { pattern: 'news.*', receive: () => {}, options: { group: 'readers' } },
      run: (...args: Parameters<api.Transport['subscribe']>) => connected().subscribe(...args),
      says: ['transport: subscribe'],
    }),
    () => ({
      args: { pattern: 'ask.>', answer: () => new Uint8Array(1) },
      run: (...args: Parameters<api.Transport['respond']>) => connected().respond(...args),
      says: ['transport: respond'],
    }),
    () => ({
      args: { subject: 'ask', payload: new Uint8Array(3), options: { signal: new AbortController().signal } },
      run: async (...args: Parameters<api.Transport['request']>) => {
        const network = api.inProcessNetwork()
        await network.connect().respond('>', ({ payload }) => payload)
        return network.connect().request(...args)
      },
      says: ['transport: request'],
    }),
  ],
}

const connected = (): api.Transport => api.inProcessNetwork().connect()

export const clusterTestingCalls: CallsOf<typeof testing> = {
  checkTransport: [
    () => ({
      args: {
        make: () => {
          const network = api.inProcessNetwork()
          return [network.connect(), network.connect()] as const
        },
        options: { patience: 100 },
      },
      run: testing.checkTransport,
    }),
  ],
  checkLog: [
    () => ({
      args: {
        make: () => {
          const log = api.memoryLog()
          return [log, log] as const
        },
        options: { patience: 100 },
      },
      run: testing.checkLog,
    }),
  ],
  checkBlobs: [
    () => ({
      args: { make: api.memoryBlobs, options: { patience: 100, damage: () => {} } },
      run: testing.checkBlobs,
    }),
  ],
}
