/** Every part that keeps state, how it gets one, and how its own kind is gone on with. */
import * as optim from '@burgeon/autograd/optim'
import * as continual from '@burgeon/continual'
import * as gpt from '@burgeon/gpt'
import { keyFromSeed, RandomStream, TensorMirror, tensor } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { rowsOf, tinyModel } from '../continual/tiny-learner.ts'
import { OptimizerLife } from '../optimizers/optimizer-life.ts'
import { stepOf } from '../continual/step-of.ts'
import { costOf } from '../continual/cost-of.ts'
import { assessSome } from '../assess/assessed-steps.ts'
import { readSome } from '../recall/read-texts.ts'
import * as ofGpts from './parts-of-gpts.ts'
import { withRows } from './with-rows.ts'

/** One part, some steps into its life. */
export interface Living {
  toState(): unknown
  /** May also make it anew: what matters is that a refused state leaves what there is. */
  restore(state: unknown): void
  /** Some steps more. */
  goOn(): unknown
}

/** A fresh part of that name, after so many steps. */
export type Part = (steps: number) => Living | Promise<Living>

const device = openReference()
const origins = [{ id: 4, source: 'a file', domain: 'text', at: 20, trust: 0.5 }, null]
const weights = Float32Array.of(1, -0.5, 1, 2, 1, 1, 1, 1)
const batch = () => ({ ...rowsOf([1, 2, 3, 4, 5], [3, 4, 5, 6, 7]), origins, weights })
const stage =
  (make: () => optim.GradientTransform, shapes: Readonly<Record<string, readonly number[]>>): Part =>
  (steps) => {
    const life = new OptimizerLife(device, make(), shapes)
    life.steps(0, steps)
    if (steps > 0) {
      const dimensions = shapes.w.map((n, axis) => {
        const source = Array.from({ length: n }, (_, i) => (axis === 0 && i === 0 ? -1 : i))
        return { from: n, source }
      })
      const change = { kind: 'resize', path: 'w', dimensions, fresh: { kind: 'one' } } as const
      life.apply({ summary: '', key: [0, 0], changes: [change] })
      life.step(steps)
    }
    return {
      toState: () => life.optimizer.toState(),
      restore: (state) => life.optimizer.restore(state, life.store),
      goOn: () => life.step(steps + 1),
    }
  }
const shapes = { w: [2, 3], b: [3] }
const matrices = { w: [2, 3] }

/** A part whose state makes it anew. */
function remade<T extends { toState(): unknown }>(
  make: () => T,
  fromState: (state: never) => T,
  live: (part: T) => unknown,
): Part {
  return (steps) => {
    let part = make()
    for (let i = 0; i < steps; i++) live(part)
    return {
      toState: () => part.toState(),
      restore: (state) => (part = fromState(state as never)),
      goOn: () => live(part),
    }
  }
}

/** A part that takes a state in place. */
function own<T extends { toState(): unknown; restore(state: unknown): void }>(
  make: () => T,
  live: (part: T) => unknown,
): Part {
  return async (steps) => {
    const part = make()
    for (let i = 0; i < steps; i++) await live(part)
    return { toState: () => part.toState(), restore: (state) => part.restore(state), goOn: () => live(part) }
  }
}

