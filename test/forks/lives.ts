/** Learners of many parts, and texts for each of their steps. */
import { adamw, chain, clipByGlobalNorm, movingAverage, sgd } from '@burgeon/autograd/optim'
import {
  aGem,
  classifier,
  continualBackpropagation,
  cusum,
  darkReplay,
  everySteps,
  freezeConverged,
  growOnSchedule,
  Learner,
  type LearnerOptions,
  learningWithoutForgetting,
  onlineEwc,
  pageHinkley,
  replay,
  reservoirReplay,
  surpriseMemory,
  synapticIntelligence,
  watching,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import type { Device } from '@burgeon/tensor'

export type Parts = Omit<LearnerOptions, 'model'>

/** Step in which growing lives grow. */
export const growsAt = 5

/** Made anew for every learner: a part belongs to one. */
export const lives: Readonly<Record<string, () => Parts>> = {
  plain: () => ({ optimizer: sgd(0.1) }),
  'with momentum and a memory': () => ({
    optimizer: sgd({ learningRate: 0.05, momentum: 0.9 }),
    strategy: { rehearsal: reservoirReplay({ capacity: 6, share: 0.75, seed: 2 }) },
  }),
  'that protects, watches, grows and freezes': () => ({
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: 1e-2 }), movingAverage(0.9)),
    seed: 3,
    strategy: {
      rehearsal: replay({ capacity: { bytes: 150 }, memory: surpriseMemory(), share: 0.5 }),
      penalties: [onlineEwc({ strength: 1, decay: 0.9, seed: 1 }), synapticIntelligence({ strength: 1 })],
      consolidateWhen: everySteps(3),
      detector: pageHinkley({ mode: 'up', delta: 0.1, threshold: 1, minSamples: 3 }),
      detectors: [watching(({ bitsPerByte }) => bitsPerByte, cusum())],
      growth: growOnSchedule([
        { step: growsAt, request: { kind: 'widenMlp', block: 'b0', to: 20 } },
        { step: growsAt + 2, request: { kind: 'addLayer', at: 1 } },
      ]),
      freezing: freezeConverged({ every: 1, patience: 2, tolerance: 0.9, settle: 2, maxShare: 0.5 }),
    },
  }),
  'of dark replay beside ancestors, with units that begin again': () => ({
    optimizer: adamw({ learningRate: 1e-2 }),
    strategy: {
      rehearsal: darkReplay({ capacity: 6 }),
      penalties: [learningWithoutForgetting({ strength: 1 })],
      consolidateWhen: everySteps(2),
      projections: [aGem({ memory: reservoirReplay({ capacity: 5 }) })],
      upkeep: [continualBackpropagation({ replacementRate: 0.2, maturity: 1 })],
      growth: growOnSchedule([{ step: growsAt, request: { kind: 'widenEmbed', to: 12 } }]),
    },
  }),
}

export const newLearner = (make: () => Parts, device?: Device): Learner =>
  new Learner({
    model: Gpt.create(
      { context: 12, embed: 8, heads: 2, layers: 2, mlpHidden: 12 },
      { seed: 5, ...(device && { device }) },
    ),
    ...make(),
  })

export const newClassifier = (): Learner<ReturnType<typeof classifier>> =>
  new Learner({
    model: classifier({ inputs: 3, hidden: [4], classes: 2, seed: 1 }),
    optimizer: adamw({ learningRate: 1e-2 }),
    strategy: {
      rehearsal: reservoirReplay({ capacity: 6 }),
      growth: growOnSchedule([{ step: growsAt, request: { kind: 'widenHidden', layer: 0, to: 7 } }]),
    },
  })

/** The text of a step; after the sixth it is of another kind. */
export const textOf = (step: number): string =>
  step < 6 ? `the quick brown fox ${step * step} jumps` : `${step * 2.5} + ${step}`.padEnd(24, ' = 9;')

export async function live(
  learner: { observe(text: string): Promise<unknown> },
  from: number,
  to: number,
): Promise<void> {
  for (let step = from; step < to; step++) await learner.observe(textOf(step))
}
