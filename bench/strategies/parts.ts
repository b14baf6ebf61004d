/** Every part of the library that a strategy can be made of, in a learner that shows what it does. */
import { sgd } from '@burgeon/autograd/optim'
import {
  aGem,
  balancedMemory,
  continualBackpropagation,
  darkReplay,
  type DenseNetwork,
  ewc,
  freezeConverged,
  gem,
  greedyMemory,
  interference,
  l2ToInitial,
  l2ToPrevious,
  laMaml,
  type LayeredModel,
  learningWithoutForgetting,
  lossAwareMemory,
  type Memory,
  memoryAwareSynapses,
  type Model,
  onlineEwc,
  orthogonalGradientDescent,
  ownTextReplay,
  type Penalty,
  type Projection,
  recycleDormant,
  type Rehearsal,
  replay,
  reservoirMemory,
  reservoirReplay,
  type Retrieval,
  ringMemory,
  shrinkAndPerturb,
  surpriseMemory,
  synapticIntelligence,
  type TokenBatch,
  uniform,
  type Upkeep,
  writeOwnText,
} from '@burgeon/continual'
import type { Gpt } from '@burgeon/gpt'
import { tokenTasks } from './token-tasks.ts'
import { type Circumstances, lifeOf, type Parts, steps } from './two-tasks.ts'

/** A part, and the learner that it is shown in. */
export interface ShownIn<M extends Model> {
  readonly make: (how: Circumstances) => Parts<M> | Promise<Parts<M>>
  /** The same learner without it; plain descent unless given. */
  readonly without?: (how: Circumstances) => Parts<M>
  /**
   * What it is for: that the first task is known after the second, or that the second is learnt although most
   * hidden units have died. The first unless given.
   */
  readonly serves?: 'memory' | 'plasticity'
}

/** The part of an export. */
export type StrategyPart =
  | ({ readonly on: 'examples' } & ShownIn<DenseNetwork>)
  | ({ readonly on: 'tokens' } & ShownIn<Gpt>)

const capacity = 60
/** Where the first task ends. */
const consolidateWhen = ({ step }: { readonly step: number }): boolean => step === steps

const rehearsing = (
  make: (seed: number) => Rehearsal,
  without?: (seed: number) => Rehearsal,
): StrategyPart => ({
  on: 'examples',
  make: ({ seed }) => ({ strategy: { rehearsal: make(seed) } }),
  ...(without && { without: ({ seed }) => ({ strategy: { rehearsal: without(seed) } }) }),
})
const plain = (seed: number): Rehearsal => replay({ capacity, seed })
const keeping = (memory: () => Memory): StrategyPart =>
  rehearsing((seed) => replay({ capacity, seed, memory: memory() }), plain)
const choosing = (retrieval: () => Retrieval): StrategyPart =>
  rehearsing((seed) => replay({ capacity, seed, retrieval: retrieval() }), plain)
const penalized = (make: () => Penalty): StrategyPart => ({
  on: 'examples',
  make: () => ({ strategy: { penalties: [make()], consolidateWhen } }),
})
const reviving = (make: (how: Circumstances) => Upkeep<LayeredModel>): StrategyPart => ({
  on: 'examples',
  serves: 'plasticity',
  make: (how) => ({ strategy: { upkeep: [make(how)] } }),
})
const projected = (make: (seed: number) => Projection): StrategyPart => ({
  on: 'examples',
  make: ({ seed }) => ({ strategy: { projections: [make(seed)], consolidateWhen } }),
})

/** Recalls nothing. */
const noRows: Rehearsal = {
  name: 'no rows',
  recall: () => null,
  mark: () => () => {},
  remember: () => {},
  sample: () => null,
  toState: () => null,
  restore: () => {},
}

/** What the learner with nothing writes when it knows the first task. */
async function textOfFirst(how: Circumstances): Promise<TokenBatch> {
  const life = lifeOf(tokenTasks(), { strategy: {} }, how)
  await life.liveTo(steps)
  const text = await writeOwnText(life.model, { rows: 32, seed: how.seed })
  life.dispose()
  return text
}

