/** A strategy: which parts a learner is made of. A plain object. */
import type { GradientTransform } from '@burgeon/autograd/optim'
import type { Gpt } from '@burgeon/gpt'
import type { Assessment } from '../assess/assessment.ts'
import type { WeightAverage } from '../averaging/weight-average.ts'
import type { Choice } from '../choice/choice.ts'
import type { ContextLabels } from '../context/context-labels.ts'
import type { Controller } from '../control/controller.ts'
import type { DriftDetector } from '../drift/drift-detector.ts'
import type { Watching } from '../drift/signals/watching.ts'
import type { StreamWatch } from '../drift/stream-watch.ts'
import type { Freezing } from '../freezing/freezing.ts'
import type { Guard } from '../guard/guard.ts'
import type { GrowthPolicy } from '../growth/growth-policy.ts'
import type { Recall } from '../memory/recall.ts'
import type { LookAhead } from '../meta/look-ahead.ts'
import type { DenseNetwork } from '../model/dense-network.ts'
import type { DenseSizes } from '../model/dense-sizes.ts'
import type { Model } from '../model/model.ts'
import type { Penalty } from '../penalty/penalty.ts'
import type { Probes } from '../probes/probes.ts'
import type { Projection } from '../projection/projection.ts'
import type { Rehearsal } from '../rehearsal/rehearsal.ts'
import type { Sleep } from '../sleep/sleep.ts'
import type { Trigger } from '../trigger.ts'
import type { Upkeep } from '../upkeep/upkeep.ts'
import type { GrowingVocabulary } from '../vocabulary/growing-vocabulary.ts'

/** The parts of a learner of any model, by role. All are optional. */
export interface ModelStrategy {
  /** Mixes old rows into every batch. */
  readonly rehearsal?: Rehearsal
  /** Added to the loss. */
  readonly penalties?: readonly Penalty[]
  /** Take out of the gradients what would undo earlier learning, in order, before the transforms. */
  readonly projections?: readonly Projection[]
  /** Applied to the gradients before the optimizer, in order. */
  readonly transforms?: readonly GradientTransform[]
  /** Takes the gradients after the fresh rows have been learnt in inner steps; just before the optimizer. */
  readonly lookAhead?: LookAhead
  /** Watches the prequential loss, in bits per byte, one number per batch. */
  readonly detector?: DriftDetector
  /** Watch any signals of a step, several at once: `watching(signal, detector)`. */
  readonly detectors?: readonly Watching[]
  /** Holds some of the rows back, to measure by them what is known and what is forgotten. */
  readonly probes?: Probes
  /** Sets how much is rehearsed, protected and changed, from step to step. */
  readonly controller?: Controller
  /** Tries several ways to learn now and then, and goes on in one of them. */
  readonly choice?: Choice
  /** Works for itself between two steps now and then, and keeps of that what does no harm. */
  readonly sleep?: Sleep
  /** What else is done after an update, in order and last of all: idle units may begin again, for example. */
  readonly upkeep?: readonly Upkeep[]
  /**
   * When penalties and projections take the present weights as the ones to protect; on drift unless given.
   */
  readonly consolidateWhen?: Trigger
}

/** The parts of a learner of a GPT, by role: also those that need tokens, blocks or their growth. */
export interface Strategy extends ModelStrategy {
  /** Watch the bytes of the stream, beside the loss. */
  readonly watches?: readonly StreamWatch[]
  readonly growth?: GrowthPolicy
  /** Spares layers that have converged; every layer learns in every step without it. */
  readonly freezing?: Freezing
  /** Gives what is frequent in the stream a token of its own; every token is a byte without it. */
  readonly vocabulary?: GrowingVocabulary
  /** Remembers texts beside the weights, and has a say in predictions; the model learns as without it. */
  readonly recall?: Recall
  /** Labels before rows, by which the model tells apart what it reads. */
  readonly context?: ContextLabels
  /** Judges texts before anything keeps them, and how far they are trusted; `guards(…)` joins several. */
  readonly guard?: Guard
  /** Keeps account of predictions: how far they can be relied on, and where the model is weak. */
  readonly assessment?: Assessment
  /** Averages the weights over steps; what answers is the average. */
  readonly average?: WeightAverage
}

/** The parts of a learner of a dense network, by role. */
export interface NetworkStrategy extends ModelStrategy, Without<(typeof gptRoles)[number]> {
  /** Asks for wider hidden layers. */
  readonly growth?: GrowthPolicy<unknown, DenseSizes>
}

/** Roles that only a GPT has a use for. */
export const gptRoles = [
  'watches',
  'freezing',
  'vocabulary',
  'recall',
  'context',
  'guard',
  'assessment',
  'average',
] as const

type Without<Role extends string> = { readonly [R in Role]?: never }

/** The strategies that a learner of a model can follow. */
export type StrategyOf<M extends Model> = M extends Gpt
  ? Strategy
  : M extends DenseNetwork
    ? NetworkStrategy
    : ModelStrategy & Without<(typeof gptRoles)[number] | 'growth'>
