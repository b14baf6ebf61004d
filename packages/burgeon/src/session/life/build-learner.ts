/** The learner of a life: which model, which strategy, which limits. */
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import {
  afterDrift,
  anyOf,
  byteShift,
  compose,
  type DriftDetector,
  everySteps,
  growingVocabulary,
  type GrowingVocabulary,
  growOnPlateau,
  Learner,
  type LearnerOptions,
  type LearnerState,
  onlineEwc,
  pageHinkley,
  reservoirReplay,
  standardized,
  type Strategy,
} from '@burgeon/continual'
import { Gpt, isDecayed } from '@burgeon/gpt'
import { checkSettings, type LifeSettings } from './life-settings.ts'

/** A fresh learner. Throws OptionError for a setting that does not exist or is outside its range. */
export function buildLearner(settings: LifeSettings): Learner {
  checkSettings('buildLearner', settings)
  const model = Gpt.create(settings.model, { seed: settings.seed })
  return new Learner({ model, ...parts(settings) })
}

/**
 * The learner of a checkpoint, whose settings were looked at. Throws OptionError if it was built with other
 * parts.
 */
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
    strategy: composed(settings),
    budget: { parameters: maxParameters },
    seed,
  }
}

/**
 * The strategy of a life; parts whose setting is 0 are left out. Throws OptionError as `buildLearner` does.
 */
export function strategyOf(settings: LifeSettings): Strategy {
  checkSettings('strategyOf', settings)
  return composed(settings)
}

function composed(settings: LifeSettings): Strategy {
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
  return growingVocabulary({
    tokens,
    tokensAtOnce: 64,
    growWhen: anyOf(everySteps(100), afterDrift(20)),
  })
}

/**
 * Page–Hinkley on the loss in standard deviations from its running mean. Text is never quite stationary, so a
 * rise counts only beyond one deviation, and an alarm takes fourteen of them in all.
 */
function lossJump(): DriftDetector {
  return standardized(pageHinkley({ mode: 'up', delta: 1, threshold: 14 }), { decay: 0.99 })
}