/** By export. Options were chosen on seeds that are not reported. */
export const strategyParts: Readonly<Record<string, StrategyPart>> = {
  // Rehearsals, and what they are made of; reservoir and uniform are what they are made of by default.
  replay: rehearsing(plain),
  reservoirReplay: rehearsing((seed) => reservoirReplay({ capacity, seed })),
  darkReplay: rehearsing((seed) => darkReplay({ capacity, alpha: 0.1, beta: 1, seed })),
  reservoirMemory: rehearsing((seed) => replay({ capacity, seed, memory: reservoirMemory() })),
  ringMemory: keeping(ringMemory),
  balancedMemory: keeping(balancedMemory),
  lossAwareMemory: keeping(lossAwareMemory),
  surpriseMemory: keeping(surpriseMemory),
  greedyMemory: keeping(greedyMemory),
  uniform: rehearsing((seed) => replay({ capacity, seed, retrieval: uniform() })),
  interference: choosing(() => interference({ candidates: 30 })),
  ownTextReplay: {
    on: 'tokens',
    make: async (how) => {
      const text = await textOfFirst(how)
      return { strategy: { rehearsal: ownTextReplay({ text, rows: 32, seed: how.seed, beside: noRows }) } }
    },
  },
  // Penalties.
  ewc: penalized(() => ewc({ strength: 30, rows: 200 })),
  onlineEwc: penalized(() => onlineEwc({ strength: 30, rows: 200 })),
  synapticIntelligence: penalized(() => synapticIntelligence({ strength: 1, damping: 0.01 })),
  memoryAwareSynapses: penalized(() => memoryAwareSynapses({ strength: 0.05, rows: 200 })),
  learningWithoutForgetting: penalized(() => learningWithoutForgetting({ strength: 0.3 })),
  l2ToPrevious: penalized(() => l2ToPrevious({ strength: 0.1 })),
  l2ToInitial: {
    on: 'examples',
    serves: 'plasticity',
    make: () => ({ strategy: { penalties: [l2ToInitial({ strength: 0.01 })] } }),
  },
  // Projections.
  aGem: projected((seed) => aGem({ memory: reservoirReplay({ capacity, seed }), rows: 32 })),
  gem: projected((seed) => gem({ memory: reservoirReplay({ capacity, seed }), rows: 32 })),
  orthogonalGradientDescent: projected(() => orthogonalGradientDescent({ capacity: 60, rows: 60 })),
  // Look-ahead.
  laMaml: {
    on: 'examples',
    make: ({ seed }) => ({
      strategy: { rehearsal: plain(seed), lookAhead: laMaml({ rate: 0.1, rateOfRates: 0.01 }) },
      optimizer: sgd(1),
    }),
    without: ({ seed }) => ({ strategy: { rehearsal: plain(seed) } }),
  },
  // Upkeep. ReDo and shrink and perturb keep nothing of any size: their options are what a state is held against.
  continualBackpropagation: reviving(({ seed }) =>
    continualBackpropagation({ replacementRate: 0.02, maturity: 10, decay: 0.5, seed }),
  ),
  recycleDormant: reviving(({ seed, isLarger }) => recycleDormant({ every: isLarger ? 6 : 5, seed })),
  shrinkAndPerturb: reviving(({ seed, isLarger }) =>
    shrinkAndPerturb({
      when: ({ step }) => step > steps && step % (steps / 2) === 1,
      shrink: isLarger ? 0.8 : 0.9,
      seed,
    }),
  ),
  freezeConverged: {
    on: 'tokens',
    // What it knows of blocks has no sizes of weights in it; that of a model of other blocks wakes all.
    make: ({ isLarger }) => ({
      strategy: { freezing: freezeConverged({ every: isLarger ? 6 : 5, patience: 4, settle: 10 }) },
    }),
  },
}
