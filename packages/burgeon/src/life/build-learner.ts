/** The learner of a life: which model, which strategy, which limits. */
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd'
import {
  afterDrift,
  anyOf,
  byteShift,
  compose,
  everySteps,
  GrowingVocabulary,
  growOnPlateau,
  Learner,
  type LearnerOptions,
  type LearnerState,
  onlineEwc,
  PageHinkley,
  reservoirReplay,
  StandardisedDetector,
  type Strategy,
} from '@burgeon/continual'
import { Gpt, type GptSizes, isDecayed } from '@burgeon/gpt'

/** What a life is made with. Plain data: it is kept in the checkpoint, so that a resumed life is built the same way. */
export interface LifeSettings {
  readonly model: GptSizes
  readonly seed: number
  /** Rows of a batch, each of `model.context` predictions. */
  readonly rows: number
  readonly learningRate: number
  /** Rows kept for rehearsal; 0 rehearses nothing. */
  readonly memoryRows: number
  /** Old rows learnt per new row. */
  readonly rehearsalShare: number
  /** EWC's λ; 0 protects nothing by it. */
  readonly protection: number
  /** Steps over which a plateau is looked for; 0 never grows. */
  readonly plateau: number
  /** Most learnt numbers the model may have. */
  readonly maxParameters: number
  /** Most tokens the vocabulary may come to; the 256 bytes alone unless given. */
  readonly vocabulary?: number
  /** Whether a change of the bytes is noticed beside one of the loss. False in a life of an earlier version. */
  readonly watchesBytes?: boolean
}

/** A fresh learner. */
export function buildLearner(settings: LifeSettings): Learner {
  const model = Gpt.create(settings.model, { seed: settings.seed })
  return new Learner({ model, ...parts(settings) })
}

/** The learner of a checkpoint. Throws OptionError if it was built with other parts. */
export function rebuildLearner(settings: LifeSettings, state: LearnerState): Learner {
  return Learner.fromState(state, parts(settings))
}

function parts(settings: LifeSettings): Omit<LearnerOptions, 'model'> {
  const { seed, learningRate, maxParameters } = settings
  return {
    // An endless stream has no end to anneal towards: a short warm-up, then a constant rate.
    optimizer: chain(
      clipByGlobalNorm(1),
      adamw({ learningRate: warmUp(learningRate, 30), beta2: 0.99, weightDecay: 0.1, decays: isDecayed }),
    ),
    strategy: strategyOf(settings),
    budget: { parameters: maxParameters },
    seed,
  }
}

/** The strategy of a life; parts whose setting is 0 are left out. */
export function strategyOf(settings: LifeSettings): Strategy {
  const { seed, memoryRows, rehearsalShare, protection, plateau } = settings
  const { vocabulary = 256, watchesBytes = false } = settings
  return compose(
    memoryRows > 0
      ? { rehearsal: reservoirReplay({ capacity: memoryRows, share: rehearsalShare, seed }) }
      : {},
    protection > 0 ? { penalties: [onlineEwc({ strength: protection, decay: 0.9, seed })] } : {},
    { detector: lossJump(), watches: watchesBytes ? [byteShift()] : [] },
    plateau > 0 ? { growth: growOnPlateau({ window: plateau, patience: plateau }) } : {},
    vocabulary > 256 ? { vocabulary: words(vocabulary) } : {},
  )
}

/** Words come early and many at a time: what they are worth is the greater the sooner they are there. */
function words(tokens: number): GrowingVocabulary {
  return new GrowingVocabulary({
    tokens,
    tokensAtOnce: 64,
    growWhen: anyOf(everySteps(100), afterDrift(20)),
  })
}

/**
 * Page–Hinkley on the loss in standard deviations from its running mean. Text is never quite stationary, so a rise
 * counts only beyond one deviation, and an alarm takes fourteen of them in all.
 */
function lossJump(): StandardisedDetector {
  return new StandardisedDetector(new PageHinkley({ mode: 'up', delta: 1, threshold: 14 }), { decay: 0.99 })
}
