/** Right calls of fleets, of `@burgeon/cluster`. */
import * as api from '@burgeon/cluster'
import { Gpt } from '@burgeon/gpt'
import { openReference } from '@burgeon/tensor/reference'
import type { CallsOf } from './call.ts'

const device = openReference()
const model = (): Gpt => Gpt.create({ vocabulary: 8, context: 4, embed: 4, heads: 2, layers: 1 }, { device })

async function fleet() {
  const [network, blobs] = [api.inProcessNetwork(), api.memoryBlobs()]
  const transport = network.connect()
  const source = await api.WeightsSource.open(model(), { transport, blobs, subject: 'w' })
  const replica = await api.Replica.follow({ transport, blobs, subject: 'w', device })
  await api.answerFleet(replica, { transport, subject: 'ask', name: 'one' })
  return { transport, blobs, source, replica }
}

const { transport, blobs, source, replica } = await fleet()

const relay = await api.RequestRelay.open({ transport, subject: 'door', pause: () => new Promise(() => {}) })
await api.answerRequests(() => new Response('well'), { transport, subject: 'door' })

type Fleet = Pick<
  typeof api,
  'WeightsSource' | 'Replica' | 'answerFleet' | 'askFleet' | 'answerRequests' | 'RequestRelay'
>

export const fleetCalls: CallsOf<Fleet> = {
  WeightsSource: [
    () => ({
      args: {
        model: model(),
        options: {
          transport: api.inProcessNetwork().connect(),
          blobs: api.memoryBlobs(),
          subject: 'w',
          ...{ keeps: 2, step: 3, attachment: Uint8Array.of(1), limit: () => AbortSignal.any([]) },
        },
      },
      run: api.WeightsSource.open,
      says: ['transport: publish', 'transport: respond', 'transport: request'],
    }),
    () => ({
      args: { options: { step: 1, model: model(), attachment: Uint8Array.of(2) } },
      run: (options: api.AnnounceOptions) => source.announce(options),
    }),
    () => ({
      args: { options: { keepsBlobs: true } },
      run: async (options: { keepsBlobs?: boolean }) =>
        (
          await api.WeightsSource.open(model(), {
            ...{ transport: api.inProcessNetwork().connect(), blobs: api.memoryBlobs(), subject: 'w' },
          })
        ).close(options),
    }),
  ],
  Replica: [
    () => ({
      args: {
        options: {
          ...{ transport, blobs, subject: 'w', device, onEvent: () => {} },
          ...{ limit: () => AbortSignal.any([]), turn: (replace: () => Promise<void>) => replace() },
        },
      },
      run: api.Replica.follow,
      says: ['transport: subscribe', 'transport: request'],
    }),
    () => ({
      args: { body: async () => Promise.resolve(1) },
      run: (body: () => Promise<number>) => replica.use(body),
    }),
  ],
  answerFleet: [
    () => ({
      args: { replica, options: { transport, subject: 'other', name: 'two' } },
      run: api.answerFleet,
      says: ['transport: respond'],
    }),
  ],
  askFleet: [
    () => ({
      args: {
        prompt: [1],
        options: { tokens: 1, onContextFull: 'stop', seed: 1 },
        fleet: { transport, subject: 'ask', attempts: 1 },
      },
      run: api.askFleet,
      says: ['generate', 'transport: request'],
    }),
  ],
  answerRequests: [
    () => ({
      args: { answer: () => new Response('well'), options: { transport, subject: 'other-door' } },
      run: api.answerRequests,
      says: ['transport: respond'],
    }),
  ],
  RequestRelay: [
    () => ({
      args: {
        options: {
          ...{ transport, subject: 'door', attempts: 1 },
          ...{ pause: () => new Promise(() => {}), limit: () => AbortSignal.any([]) },
        },
      },
      run: api.RequestRelay.open,
      says: ['transport: subscribe'],
    }),
    () => ({
      args: {
        request: { method: 'GET', path: '/', headers: {}, body: new Uint8Array() },
        signal: AbortSignal.any([]),
      },
      run: (...args: Parameters<typeof relay.ask>) => relay.ask(...args),
    }),
  ],
}
