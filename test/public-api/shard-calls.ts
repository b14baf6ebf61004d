/** Right calls of models in stages, of `@burgeon/cluster` and `@burgeon/cluster/node`. Reaches inside for a disk in memory. */
import { PassThrough } from 'node:stream'
import { sgd } from '@burgeon/autograd/optim'
import * as api from '@burgeon/cluster'
import * as nats from '@burgeon/cluster/nats'
import * as node from '@burgeon/cluster/node'
import { Gpt, type ParameterSpec } from '@burgeon/gpt'
import { openReference } from '@burgeon/tensor/reference'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import type { CallsOf } from './call.ts'

const device = openReference()
const model = Gpt.create({ vocabulary: 8, context: 4, embed: 4, heads: 2, layers: 2 }, { device })
const { config } = model
const shares = api.splitStages(config, { stages: 2 })
const share = shares[0]
const ones = ({ shape }: ParameterSpec): Promise<Float32Array> =>
  Promise.resolve(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1))
const worker = (): api.StageWorker =>
  new api.StageWorker(api.ModelStage.of(model, api.splitStages(config, { stages: 1 })[0]), {
    optimizer: sgd({ learningRate: 0.1 }),
  })
const connected = (): Promise<api.ShardedModel> => api.ShardedModel.connect([api.localLink(worker())])
const batch = (): api.RowsOfTokens => ({ rows: 1, length: 2, tokens: Int32Array.of(1, 2, 3) })
const transport = (): api.Transport => api.inProcessNetwork().connect()
const saved = memoryDisk()
{
  const own = new api.StageWorker(api.stagesOf(model, 1)[0], { disk: saved })
  await (await api.ShardedModel.connect([api.localLink(own)])).save(saved)
}

type Shards = Pick<
  typeof api,
  | 'SavedStages'
  | 'ModelStage'
  | 'stagesOf'
  | 'ShardedModel'
  | 'localLink'
  | 'transportLink'
  | 'answerStage'
  | 'splitStages'
  | 'stageSpecs'
  | 'StageWorker'
  | 'largeRequests'
  | 'respondLarge'
>

export const shardCalls: CallsOf<Shards> = {
  splitStages: [
    () => ({ args: { config, options: { stages: 2 } }, run: api.splitStages }),
    () => ({ args: { config, options: { maxParameters: 1000 } }, run: api.splitStages }),
  ],
  stageSpecs: [() => ({ args: { config, share }, run: api.stageSpecs })],
  stagesOf: [() => ({ args: { model, stages: 2 }, run: api.stagesOf, says: ['splitStages'] })],
  ModelStage: [
    () => ({ args: { config, share, options: { seed: 1, device } }, run: api.ModelStage.create }),
    () => ({ args: { config, share, numbersOf: ones, device }, run: api.ModelStage.fromReader }),
    () => ({ args: { model, share }, run: api.ModelStage.of }),
  ],
  StageWorker: [
    () => ({
      args: {
        stage: api.ModelStage.of(model, share),
        options: { optimizer: sgd({ learningRate: 1 }), checkpointBlocks: true, disk: memoryDisk() },
      },
      run: (...args: ConstructorParameters<typeof api.StageWorker>) => new api.StageWorker(...args),
    }),
  ],
  localLink: [() => ({ args: { worker: worker() }, run: api.localLink })],
  transportLink: [
    () => ({
      args: { transport: transport(), subject: 'stage' },
      run: api.transportLink,
      says: ['largeRequests'],
    }),
  ],
  answerStage: [
    () => ({
      args: { worker: worker(), transport: transport(), subject: 'stage' },
      run: api.answerStage,
      says: ['respondLarge', 'transport: respond'],
    }),
  ],
  largeRequests: [() => ({ args: { transport: transport(), subject: 'ask' }, run: api.largeRequests })],
  respondLarge: [
    () => ({
      args: { transport: transport(), pattern: 'ask', answer: (payload: Uint8Array) => payload },
      run: api.respondLarge,
      says: ['transport: respond'],
    }),
  ],
  ShardedModel: [
    () => ({
      args: { links: [api.localLink(worker())], options: { microBatches: 2, clip: 1 } },
      run: api.ShardedModel.connect,
    }),
    () => ({
      args: { batch: batch() },
      run: async (own: api.RowsOfTokens) => (await connected()).learn(own),
    }),
    () => ({
      args: { batch: batch() },
      run: async (own: api.RowsOfTokens) => (await connected()).losses(own),
    }),
    () => ({
      args: { groups: [1], cacheFormat: 'f16' },
      run: async (...args: Parameters<api.ShardedModel['beginReading']>) =>
        (await connected()).beginReading(...args),
    }),
    () => ({
      args: { prompt: [1], options: { tokens: 1, onContextFull: 'stop' } },
      run: async (...args: Parameters<typeof model.generate>) => (await connected()).generate(...args),
      says: ['generate'],
    }),
    () => ({
      args: { disk: saved },
      run: async (disk: typeof saved) => {
        const own = new api.StageWorker(api.stagesOf(model, 1)[0], { disk })
        return (await api.ShardedModel.connect([api.localLink(own)])).save(disk)
      },
      says: ['StageWorker'],
    }),
  ],
  SavedStages: [
    () => ({ args: { disk: saved }, run: api.SavedStages.open }),
    () => ({
      args: { options: { stages: 2 } },
      run: async (options: { stages: number }) => (await api.SavedStages.open(saved)).split(options),
      says: ['splitStages'],
    }),
    () => ({
      args: { share, device },
      run: async (...args: Parameters<api.SavedStages['stage']>) =>
        (await api.SavedStages.open(saved)).stage(...args),
      says: ['ModelStage.fromReader', 'stageSpecs'],
    }),
  ],
}

const ended = (): PassThrough => {
  const stream = new PassThrough()
  stream.end()
  return stream
}

/** There is no broker at that address: what is asked of it is looked at before. */
export const clusterNatsCalls: CallsOf<typeof nats> = {
  natsFleet: [
    () => ({
      args: { name: 'a', options: { servers: 'nats://127.0.0.1:1', user: 'b', password: 'c' } },
      run: (...args: Parameters<typeof nats.natsFleet>) =>
        nats.natsFleet(...args).catch((error: unknown) => {
          if (!(error instanceof api.TransportError)) throw error
        }),
    }),
  ],
  natsSeams: [
    () => ({
      args: { name: 'a', options: { servers: 'nats://127.0.0.1:1', user: 'b', password: 'c' } },
      run: (...args: Parameters<typeof nats.natsSeams>) =>
        nats.natsSeams(...args).catch((error: unknown) => {
          if (!(error instanceof api.TransportError)) throw error
        }),
    }),
  ],
}

export const clusterNodeCalls: CallsOf<typeof node> = {
  streamLink: [() => ({ args: { input: ended(), output: new PassThrough() }, run: node.streamLink })],
  answerStream: [
    () => ({
      args: { worker: worker(), input: ended(), output: new PassThrough() },
      run: node.answerStream,
    }),
  ],
}