const detectors = {
  adaptiveWindowing: () => continual.adaptiveWindowing({ clock: 1, gracePeriod: 1, minWindow: 1 }),
  cusum: () => continual.cusum({ threshold: 3, minSamples: 2 }),
  ddm: () => continual.ddm({ minSamples: 2 }),
  eddm: () => continual.eddm({ minSamples: 2 }),
  hddmAverage: () => continual.hddmAverage({ mode: 'both', confidence: 0.1 }),
  hddmWeighted: () => continual.hddmWeighted({ mode: 'both', confidence: 0.1 }),
  kswin: () => continual.kswin({ window: 8, recent: 4 }),
  pageHinkley: () => continual.pageHinkley({ threshold: 3, minSamples: 2 }),
  standardized: () => continual.standardized(continual.pageHinkley(), { warmUp: 2 }),
}
let noise = 0
const signal = (): number => Math.sin(noise++) * 3
const feed = (detector: continual.DriftDetector): unknown => detector.update(signal())
const feedError = (detector: continual.DriftDetector): unknown => detector.update(Number(signal() > 1))
const remember = async (rehearsal: continual.Rehearsal): Promise<void> => {
  rehearsal.remember(stepOf(batch()))
  await rehearsal.recall(stepOf(batch()))
  rehearsal.sample(2)
}
const rememberWithLogits = async (rehearsal: continual.Rehearsal): Promise<void> => {
  const logits = Array.from({ length: 2 * 4 * 3 }, signal)
  rehearsal.remember({ ...stepOf(batch()), logits })
  await rehearsal.recall(stepOf(batch()))
}
const measureHeldBack = async (probes: continual.Probes): Promise<void> => {
  probes.keep(batch(), 1)
  await probes.afterStep(400, async (rows) =>
    rows.domains.map(() => ({ bits: Math.abs(signal()), bytes: 4 })),
  )
}
const memories = {
  balancedMemory: continual.balancedMemory,
  greedyMemory: continual.greedyMemory,
  lossAwareMemory: continual.lossAwareMemory,
  reservoirMemory: continual.reservoirMemory,
  ringMemory: continual.ringMemory,
  surpriseMemory: continual.surpriseMemory,
}
/** A memory, offered rows of two domains. */
const memoryPart = (make: () => continual.Memory): Part =>
  own(make, (memory) => {
    const row = (order: number): continual.RememberedRow => {
      const domain = order % 3 === 0 ? 'b' : 'a'
      return { ...{ domain, label: null, order }, firstLoss: 1, loss: 1, learntAt: order }
    }
    const rows = [row(0), row(1)]
    return memory.offer(row(noise), { rows, isFull: true, step: noise, draw: (max) => noise++ % max })
  })
const sentence = 'the cat sat on the mat with the hat '
const tokenizer = () => new gpt.BytePairTokenizer({ merges: [[116, 104]] })

