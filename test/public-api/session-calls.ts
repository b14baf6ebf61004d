/** Right calls of `burgeon/session` and `burgeon/demo`. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BytePairTokenizer, Gpt } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import * as demo from 'burgeon/demo'
import * as api from 'burgeon/session'
import { smallCheckout, writtenInto } from '../front-door/small-checkout.ts'
import { tinyDomains, tinySettings } from '../life/tiny-settings.ts'
import type { Call, CallsOf } from './call.ts'

const folder = mkdtempSync(join(tmpdir(), 'burgeon-life-calls-'))
const root = join(folder, 'checkout')
await writtenInto(root, smallCheckout())
const settings = { ...tinySettings, vocabulary: 300, watchesBytes: true }
const learner = api.buildLearner(settings)
const saved = nodeDisk(join(folder, 'saved'))
const life = (): api.Life => ({ settings, learner, record: api.emptyRecord(9) })
await api.saveLife(saved, life())

const measurements = [{ bytes: 0, stage: null, learnt: null, bitsPerByte: { prose: 8 } }]
/** Of a plain object, as of options: each part of it is made wrong in turn. */
const ofSettings = (run: Call['run']): (() => Call) => {
  return () => ({ args: { options: settings }, run, says: ['gptConfig', 'GrowingVocabulary', 'Gpt'] })
}
const ofMeasurements = (run: Call['run']): (() => Call) => {
  return () => ({ args: { measurements }, run })
}
const chunks = (): Iterable<unknown> => []
async function* noRecords(): AsyncGenerator<api.SourceRecord> {}
const consumeOptions = (): api.ConsumeOptions => ({
  heldOut: [],
  whole: { name: 'all', isNew: false },
  measureEvery: 10,
  afterDomain: () => Promise.resolve(),
  onStep: () => {},
  betweenSteps: () => Promise.resolve(),
  stop: new AbortController().signal,
})

