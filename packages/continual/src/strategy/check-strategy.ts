/**
 * Looks at a strategy where it comes in: every part plays its role, and none waits for what can never happen.
 */
import { anAssessment } from '../assess/assessment.ts'
import { WeightAverage } from '../averaging/weight-average.ts'
import { aGradientTransform } from '@burgeon/autograd/optim'
import { BytePairTokenizer } from '@burgeon/gpt'
import { checkOptions, type ChecksOf, checks, OptionError } from '@burgeon/tensor'
import { aChoice } from '../choice/choice.ts'
import { ContextLabels } from '../context/context-labels.ts'
import { aController } from '../control/controller.ts'
import { aDriftDetector } from '../drift/drift-detector.ts'
import { aWatching } from '../drift/signals/watching.ts'
import { aStreamWatch } from '../drift/stream-watch.ts'
import { aFreezing } from '../freezing/freezing.ts'
import { aGuard } from '../guard/guard.ts'
import { aGrowthPolicy } from '../growth/growth-policy.ts'
import { aRecall } from '../memory/recall.ts'
import { aLookAhead } from '../meta/look-ahead.ts'
import { aPenalty, type Penalty } from '../penalty/penalty.ts'
import { someProbes } from '../probes/probes.ts'
import type { Projection } from '../projection/projection.ts'
import { aRehearsal } from '../rehearsal/rehearsal.ts'
import { aSleep } from '../sleep/sleep.ts'
import type { Strategy } from './strategy.ts'
import { anUpkeep } from '../upkeep/upkeep.ts'
import { onDrift, waitsForDrift } from '../trigger.ts'
import { GrowingVocabulary } from '../vocabulary/growing-vocabulary.ts'

const roles: ChecksOf<Strategy> = {
  assessment: anAssessment,
  average: checks.instance('what averagedWeights() makes', WeightAverage),
  rehearsal: aRehearsal,
  penalties: checks.list('a list of penalties (objects with name, mirrors, loss, consolidate, …)', aPenalty),
  projections: checks.list('a list of projections (gradient transforms)', aGradientTransform),
  transforms: checks.list('a list of gradient transforms', aGradientTransform),
  lookAhead: aLookAhead,
  detector: aDriftDetector,
  detectors: checks.list('a list of watching(signal, detector)', aWatching),
  watches: checks.list('a list of stream watches (objects with name, update, reset, …)', aStreamWatch),
  growth: aGrowthPolicy,
  freezing: aFreezing,
  vocabulary: checks.instance('a GrowingVocabulary', GrowingVocabulary),
  recall: aRecall,
  guard: aGuard,
  context: checks.instance('what contextLabels() makes', ContextLabels),
  probes: someProbes,
  controller: aController,
  choice: aChoice,
  sleep: aSleep,
  upkeep: checks.list('a list of upkeep parts (objects with name, afterStep, …)', anUpkeep),
  consolidateWhen: checks.callback('a trigger, such as everySteps(500)'),
}

/** Throws OptionError for a role that does not exist, or a part that does not play it. */
export function checkRoles(who: string, strategy: Strategy): void {
  checkOptions(who, strategy, roles)
}

/** Throws OptionError as `checkRoles`, and for a part that could never do anything beside the others. */
export function checkStrategy(who: string, strategy: Strategy): void {
  checkRoles(who, strategy)
  const { penalties = [], projections = [], consolidateWhen = onDrift, growth, vocabulary } = strategy
  const { detector, detectors = [], watches = [], controller, probes } = strategy
  checkBesideLabels(who, strategy)
  if (controller?.needsProbes === true && probes === undefined) {
    throw new OptionError(
      `${who}: got the controller "${controller.name}", which judges by rows that are held back, and no probes; expected some, such as heldBack().`,
    )
  }
  if (growth?.waitsForSaturation === true && controller?.maySaturate !== true) {
    throw new OptionError(
      `${who}: got the growth policy "${growth.name}", which waits for a controller that can do no more, and no such controller; expected one, such as forgetAtMost(0.02).`,
    )
  }
  checkTrials(who, strategy)
  checkSleep(who, strategy)
  if (detector !== undefined || detectors.length > 0 || watches.length > 0) return
  const isIdle = (part: Penalty | Projection): boolean => part.waitsForConsolidation === true
  const penalty = penalties.find(isIdle)
  const idle = penalty ?? projections.find(isIdle)
  if (idle !== undefined && waitsForDrift(consolidateWhen)) {
    throw new OptionError(
      `${who}: got the ${penalty ? 'penalty' : 'projection'} ${idle.name}, which protects nothing before it is consolidated, and nothing that ` +
        'consolidates it; expected consolidateWhen, such as everySteps(500), or a detector that notices drift.',
    )
  }
  if (growth?.waitsForDrift) {
    throw new OptionError(
      `${who}: got the growth policy "${growth.name}", which waits for drift, and no detector; expected one that notices it.`,
    )
  }
  if (strategy.sleep !== undefined && waitsForDrift(strategy.sleep.when)) {
    throw new OptionError(
      `${who}: got a sleep whose when waits for drift, and no detector; expected one, or another trigger.`,
    )
  }
  if (vocabulary !== undefined && waitsForDrift(vocabulary.growWhen)) {
    throw new OptionError(
      `${who}: got a vocabulary whose growWhen waits for drift, and no detector; expected one, or another trigger.`,
    )
  }
}

/** Throws OptionError for trials that nothing could judge, or that could not be taken back. */
function checkTrials(who: string, { choice, growth, probes, vocabulary }: Strategy): void {
  const tried = choice ? `the choice "${choice.name}"` : growth?.trial && `the growth policy "${growth.name}"`
  if (tried === undefined) return
  if (probes === undefined) {
    throw new OptionError(
      `${who}: got ${tried}, which judges by rows that are held back, and no probes; expected some, such as heldBack().`,
    )
  }
  if (vocabulary !== undefined && !vocabulary.isFixed) {
    throw new OptionError(
      `${who}: got ${tried} beside ${vocabulary.name}, whose tokenizer cannot let go of tokens; expected a vocabulary that does not grow.`,
    )
  }
}

/** Throws OptionError for jobs that nothing could judge. */
function checkSleep(who: string, { sleep, probes }: Strategy): void {
  const job = sleep?.jobs.find(({ changesWeights }) => changesWeights)
  if (job === undefined || probes !== undefined) return
  throw new OptionError(
    `${who}: got a sleep with ${job.name}, which is judged by rows that are held back, and no probes; expected some, such as heldBack().`,
  )
}

/** Throws OptionError for a part that labels before rows would disturb. */
function checkBesideLabels(who: string, { context, rehearsal, vocabulary }: Strategy): void {
  if (context === undefined) return
  if (rehearsal?.usesLogits === true) {
    throw new OptionError(
      `${who}: got ${context.name} and ${rehearsal.name}, which keeps outputs, and those of labels are far from all others; expected a rehearsal that keeps rows alone.`,
    )
  }
  if (vocabulary === undefined || vocabulary.isFixed || vocabulary.tokenizer instanceof BytePairTokenizer)
    return
  throw new OptionError(
    `${who}: got ${context.name} and a vocabulary that goes on from a pre-trained tokenizer, whose numbers have no gaps; expected fixedVocabulary, or one that began with bytes.`,
  )
}