/** A tokenizer.json in which every byte has a token. */
const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`)
const tokenizerJson = {
  model: {
    type: 'BPE',
    byte_fallback: true,
    vocab: Object.fromEntries([...bytes, 't', 'h', 'th'].map((token, i) => [token, i])),
    merges: ['t h'],
  },
}

const penalty =
  (make: () => continual.Penalty): Part =>
  (steps) => {
    const model = tinyModel(device)
    const part = make()
    const learn = (): void => {
      costOf(part, model)
      const all = model.parameters.tensors()
      part.afterUpdate?.({ step: 1, model, gradients: all, updates: all })
    }
    if (steps > 0) {
      learn()
      part.consolidate(model, batch())
      learn()
    }
    return {
      toState: () => part.toState(),
      restore: (state) => part.restore(state, model.parameters),
      goOn: () => {
        learn()
        part.consolidate(model, batch())
      },
    }
  }

const projection =
  (make: () => continual.Projection): Part =>
  (steps) => {
    const model = tinyModel(device)
    const part = make()
    const learn = (): void => {
      part.remember?.(stepOf(batch()))
      const parameters = model.parameters.tensors()
      part.transform(parameters, { parameters, step: 0, gradientOn: () => parameters })
      part.consolidate?.(model, batch())
    }
    for (let i = 0; i < Math.min(steps, 2); i++) learn()
    return {
      toState: () => part.toState(),
      restore: (state) => part.restore(state, model.parameters),
      goOn: learn,
    }
  }
const memory = () => continual.reservoirReplay({ capacity: 3 })

/** Tensors beside a parameter. */
const beside =
  (make: () => TensorMirror | continual.LearnedRates): Part =>
  (steps) => {
    const { store } = new OptimizerLife(device, optim.sgd(1), shapes)
    const part = make()
    const live = (): void => {
      if (part instanceof TensorMirror) part.set('w', store.get('w').tensor)
      else part.of(store.tensors())
    }
    if (steps > 0) live()
    return { toState: () => part.toState(), restore: (state) => part.restore(state, store), goOn: live }
  }

const upkeep =
  (make: () => continual.Upkeep<gpt.Gpt>): Part =>
  async (steps) => {
    const model = tinyModel(device)
    const part = make()
    let step = 0
    const goOn = () => part.afterStep({ ...stepOf(batch(), model), step: ++step })
    for (let i = 0; i < steps; i++) await goOn()
    return {
      toState: () => part.toState?.(),
      restore: (state) => part.restore?.(state, model.parameters),
      goOn,
    }
  }

const sizes = { context: 4, embed: 4, heads: 2, layers: 1, mlpHidden: 4 }
const learnerParts = (): Omit<continual.LearnerOptions, 'model'> => ({
  optimizer: optim.adamw({ learningRate: 0.01 }),
  strategy: {
    rehearsal: continual.reservoirReplay({ capacity: 4 }),
    penalties: [continual.onlineEwc({ strength: 1 })],
    consolidateWhen: continual.everySteps(2),
    detector: detectors.pageHinkley(),
    watches: [continual.byteShift()],
    freezing: continual.freezeConverged({ every: 1, patience: 2 }),
    vocabulary: continual.growingVocabulary({ tokens: 300 }),
  },
})

const learner: Part = async (steps) => {
  let part = new continual.Learner({ model: gpt.Gpt.create(sizes, { device }), ...learnerParts() })
  const text = continual.batchOfTokens([...new TextEncoder().encode(sentence)].slice(0, 9), 4, 'text')
  const goOn = () => part.observe(text)
  for (let i = 0; i < steps; i++) await goOn()
  return {
    toState: () => part.toState(),
    restore: (state) => (part = continual.Learner.fromState(state as never, { ...learnerParts(), device })),
    goOn,
  }
}

const tuning: Part = async (steps) => {
  const options = () => ({
    adapter: { rank: 1, dropout: 0.1 },
    optimizer: optim.adamw({ learningRate: 0.01 }),
    strategy: { rehearsal: continual.reservoirReplay({ capacity: 4 }) },
  })
  let part: continual.Learner = continual.fineTune(gpt.Gpt.create(sizes, { device }), options())
  const goOn = () => part.observe(batch())
  for (let i = 0; i < steps; i++) await goOn()
  return {
    toState: () => part.toState(),
    restore: (state) => (part = continual.Learner.fromState(state as never, { ...options(), device })),
    goOn,
  }
}

/** By the name under which the part is exported. */
export const parts: Readonly<Record<string, Part>> = {
  RandomStream: remade(
    () => new RandomStream(keyFromSeed(1)),
    RandomStream.fromState,
    (random) => random.below(7),
  ),
  TensorMirror: beside(() => new TensorMirror('mirror', 'value')),
  accumulate: stage(() => optim.accumulate(3, optim.adamw({ learningRate: 0.1 })), shapes),
  adafactor: stage(() => optim.adafactor({ warmUp: 2 }), shapes),
  adamw: stage(() => optim.adamw({ learningRate: 0.1 }), shapes),
  byPath: stage(
    () =>
      optim.byPath((path) => (path === 'w' ? 'matrix' : 'rest'), {
        matrix: optim.muon({ learningRate: 0.1 }),
        rest: optim.lion({ learningRate: 0.1 }),
      }),
    shapes,
  ),
  chain: stage(
    () =>
      optim.chain(
        optim.dynamicLossScale(),
        optim.accumulate(2, optim.sgd(0.1, { momentum: 0.5, warmUp: 3 })),
        optim.adamw({ learningRate: 0.1 }),
      ),
    shapes,
  ),
  dynamicLossScale: stage(() => optim.dynamicLossScale({ growAfter: 2 }), shapes),
  lion: stage(() => optim.lion({ learningRate: 0.1, warmUp: 4 }), shapes),
  movingAverage: stage(() => optim.movingAverage(0.9), shapes),
  muon: stage(() => optim.muon({ learningRate: 0.1 }), matrices),
  privately: stage(() => withRows(optim.privately({ clip: 1, noise: 1, seed: 1 })), shapes),
  sgd: stage(() => optim.sgd(0.1, { momentum: 0.5 }), shapes),
  // gpt
  BytePairTokenizer: remade(
    tokenizer,
    (state) => new gpt.BytePairTokenizer(state),
    (part) => part.encode(sentence),
  ),
  Gpt: (steps) => {
    let part = gpt.Gpt.create(sizes, { device, seed: steps })
    return {
      toState: () => part.toState(),
      restore: (state) => (part = gpt.Gpt.fromState(state as never, device)),
      goOn: () => part.forward(tensor([[1, 2]], { dtype: 'i32', device })),
    }
  },
  LoraAdapter: (steps) => {
    const model = gpt.Gpt.create(sizes, { device })
    const part = gpt.LoraAdapter.create(model, { rank: 2, targets: ['qkv', 'down'] }, { seed: steps })
    return {
      toState: () => part.toState(),
      restore: (state) => part.restore(state as never, model),
      goOn: () => model.forward(tensor([[1, 2]], { dtype: 'i32', device }), undefined, { adapters: part }),
    }
  },
  MergeLearner: remade(
    () => new gpt.MergeLearner(),
    (state) => new gpt.MergeLearner({}, state),
    (part) => part.observe(sentence),
  ),
  PretrainedTokenizer: remade(
    () => new gpt.PretrainedTokenizer(tokenizerJson),
    gpt.PretrainedTokenizer.fromState,
    (part) => part.encode(sentence),
  ),
  // continual
  kswin: own(detectors.kswin, feed),
  kernelTwoSample: own(
    () => continual.kernelTwoSample({ recent: 5, past: 5, clock: 1, permutations: 50 }),
    (detector) => detector.update([signal(), signal()]),
  ),
  hddmWeighted: own(detectors.hddmWeighted, feedError),
  hddmAverage: own(detectors.hddmAverage, feedError),
  eddm: own(detectors.eddm, feedError),
  ddm: own(detectors.ddm, feedError),
  cusum: own(detectors.cusum, feed),
  adaptiveWindowing: own(detectors.adaptiveWindowing, feed),
  ContinualEvaluation: remade(
    () => new continual.ContinualEvaluation(),
    continual.ContinualEvaluation.fromState,
    (evaluation) => {
      const values = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, Math.abs(signal())]))
      evaluation.record((evaluation.toState().lastStep ?? 0) + 1, 'abc'[noise % 3], values)
      return evaluation.toState()
    },
  ),
  DomainMatrix: remade(
    () => new continual.DomainMatrix(['first']),
    continual.DomainMatrix.fromState,
    (matrix) => {
      const name = `domain ${noise++}`
      matrix.addDomain(name)
      matrix.record(name, 'first', 1)
      matrix.record(name, name, 2)
      return matrix.toState()
    },
  ),
  fineTune: tuning,
  growingVocabulary: own(
    () => continual.growingVocabulary({ tokens: 300, minCount: 1, tokenizer: tokenizer() }),
    (vocabulary) => {
      vocabulary.observe(sentence)
      return vocabulary.wanted()
    },
  ),
  fixedVocabulary: own(
    () => continual.fixedVocabulary(tokenizer()),
    (vocabulary) => {
      vocabulary.observe(sentence)
      return vocabulary.wanted()
    },
  ),
  LearnedRates: beside(() => new continual.LearnedRates({ initial: 0.1 })),
  Learner: learner,
  pageHinkley: own(detectors.pageHinkley, feed),
  Prequential: remade(
    () => new continual.Prequential(),
    continual.Prequential.fromState,
    (prequential) => prequential.record(Math.abs(signal()), 2, 'text'),
  ),
  Reservoir: remade(
    () => new continual.Reservoir(3),
    continual.Reservoir.fromState,
    (reservoir) => reservoir.offer((max) => noise++ % max),
  ),
  standardized: own(detectors.standardized, feed),
  byteShift: own(
    () => continual.byteShift({ recent: 4, past: 8, warmUp: 1 }),
    (watch) => watch.update(Uint8Array.of(1, noise++ % 256, 3)),
  ),
  continualBackpropagation: upkeep(() =>
    continual.continualBackpropagation({ replacementRate: 0.1, maturity: 1 }),
  ),
  recycleDormant: upkeep(() => continual.recycleDormant({ every: 1 })),
  shrinkAndPerturb: upkeep(() => continual.shrinkAndPerturb({ when: continual.everySteps(1) })),
  freezeConverged: ofGpts.freezing,
  laMaml: stage(() => continual.laMaml({ rate: 0.1, rateOfRates: 0.1 }), shapes),
  ewc: penalty(() => continual.ewc({ strength: 1, fisher: 'empirical' })),
  l2ToInitial: penalty(() => continual.l2ToInitial({ strength: 1 })),
  l2ToPrevious: penalty(() => continual.l2ToPrevious({ strength: 1 })),
  learningWithoutForgetting: penalty(() => continual.learningWithoutForgetting({ strength: 1 })),
  memoryAwareSynapses: penalty(() => continual.memoryAwareSynapses({ strength: 1 })),
  orthogonalTo: (steps) => {
    const model = gpt.Gpt.create(sizes, { device })
    const adapterOf = (seed: number) => gpt.LoraAdapter.create(model, { rank: 2, targets: ['qkv'] }, { seed })
    const [part, adapter] = [continual.orthogonalTo([adapterOf(steps)]), adapterOf(9)]
    return {
      toState: () => part.toState(),
      restore: (state) => part.restore(state, adapter.parameters),
      goOn: () => part.loss(adapter.weights, continual.passOf(model, batch(), model.parameters.tensors())),
    }
  },
  onlineEwc: penalty(() => continual.onlineEwc({ strength: 1 })),
  synapticIntelligence: penalty(() => continual.synapticIntelligence({ strength: 1 })),
  aGem: projection(() => continual.aGem({ memory: memory(), rows: 2 })),
  gem: projection(() => continual.gem({ memory: memory(), rows: 2 })),
  orthogonalGradientDescent: projection(() => continual.orthogonalGradientDescent({ capacity: 3, rows: 2 })),
  ownTextReplay: own(
    () =>
      continual.ownTextReplay({
        text: batch(),
        rows: 2,
        share: 0.6,
        beside: continual.reservoirReplay({ capacity: 3 }),
      }),
    remember,
  ),
  episodicMemory: own(() => continual.episodicMemory({ bytes: 2 ** 18 }), readSome),
  contextLabels: ofGpts.labels,
  feedbackMemory: ofGpts.told,
  ...{ growthJob: ofGpts.growthAsleep, healthJob: ofGpts.healthAsleep, repairJob: ofGpts.repairAsleep },
  averagedWeights: ofGpts.averages,
  selfAssessment: own(() => continual.selfAssessment(), assessSome),
  heldBack: own(() => continual.heldBack({ capacity: 3, every: 1 }), measureHeldBack),
  darkReplay: own(() => continual.darkReplay({ capacity: 3, share: 0.7 }), rememberWithLogits),
  ...Object.fromEntries(Object.entries(memories).map(([name, make]) => [name, memoryPart(make)])),
  replay: own(
    () =>
      continual.replay({
        ...{ capacity: { bytes: 20 }, share: 0.7 },
        memory: continual.lossAwareMemory({ halfLife: 5 }),
      }),
    remember,
  ),
  reservoirReplay: own(() => continual.reservoirReplay({ capacity: 3, share: 0.7 }), remember),
}