export const sessionCalls: CallsOf<typeof api> = {
  learnRecords: [
    () => ({
      args: {
        folder: join(folder, 'saved'),
        source: api.recordsFrom('none', noRecords()),
        options: {
          ...{ signal: new AbortController().signal, similarity: 0.9, keepBytes: 1e6 },
          ...{ onStep: () => {}, log: () => {} },
        },
      },
      run: api.learnRecords,
      says: ['there is no checkpoint'],
    }),
  ],
  forgetRecords: [
    () => ({
      args: {
        folder: join(folder, 'saved'),
        what: { source: 'nobody' },
        options: { dropKept: true },
      },
      run: api.forgetRecords,
      says: ['there is no checkpoint', 'Learner: forget'],
    }),
  ],
  liveWithout: [
    () => ({
      args: {
        folder: join(folder, 'saved'),
        out: join(folder, 'again'),
        what: { source: 'nobody' },
        options: { signal: new AbortController().signal, onStep: () => {}, log: () => {} },
      },
      run: api.liveWithout,
      says: ['there is no checkpoint', 'Learner: forget', 'nothing of what is meant'],
    }),
  ],
  explainLife: [
    () => ({
      args: {
        folder: join(folder, 'saved'),
        prompt: 'ab',
        answer: 'c',
        options: { instead: 'd', experiences: 1, replay: false },
      },
      run: api.explainLife,
      says: ['explain', 'there is no checkpoint'],
    }),
  ],
  verifyLifeAudit: [
    () => ({
      args: { folder: join(folder, 'saved'), options: { heads: [] } },
      run: api.verifyLifeAudit,
      says: ['there is no checkpoint'],
    }),
  ],
  proveLearnt: [
    () => ({
      args: { folder: join(folder, 'saved'), id: 0 },
      run: api.proveLearnt,
      says: ['there is no checkpoint', 'of which the audit log has no entry'],
    }),
  ],
  checkLearnt: [
    () => ({
      args: {
        proof: {
          head: { size: 1, root: '0'.repeat(64) },
          index: 0,
          entry: '{}',
          path: [],
          opening: null,
          since: [],
        },
        text: 'a',
      },
      run: api.checkLearnt,
      says: ['checkInclusion'],
      takes: { text: ['undefined'] },
    }),
  ],
  lifeHealth: [
    () => ({
      args: { folder: join(folder, 'saved'), now: 1.8e12 },
      run: api.lifeHealth,
      says: ['there is no checkpoint'],
    }),
  ],
  sleepLife: [
    () => ({
      args: { folder: join(folder, 'saved'), options: { steps: 10, log: () => {} } },
      run: api.sleepLife,
      says: ['there is no checkpoint'],
    }),
  ],
  stopLife: [
    () => ({
      args: { folder: join(folder, 'saved'), options: { by: 'anna' } },
      run: api.stopLife,
      says: ['there is no folder'],
    }),
  ],
  releaseLife: [() => ({ args: { folder: join(folder, 'stopped') }, run: api.releaseLife })],
  openRequests: [() => ({ args: { folder: join(folder, 'stopped') }, run: api.openRequests })],
  decideApproval: [
    () => ({
      args: {
        ...{ folder: join(folder, 'stopped'), id: 'growth-1' },
        options: { decision: 'approve' as const, by: 'anna' },
      },
      run: api.decideApproval,
      says: ['approvals'],
    }),
  ],
  heldPolicy: [() => ({ args: { rules: { say: {} } }, run: api.heldPolicy, says: ['policy'] })],
  recordsFrom: [() => ({ args: { name: 'none', records: noRecords() }, run: api.recordsFrom })],
  serverSentEvents: [() => ({ args: { url: 'http://localhost:8080/events' }, run: api.serverSentEvents })],
  buildLearner: [ofSettings(api.buildLearner)],
  defineConfig: [
    () => ({
      args: { config: { learn: { source: 'notes', passes: 2 }, serve: { port: 8080, origin: [] } } },
      run: api.defineConfig,
    }),
  ],
  continueLearning: [
    () => ({
      args: {
        model: Gpt.create({ context: 4, embed: 4, heads: 2, layers: 1, mlpHidden: 4 }),
        options: {
          ...{ tokenizer: new BytePairTokenizer(), ownText: 1, protection: 1, learningRate: 1e-3 },
          ...{ maxParameters: 1e5, vocabulary: 300, recall: 2 ** 18, plateau: 8, rowTokens: 4, seed: 1 },
          sleepEvery: 9,
          ...{ signal: new AbortController().signal, onProgress: () => {} },
        },
      },
      run: api.continueLearning,
      says: ['growingVocabulary', 'growOnPlateau', 'GrowingVocabulary'],
    }),
  ],
  openModel: [
    () => ({
      args: {
        path: join(import.meta.dirname, '../gold/small-llama'),
        options: {
          ...{ cacheDir: folder, accessToken: 'none', hubUrl: 'http://127.0.0.1', fetch },
          onProgress: () => {},
        },
      },
      run: api.openModel,
    }),
  ],
  strategyOf: [ofSettings(api.strategyOf)],
  loadLife: [
    () => ({
      args: { disk: saved, options: { maxParameters: 1e5, learningRate: 1e-3 } },
      run: api.loadLife,
    }),
  ],
  saveLife: [() => ({ args: { disk: nodeDisk(join(folder, 'other')), options: life() }, run: api.saveLife })],
  emptyRecord: [() => ({ args: { parameters: 9 }, run: api.emptyRecord })],
  domainMatrix: [
    () => ({
      args: { measurements, options: { domains: 1, first: 1, last: 1 } },
      run: api.domainMatrix,
    }),
  ],
  evaluationsOf: [ofMeasurements(api.evaluationsOf)],
  forgettingRows: [ofMeasurements(api.forgettingRows)],
  driftAlarms: [() => ({ args: { record: life().record, changesAreKnown: true }, run: api.driftAlarms })],
  noticedWithin: 'a number',
  consume: [
    () => ({
      args: { life: life(), chunks: chunks(), options: consumeOptions() },
      run: api.consume,
      says: ['batches'],
    }),
    () => ({
      args: { options: life() },
      run: (of: api.Life) => api.consume(of, [], consumeOptions()),
    }),
  ],
}

export const demoCalls: CallsOf<typeof demo> = {
  firstLifeBytes: [() => ({ args: { quick: true }, run: demo.firstLifeBytes })],
  firstLifeSettings: [() => ({ args: { seed: 1, quick: true }, run: demo.firstLifeSettings })],
  defaultStream: [
    () => ({
      args: { options: { root, bytesPerDomain: 2000, heldOutBytes: 300 } },
      run: demo.defaultStream,
      says: ['default stream'],
    }),
  ],
  domainChunks: [
    () => ({
      args: { domains: tinyDomains, from: { file: 'code', offset: 3 } },
      run: (...args: Parameters<typeof demo.domainChunks>) => demo.domainChunks(...args).next(),
    }),
  ],
}
