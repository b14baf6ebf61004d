/** The learner of a life: which model, which strategy, which limits. */
import { adamw, chain, clipByGlobalNorm, warmUp } from '@burgeon/autograd/optim'
import {
  afterDrift,
  anyOf,
  averagedWeights,
  type TokenBatch,
  byteShift,
  compose,
  contextLabels,
  type DriftDetector,
  episodicMemory,
  everySteps,
  feedbackMemory,
  fixedVocabulary,
  growingVocabulary,
  type GrowingVocabulary,
  growOnPlateau,
  Learner,
  type LearnerOptions,
  type LearnerState,
  onApproval,
  onlineEwc,
  ownTextReplay,
  pageHinkley,
  type Rehearsal,
  reservoirReplay,
  selfAssessment,
  standardized,
  type Strategy,
} from '@burgeon/continual'
import { Gpt, type GrowingTokenizer, isDecayed } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { budgetUnder, guardUnder } from '../policy/under-policy.ts'
import { checkSettings, type LifeSettings } from './life-settings.ts'
import { sleepingParts } from './life-sleep.ts'

/**
 * A fresh learner. Throws OptionError for a setting that does not exist or is outside its range, and for a
 * life of pre-trained weights, which `continueLearning` begins.
 */
export function buildLearner(settings: LifeSettings): Learner {
  checkSettings('buildLearner', settings)
  checkBorn('buildLearner', settings)
  const model = Gpt.create(settings.model, { seed: settings.seed })
  return new Learner({ model, ...partsOf(settings) })
}

/** What a life of pre-trained weights has that no setting says. */
export interface PretrainedParts {
  readonly tokenizer: GrowingTokenizer
  /** The model's own text, where it has just been written. */
  readonly text?: TokenBatch
}

/**
 * The learner of a checkpoint, whose settings were looked at. Throws OptionError if it was built with other
 * parts.
 *
 * @param more Parts that no setting says; none unless given.
 */
export function rebuildLearner(
  settings: LifeSettings,
  state: LearnerState,
  pretrained?: PretrainedParts,
  more: Strategy = {},
): Learner {
  const parts = partsOf(settings, pretrained)
  return Learner.fromState(state, { ...parts, strategy: { ...parts.strategy, ...more } })
}

/** Parts of the learner of a life, freshly made. */
export function partsOf(
  settings: LifeSettings,
  pretrained?: PretrainedParts,
): Omit<LearnerOptions, 'model'> & { readonly strategy: Strategy } {
  const { seed, learningRate, maxParameters, policy } = settings
  return {
    // An endless stream has no end to anneal towards: a short warm-up, then a constant rate.
    optimizer: chain(
      clipByGlobalNorm(1),
      adamw({ learningRate: warmUp(learningRate, 30), beta2: 0.99, weightDecay: 0.1, decays: isDecayed }),
    ),
    strategy: composed(settings, pretrained),
    budget: budgetUnder(policy?.rules ?? {}, { parameters: maxParameters }),
    seed,
  }
}

/**
 * The strategy of a life; parts whose setting is 0 are left out. Throws OptionError as `buildLearner` does.
 */
export function strategyOf(settings: LifeSettings): Strategy {
  checkSettings('strategyOf', settings)
  checkBorn('strategyOf', settings)
  return composed(settings)
}

function checkBorn(who: string, { pretrained }: LifeSettings): void {
  if (!pretrained) return
  throw new OptionError(
    `${who}: got pretrained true; expected a life that is born here. continueLearning begins the others.`,
  )
}

function composed(settings: LifeSettings, pretrained?: PretrainedParts): Strategy {
  const { seed, protection, plateau, watchesBytes = false, recall, sleepEvery, coverage, average } = settings
  const { labels = false } = settings
  const guard = guardUnder(settings.policy, settings.guard)
  return compose(
    rehearsalOf(settings, pretrained),
    protection > 0 ? { penalties: [onlineEwc({ strength: protection, decay: 0.9, seed })] } : {},
    { detector: lossJump(), watches: watchesBytes ? [byteShift()] : [] },
    plateau > 0
      ? { growth: onApproval(growOnPlateau({ window: plateau, patience: plateau }), { asks: false }) }
      : {},
    vocabularyOf(settings, pretrained),
    recall === undefined ? {} : { recall: episodicMemory({ bytes: recall }) },
    guard === undefined ? {} : { guard },
    coverage === undefined ? {} : { assessment: selfAssessment({ coverage }) },
    labels ? { context: contextLabels() } : {},
    average === undefined ? {} : { average: averagedWeights({ decay: average }) },
    sleepEvery === undefined ? {} : sleepingParts(settings, everySteps(sleepEvery)),
  )
}

/** What is said of answers is learnt beside what is rehearsed. */
function rehearsalOf(settings: LifeSettings, pretrained?: PretrainedParts): Strategy {
  const beside = rehearsedBy(settings, pretrained)
  const { feedback } = settings
  if (feedback === undefined || beside === null) return beside === null ? {} : { rehearsal: beside }
  return { rehearsal: feedbackMemory({ capacity: feedback, beside }) }
}

/** Half of what is rehearsed is the model's own text, where there is some. */
function rehearsedBy(
  { seed, memoryRows, rehearsalShare, ownText = 0 }: LifeSettings,
  pretrained?: PretrainedParts,
): Rehearsal | null {
  if (memoryRows === 0) return null
  const replay = (share: number): Rehearsal => reservoirReplay({ capacity: memoryRows, share, seed })
  if (ownText === 0) return replay(rehearsalShare)
  const [share, beside] = [rehearsalShare / 2, replay(rehearsalShare / 2)]
  const text = pretrained?.text
  return ownTextReplay({ rows: ownText, share, seed, beside, ...(text && { text }) })
}

function vocabularyOf({ vocabulary }: LifeSettings, pretrained?: PretrainedParts): Strategy {
  if (pretrained !== undefined) {
    const { tokenizer } = pretrained
    if (vocabulary === undefined) return { vocabulary: fixedVocabulary(tokenizer) }
    return { vocabulary: words(vocabulary, tokenizer) }
  }
  return (vocabulary ?? 256) > 256 ? { vocabulary: words(vocabulary ?? 256) } : {}
}

/** Words come early and many at a time: what they are worth is the greater the sooner they are there. */
function words(tokens: number, tokenizer?: GrowingTokenizer): GrowingVocabulary {
  return growingVocabulary({
    ...(tokenizer && { tokenizer }),
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
