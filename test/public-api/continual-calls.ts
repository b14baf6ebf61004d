/** Right calls of `@burgeon/continual`. */
import { sgd } from '@burgeon/autograd/optim'
import * as api from '@burgeon/continual'
import { BytePairTokenizer, Gpt, gptConfig, LoraAdapter } from '@burgeon/gpt'
import { square, sum, type Tensor, type TensorsByPath, tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import type { Call, CallsOf } from './call.ts'
import { auditCalls } from './audit-calls.ts'
import { contextCalls } from './context-calls.ts'
import { explainCalls } from './explain-calls.ts'
import { guardCalls } from './guard-calls.ts'
import { measureCalls } from './measure-calls.ts'
import { sleepCalls } from './sleep-calls.ts'
import { plasticityCalls } from './plasticity-calls.ts'
import { rehearsalCalls } from './rehearsal-calls.ts'
import { modelCalls } from './model-calls.ts'

const device = openReference()
const sizes = { context: 4, embed: 4, heads: 2, layers: 1, mlpHidden: 4 }
const born = await Gpt.create(sizes, { device, seed: 1 }).toState()
const config = gptConfig(sizes)
const model = (): Gpt => Gpt.fromState(born, device)
const batch = (): api.TokenBatch => api.batchOfTokens([1, 2, 3, 4, 5], 4, 'text')
const request = () => ({ kind: 'addLayer', at: 1 }) as const
const policy = (): api.GrowthPolicy<never> => api.neverGrow as unknown as api.GrowthPolicy<never>
const budget = { parameters: 1e6, flopsPerToken: 1e9, bytes: 1e9 }
const weights = (): TensorsByPath => ({ x: tensor([1, 2], { device }) })
const loss = (at: TensorsByPath): Tensor => sum(square(at['x'] ?? Object.values(at)[0]))
const task = { support: loss, query: loss }
const always = (): boolean => true
const inner = { rate: 0.1, steps: 1, adapts: always }
const draw = (): number => 0
const optimizer = () => sgd({ learningRate: 0.1 })
const unlimited = { 'options.parameters': ['number'] } as const
/** Meta-learning of one kind. */
const meta = (run: Call['run'], options: object): (() => Call) => {
  return () => ({ args: { tasks: [task], weights: weights(), options }, run })
}
const full = (): api.Reservoir => {
  const made = new api.Reservoir(4)
  for (let i = 0; i < 4; i++) made.offer(draw)
  return made
}
const learner = (): api.Learner => new api.Learner({ model: model(), optimizer: optimizer() })
const state = await learner().toState()

/** By export. */
export const continualCalls: CallsOf<typeof api> = {
  ...measureCalls,
  aGradientExchange: 'a check',
  gradientParts: [() => ({ args: { parts: 3 }, run: api.gradientParts })],
  meanGradients: [
    () => ({
      args: { parts: [{ gradients: { w: Float32Array.of(1) }, counted: 1 }] },
      run: api.meanGradients,
    }),
  ],
  ...rehearsalCalls,
  ...auditCalls,
  ...contextCalls,
  ...sleepCalls,
  ...explainCalls,
  ...guardCalls,
  ...plasticityCalls,
  ...modelCalls,
  eventFromState: [
    () => ({
      args: { event: { kind: 'drift', step: 1, detector: 'loss', bitsPerByte: 5 } },
      run: api.eventFromState,
    }),
  ],
  savedPart: [() => ({ args: { saved: state, role: 'optimizer' }, run: api.savedPart })],
  savedPartNames: [() => ({ args: { saved: state }, run: api.savedPartNames })],
  extendJournal: [
    () => ({ args: { journal: [], events: [], kindOf: () => 'drift' }, run: api.extendJournal }),
  ],
  lossWindow: 'a number',
  padding: 'a number',
  freezeConverged: [
    () => ({
      args: { options: { every: 1, patience: 2, tolerance: 0.1, settle: 1, maxShare: 0.5 } },
      run: api.freezeConverged,
    }),
  ],
  budgeted: [
    () => ({
      args: { policy: policy(), options: { ...budget, growths: 1, steps: 1 } },
      run: api.budgeted,
      takes: unlimited,
    }),
  ],
  onApproval: [() => ({ args: { policy: policy(), options: { asks: true } }, run: api.onApproval })],
  dryRun: [
    () => ({
      args: {
        policy: policy(),
        options: {
          config,
          parameters: 9,
          losses: [1, 2],
          drifts: [1],
          budget,
          measurements: {},
          saturations: {},
          stateBytes: 0,
        },
      },
      run: api.dryRun,
    }),
  ],
  firstOf: [() => ({ args: { policies: policy() }, run: api.firstOf })],
  growByCompute: [
    () => ({ args: { options: { window: 8, significance: 1, request } }, run: api.growByCompute }),
  ],
  growByGradient: [
    () => ({
      args: { options: { every: 1, threshold: 1, widen: 1, how: 'gradMax' } },
      run: api.growByGradient,
    }),
  ],
  growOnConflict: [() => ({ args: { options: { patience: 1, request } }, run: api.growOnConflict })],
  growOnDrift: [() => ({ args: { options: { patience: 1, tolerance: 1, request } }, run: api.growOnDrift })],
  growOnPlateau: [
    () => ({
      args: {
        options: {
          ...{ window: 8, patience: 8, significance: 1, widen: 1 },
          ...{ widenPerLayer: 1, where: 'narrowest', request },
        },
      },
      run: api.growOnPlateau,
    }),
  ],
  growOnSaturation: [
    () => ({ args: { options: { every: 1, rank: 0.5, dormant: 0.1, widen: 1 } }, run: api.growOnSaturation }),
  ],
  growOnSchedule: [
    () => ({ args: { schedule: [{ step: 1, request: request() }] }, run: api.growOnSchedule }),
    () => ({
      args: { options: { step: 1, request } },
      run: (entry: api.ScheduledGrowth) => api.growOnSchedule([entry]),
      takes: { 'options.request': ['object'], 'options.step': [] },
    }),
  ],
  neverGrow: 'a policy, called by the learner',
  gradMaxRequest: [
    () => ({
      args: { model: model(), batch: batch(), options: { block: 'b0', to: 6 } },
      run: api.gradMaxRequest,
    }),
  ],
  measureBlocks: [() => ({ args: { model: model(), batch: batch() }, run: api.measureBlocks })],
  saturationsIn: [() => ({ args: { journal: [] }, run: api.saturationsIn })],
  growByTrial: [
    () => ({
      args: {
        options: {
          ...{ when: policy(), steps: 3, patience: 2, significance: 1 },
          candidates: { layer: () => request() },
        },
      },
      run: api.growByTrial,
    }),
  ],
  growthTrialsIn: [() => ({ args: { journal: [] }, run: api.growthTrialsIn })],
  measurementsIn: [() => ({ args: { journal: [] }, run: api.measurementsIn })],
  partImportance: [() => ({ args: { model: model(), batch: batch() }, run: api.partImportance })],
  pruneDormant: [() => ({ args: { options: { every: 1, looks: 1 } }, run: api.pruneDormant })],
  orthogonalTo: [
    () => ({
      args: { earlier: [LoraAdapter.create(model(), { rank: 1 })], options: { strength: 1 } },
      run: api.orthogonalTo,
    }),
  ],
  fineTune: [
    () => ({
      args: {
        model: model(),
        options: { adapter: { rank: 1 }, optimizer: optimizer(), strategy: {}, seed: 1 },
      },
      run: api.fineTune,
      says: ['learner', 'LoraAdapter.create'],
      takes: { 'options.adapter': ['object'], 'options.strategy': ['object', 'empty'] },
    }),
  ],
  Learner: [
    () => ({
      args: {
        options: {
          ...{ model: model(), optimizer: optimizer(), checkpointBlocks: false },
          ...{ strategy: {}, budget, seed: 1, now: () => 0, adapter: { rank: 1 } },
        },
      },
      run: (options: api.LearnerOptions) => new api.Learner(options),
    }),
    () => ({
      args: { options: { rehearsal: api.reservoirReplay({ capacity: 2 }), penalties: [], transforms: [] } },
      run: (strategy: api.Strategy) => new api.Learner({ model: model(), optimizer: optimizer(), strategy }),
    }),
    () => ({
      args: { options: budget },
      run: (limits: api.GrowthBudget) =>
        new api.Learner({ model: model(), optimizer: optimizer(), budget: limits }),
    }),
    () => ({
      args: { state, options: { optimizer: optimizer(), device } },
      run: api.Learner.fromState,
    }),
    () => ({
      args: { data: 'some' },
      run: (data: string) => learner().observe(data),
      says: ['batchOfTokens'],
      takes: { data: ['object'] },
    }),
    () => ({ args: { text: 'some' }, run: (text: string) => learner().predict(text), says: ['predict'] }),
    () => ({
      args: { knobs: { rate: 2, penalty: 1, rehearsalShare: 0 } },
      run: (knobs: Partial<api.Knobs>) => learner().fork(knobs),
    }),
    () => ({
      args: { steps: 1, options: { rows: 2, tolerance: 9 } },
      run: async (steps: number, options: api.RehearseOptions) => {
        const rehearsal = api.reservoirReplay({ capacity: 2 })
        const rehearsing = new api.Learner({
          model: model(),
          optimizer: optimizer(),
          strategy: { rehearsal, probes: api.heldBack({ share: 0.5, capacity: 8 }) },
        })
        for (const text of ['some', 'more', 'texts', 'held', 'back']) await rehearsing.observe(text)
        return rehearsing.rehearse(steps, options)
      },
    }),
    () => ({
      args: { data: 'some' },
      run: (data: string) => learner().fork().observe(data),
      says: ['Fork', 'batchOfTokens'],
      takes: { data: ['object'] },
    }),
    () => ({
      args: { measured: () => 1 },
      run: (measured: () => number) => learner().fork().measure(measured),
      says: ['Fork'],
    }),
  ],
  adapt: [
    () => ({
      args: { loss, weights: weights(), rates: 0.1, options: { steps: 1, firstOrder: true, adapts: always } },
      run: api.adapt,
      says: ['grad'],
      takes: { rates: ['object'] },
    }),
  ],
  laMaml: [
    () => ({
      args: { options: { rate: 0.1, rateOfRates: 0.1, clipRateGradients: 1, steps: 1, firstOrder: true } },
      run: api.laMaml,
    }),
  ],
  LearnedRates: [
    () => ({
      args: { options: { initial: 0.1, name: 'rates' } },
      run: (options: api.LearnedRatesOptions) => new api.LearnedRates(options),
    }),
    () => ({
      args: { weights: weights() },
      run: (at: TensorsByPath) => new api.LearnedRates({ initial: 1 }).of(at),
    }),
  ],
  anil: [meta(api.anil, inner)],
  fomaml: [meta(api.fomaml, inner)],
  maml: [meta(api.maml, { ...inner, firstOrder: true })],
  reptile: [meta(api.reptile, inner)],
  chooseAmong: [
    () => ({
      args: {
        options: {
          ...{ arms: { a: {}, b: { rate: 2 } }, every: 10, steps: 2, rivals: 1, seed: 1 },
          judge: { averaged: true, significance: 2, price: 0.1 },
        },
      },
      run: api.chooseAmong,
    }),
  ],
  dryRunChoice: [
    () => ({
      args: { choice: api.chooseAmong({ arms: { a: {}, b: {} } }), journal: [] },
      run: api.dryRunChoice,
    }),
  ],
  forgetAtMost: [() => ({ args: { epsilon: 0.05 }, run: api.forgetAtMost })],
  dryRunControl: [
    () => ({
      args: {
        controller: api.forgetAtMost(),
        input: {
          bitsPerByte: [2, 3],
          drifts: [2],
          probes: { 2: { a: { rows: 1, bits: 1, forgotten: 0.5 } } },
        },
      },
      run: api.dryRunControl,
    }),
  ],
  metaSgd: [
    () => ({
      args: { tasks: [task], weights: weights(), rates: weights(), options: { steps: 1, adapts: always } },
      run: api.metaSgd,
      says: ['adapt'],
    }),
  ],
  copiesOf: [() => ({ args: { weights: weights(), copies: 2 }, run: api.copiesOf })],
  bitsPerByte: [() => ({ args: { nats: 1, bytesPerToken: 1 }, run: api.bitsPerByte })],
  fisherInformation: [
    () => ({ args: { model: model(), sample: batch(), nextKey: () => [1, 2] }, run: api.fisherInformation }),
  ],
  exactFisherInformation: [
    // A pass for every word of the vocabulary.
    () => ({
      args: { model: Gpt.create({ ...sizes, vocabulary: 8 }, { device, seed: 1 }), sample: batch() },
      run: api.exactFisherInformation,
    }),
  ],
  empiricalFisherInformation: [
    () => ({ args: { model: model(), sample: batch() }, run: api.empiricalFisherInformation }),
  ],
  ewc: [() => ({ args: { options: { strength: 1, fisher: 'exact', rows: 3, seed: 1 } }, run: api.ewc })],
  memoryAwareSynapses: [
    () => ({
      args: { options: { strength: 1, decay: 1, fresh: 'measured', rows: 3 } },
      run: api.memoryAwareSynapses,
    }),
  ],
  synapticIntelligence: [
    () => ({ args: { options: { strength: 1, damping: 0.1 } }, run: api.synapticIntelligence }),
  ],
  learningWithoutForgetting: [
    () => ({ args: { options: { strength: 1, temperature: 2 } }, run: api.learningWithoutForgetting }),
  ],
  l2ToPrevious: [() => ({ args: { options: { strength: 1 } }, run: api.l2ToPrevious })],
  l2ToInitial: [() => ({ args: { options: { strength: 1 } }, run: api.l2ToInitial })],
  aGem: [
    () => ({ args: { options: { memory: api.reservoirReplay({ capacity: 2 }), rows: 3 } }, run: api.aGem }),
  ],
  gem: [
    () => ({
      args: { options: { memory: api.reservoirReplay({ capacity: 2 }), rows: 3, margin: 0.5 } },
      run: api.gem,
    }),
  ],
  orthogonalGradientDescent: [
    () => ({
      args: { options: { capacity: 4, rows: 2, fresh: 'plastic' } },
      run: api.orthogonalGradientDescent,
    }),
  ],
  onlineEwc: [
    () => ({ args: { options: { strength: 1, decay: 1, fresh: 'borrowed', seed: 1 } }, run: api.onlineEwc }),
  ],
  bitsPerByteOf: [
    () => ({
      args: { model: model(), text: 'some text', tokenizer: new BytePairTokenizer() },
      run: api.bitsPerByteOf,
      takes: { text: ['array'] },
    }),
  ],
  meanLoss: [() => ({ args: { model: model(), tokens: [1, 2, 3], rows: 2 }, run: api.meanLoss })],
  Reservoir: [
    () => ({ args: { capacity: 2 }, run: (capacity: number) => new api.Reservoir(capacity) }),
    () => ({ args: { draw }, run: (d: () => number) => full().offer(d) }),
    () => ({ args: { count: 2, draw }, run: (n: number, d: () => number) => full().sample(n, d) }),
  ],
  compose: [
    () => ({
      args: {
        options: {
          ...{ rehearsal: api.reservoirReplay({ capacity: 2 }), penalties: [], transforms: [] },
          ...{ lookAhead: api.laMaml({ rate: 1, rateOfRates: 1 }), detector: api.pageHinkley() },
          ...{ growth: api.neverGrow, freezing: api.freezeConverged(), consolidateWhen: api.neverTrigger },
          vocabulary: api.growingVocabulary({ tokens: 300 }),
        },
      },
      run: api.compose,
    }),
  ],
  batchOfTokens: [() => ({ args: { tokens: [1, 2, 3], length: 2, domain: 'a' }, run: api.batchOfTokens })],
  joinBatches: [() => ({ args: { batches: [batch()] }, run: api.joinBatches })],
  batches: [
    () => ({
      args: {
        chunks: [{ domain: 'a', tokens: [1, 2], positionAfter: () => 0 }],
        options: { rows: 1, length: 1 },
      },
      run: api.batches,
    }),
  ],
  afterDrift: [() => ({ args: { patience: 1 }, run: api.afterDrift })],
  anyOf: [() => ({ args: { triggers: api.neverTrigger }, run: api.anyOf })],
  everySteps: [() => ({ args: { n: 1 }, run: api.everySteps })],
  neverTrigger: 'a trigger, called by the learner',
  onDrift: 'a trigger, called by the learner',
  evaluateText: [
    () => ({
      args: {
        model: model(),
        text: 'abc',
        options: {
          ...{ tokenizer: new BytePairTokenizer(), window: 3, stride: 2, rows: 2 },
          onProgress: () => {},
        },
      },
      run: api.evaluateText,
      takes: { text: ['string', 'array'] },
    }),
  ],
  writeOwnText: [
    () => ({
      args: {
        model: model(),
        options: {
          ...{ rows: 2, length: 3, begin: 1, temperature: 0.9, seed: 1 },
          ...{ signal: new AbortController().signal, onProgress: () => {} },
        },
      },
      run: api.writeOwnText,
    }),
  ],
  fixedVocabulary: [() => ({ args: { tokenizer: new BytePairTokenizer() }, run: api.fixedVocabulary })],
  growingVocabulary: [
    () => ({
      args: {
        options: {
          ...{ tokenizer: new BytePairTokenizer(), tokens: 300, tokensAtOnce: 1 },
          ...{ minCount: 1, growWhen: api.neverTrigger, capacity: 9 },
        },
      },
      run: api.growingVocabulary,
    }),
    () => ({
      args: { text: 'a' },
      run: (text: string) => api.growingVocabulary({ tokens: 300 }).observe(text),
    }),
    () => ({
      args: { room: 2 },
      run: (room: number) => api.growingVocabulary({ tokens: 300 }).wanted(room),
    }),
  ],
}
