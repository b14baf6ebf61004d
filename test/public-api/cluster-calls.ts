/** Right calls of `@burgeon/cluster`. */
import * as api from '@burgeon/cluster'
import { Gpt, gptConfig } from '@burgeon/gpt'
import * as testing from '@burgeon/cluster/testing'
import { sgd } from '@burgeon/autograd/optim'
import { Learner } from '@burgeon/continual'
import type { CallsOf } from './call.ts'
import { fleetCalls } from './fleet-calls.ts'
import { shardCalls } from './shard-calls.ts'

const small = { vocabulary: 8, context: 4, embed: 8, heads: 2, layers: 1 }
const model = Gpt.create({ vocabulary: 20, context: 4, embed: 4, heads: 1, layers: 1 })
const difference = (): api.Numbers => ({ w: { shape: [2], data: Float32Array.of(1, 2) } })

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
  simulatePlan: [
    () => ({
      args: {
        plan: api.makePlan({ config: api.plannedModel(sizes()), tokens: 1e9, device: 'h200' }),
        question: {
          ...{ rounds: 2, batchTokens: 1e5, localSteps: 5, variation: 0.5, machineDays: 100 },
          ...{ backSeconds: 5, spare: 0.1, seed: 1 },
        },
      },
      run: api.simulatePlan,
    }),
  ],
  simulateRounds: [
    () => ({
      args: {
        question: {
          ...{ workers: 3, rounds: 2, localSteps: 2, quorum: 2, stepSeconds: 1, variation: 0.5, seed: 1 },
          ...{ exchangeSeconds: 1, exchangeBytes: 8, tokens: 4, slow: { share: 0.5, factor: 2 } },
          failures: { every: 100, back: 1 },
          partitions: { chance: 0.1, share: 0.5, seconds: 1 },
        },
      },
      run: api.simulateRounds,
    }),
  ],
  usualAssumptions: 'plain data',
  splitProducts: [() => ({ args: { config: gptConfig(small), devices: 2 }, run: api.splitProducts })],
  maxPayload: 'a number',
  entryFromBytes: 'takes any bytes: what is no entry is null',
  versionOf: 'takes a state',
  bytesOfOuter: 'takes a state',
  outerFromBytes: [
    () => ({ args: { bytes: new Uint8Array(3) }, run: read(api.outerFromBytes), says: ['outerFromBytes'] }),
  ],
  bytesOfUpdate: 'takes differences of weights',
  updateFromBytes: [
    () => ({
      args: { bytes: api.bytesOfUpdate(difference(), 'f32', 1) },
      run: (bytes: Uint8Array) => api.updateFromBytes(bytes, difference()),
      says: ['cluster'],
    }),
  ],
  sharedGradients: [
    () => ({
      args: {
        options: {
          ...{ log: api.memoryLog(), blobs: api.memoryBlobs(), name: 'a', members: ['a', 'b'], parts: 2 },
          until: new AbortController().signal,
        },
      },
      run: api.sharedGradients,
    }),
  ],
  surveyCluster: [
    () => ({
      args: { log: api.memoryLog(), heard: () => {} },
      run: api.surveyCluster,
      says: ['surveyCluster'],
    }),
  ],
  surveyAfter: 'takes an entry of a log',
  dismissWorker: [
    () => ({ args: { log: api.memoryLog(), worker: 'a', reason: 'tired' }, run: api.dismissWorker }),
  ],
  replayCluster: [
    () => ({
      args: { place: place(), options: { from: 'oldest' as const } },
      run: (...[own, options]: Parameters<typeof api.replayCluster>) =>
        read((given: typeof own) => api.replayCluster(given, options))(own),
    }),
  ],
  Coordinator: [
    () => ({
      args: { place: place(), model, options: settings(), birth: { seed: 1 } },
      run: api.Coordinator.found,
      says: ['Coordinator.found'],
    }),
    () => ({ args: { place: place() }, run: read(api.Coordinator.open), says: ['Coordinator.open'] }),
    async () => {
      const coordinator = await begun()
      return {
        args: { options: { isLate: true } },
        run: coordinator.turn.bind(coordinator),
        says: ['Coordinator.turn'],
      }
    },
    async () => {
      const coordinator = await begun()
      return {
        args: { request: { kind: 'addLayer', at: 1 } },
        run: coordinator.grow.bind(coordinator),
        says: ['Coordinator.grow'],
      }
    },
  ],
  ClusterWorker: [
    async () => {
      const own = place()
      await api.Coordinator.found(own, model)
      return {
        args: {
          place: own,
          options: {
            name: 'a',
            makeLearner: (shared: Gpt) => new Learner({ model: shared, optimizer: sgd(0.1) }),
            dataOf: () => 'some text',
            device: model.device,
          },
        },
        run: api.ClusterWorker.open,
        says: ['ClusterWorker.open'],
      }
    },
  ],
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
      args: { payload: new Uint8Array(3), options: { id: 'first', author: 'a', after: 0 } },
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

/** A place where a cluster has begun. */
const place = (): api.ClusterPlace => ({
  ...{ log: api.memoryLog(), records: api.memoryLog(), blobs: api.memoryBlobs() },
})
const begun = (): Promise<api.Coordinator> => api.Coordinator.found(place(), model)
const settings = (): api.ClusterSettings => ({
  ...{
    localSteps: 4,
    rate: 0.5,
    momentum: 0.5,
    form: 'int8',
    share: 0.5,
    outlier: 3,
    keepEvery: 2,
    keepStates: 3,
  },
})

const connected = (): api.Transport => api.inProcessNetwork().connect()

/** What reads, and has nothing to read here: it says so by a ClusterError. */
const read =
  <A, R>(reading: (given: A) => R) =>
  async (given: A): Promise<R | undefined> => {
    try {
      return await reading(given)
    } catch (error) {
      if (!(error instanceof api.ClusterError)) throw error
      return undefined
    }
  }

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
