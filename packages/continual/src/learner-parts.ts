/** The parts of a learner, made of its strategy: who does what in a step, and whose state is kept. */
import { chain, type GradientTransform } from '@burgeon/autograd/optim'
import { Gpt, LoraAdapter, type LoraOptions, type LoraState } from '@burgeon/gpt'
import { keyFromSeed, type Mirror, RandomStream } from '@burgeon/tensor'
import { checkFollows } from './strategy/check-follows.ts'
import type { Watching } from './drift/signals/watching.ts'
import { assessmentRunner } from './upkeep/tokens/assessment-runner.ts'
import { labelRunner } from './upkeep/tokens/label-runner.ts'
import { freshAfterWidening, noticeDrift } from './upkeep/notice-drift.ts'
import { doorOf, type OwnDoor } from './guard/door.ts'
import type { Freezing } from './freezing/freezing.ts'
import { type GrowthMeans, growthRunner } from './upkeep/growth-runner.ts'
import type { AnyLearnerOptions } from './learner-options.ts'
import type { WeightAverage } from './averaging/weight-average.ts'
import { batchIntake, type Intake } from './model/intake.ts'
import { textIntake } from './vocabulary/text-intake.ts'
import type { KeptPart, Part } from './part.ts'
import { consolidatedOf, consolidation, consolidationRows } from './upkeep/consolidation.ts'
import { protectNewWeights } from './upkeep/protect-new-weights.ts'
import { recentRows } from './rehearsal/recent-rows.ts'
import type { Probes } from './probes/probes.ts'
import { type ControlRunner, controlRunner } from './upkeep/control-runner.ts'
import { type ChoiceRunner, choiceRunner } from './upkeep/choice-runner.ts'
import { probing } from './upkeep/probing.ts'
import type { Projection } from './projection/projection.ts'
import type { Rehearsal } from './rehearsal/rehearsal.ts'
import type { StepContext } from './journal/step-context.ts'
import { type RecallRunner, recallRunner } from './memory/recall-runner.ts'
import { type SleepRunner, sleepRunner } from './sleep/sleep-runner.ts'
import { onDrift } from './trigger.ts'
import type { Trying } from './upkeep/trying.ts'
import type { Upkeep } from './upkeep/upkeep.ts'
import { vocabularyRunner } from './upkeep/tokens/vocabulary-runner.ts'

/** Parts of a learner. */
export interface LearnerParts {
  /** Loss scale, projections, transforms, look-ahead and optimizer, in this order. */
  readonly optimizer: GradientTransform
  /** The rehearsal; without one, the latest rows, if there is a penalty that judges by them. */
  readonly memory: Rehearsal | undefined
  readonly freezing: Freezing | undefined
  /** Learns in the place of the model. */
  readonly adapter: LoraAdapter | undefined
  /** Judges texts before anything is made of them. */
  readonly door: OwnDoor
  /** From what is observed to rows of the model. */
  readonly intake: Intake
  /** Whether a part uses the outputs of the model. */
  readonly keepsLogits: boolean
  /** Judges the prediction, before anything else acts after an update. */
  readonly notice: Upkeep
  /** Parts that act after an update, in order. */
  readonly upkeep: readonly Upkeep[]
  /** Holds rows back. */
  readonly probes: Probes | undefined
  /** Remembers texts beside the model. */
  readonly recall: RecallRunner | undefined
  /** Sets the knobs of the next step. */
  readonly control: ControlRunner | undefined
  /** Sets the knobs of the arm that is lived. */
  readonly choice: ChoiceRunner | undefined
  /** Sleeps between steps. */
  readonly sleep: SleepRunner | undefined
  /** Parts that look after what growth has changed. */
  readonly afterGrowth: readonly Upkeep[]
  /** Have ways of going on tried; the first that wants to comes first. */
  readonly trying: readonly Trying[]
  /** State shaped like the parameters, of all parts. */
  readonly mirrors: readonly Mirror[]
  /** In the order in which a state lists them, and in which they are restored. */
  readonly kept: readonly KeptPart[]
}

/** Throws OptionError for a part that keeps something and cannot follow growth. */
export function assemble({
  model,
  adapter: given,
  optimizer: last,
  lossScale,
  strategy = {},
  budget = { parameters: Infinity },
  seed = 0,
  now,
}: AnyLearnerOptions): LearnerParts {
  const { penalties = [], projections = [], transforms = [], watches = [], detectors = [] } = strategy
  const {
    rehearsal,
    lookAhead,
    detector,
    growth,
    freezing,
    vocabulary,
    context,
    probes,
    controller,
    recall,
    assessment,
    average,
  } = strategy
  const { consolidateWhen = onDrift, upkeep: others = [] } = strategy
  const optimizer = chain(
    ...(lossScale ? [lossScale] : []),
    ...projections,
    ...transforms,
    ...(lookAhead ? [lookAhead] : []),
    last,
  )
  const mirrors = [optimizer, ...penalties, ...others, ...(average ? [average] : [])].flatMap(
    (part) => part.mirrors ?? [],
  )
  checkFollows(mirrors, strategy)
  const consolidated = consolidatedOf(penalties, projections)
  const memory =
    rehearsal ?? (consolidated.length > 0 ? recentRows(consolidationRows(consolidated)) : undefined)
  const means: GrowthMeans = { budget, mirrors, key: keyFromSeed(seed), ...(now && { now }) }
  const control = controller && controlRunner(controller)
  const grows = growth && growthRunner(growth, means, vocabulary !== undefined, control)
  const speaks =
    vocabulary &&
    vocabularyRunner(vocabulary, means, [
      ...(memory ? [memory] : []),
      ...projections,
      ...(probes ? [probes] : []),
    ])
  const labelled =
    context && labelRunner(context, means, vocabulary?.isFixed === true ? undefined : vocabulary)
  const gpt = model instanceof Gpt ? model : undefined
  const choice = strategy.choice && choiceRunner(strategy.choice)
  const intake = gpt ? textIntake(gpt, vocabulary, context) : batchIntake(model)
  const door = doorOf(strategy.guard)
  const adapter = gpt && given && adapterOf(gpt, given, seed)
  const sleep =
    strategy.sleep &&
    sleepRunner(strategy.sleep, {
      ...{ model, penalties, projections, mirrors, budget },
      ...(adapter && { adapter }),
      ...(rehearsal && { rehearsal }),
      ...(probes && { probes }),
      ...(assessment && { assessment }),
      ...(recall && { recall }),
      ...(control && { control }),
      ...(now && { now }),
      ...{ hasVocabulary: vocabulary !== undefined, hasLabels: context !== undefined },
      maySaturate: controller?.maySaturate === true,
      key: new RandomStream(keyFromSeed(seed)).named('sleep').toState().key,
    })
  const afterGrowth = [
    ...(memory ? [protectNewWeights(consolidated, memory, intake.within)] : []),
    ...(detectors.length > 0 ? [freshAfterWidening(detectors)] : []),
  ]
  const upkeep: readonly (Upkeep | undefined)[] = [
    // In the tokens that were predicted.
    gpt && assessment && assessmentRunner(assessment, vocabulary?.tokenizer),
    // What is important is judged by what came before this batch.
    memory && consolidation(consolidated, consolidateWhen, memory, intake.within),
    ...[memory, ...projections].map((part) => part && remembering(part)),
    speaks,
    labelled,
    grows,
    ...afterGrowth,
    freezing,
    ...others,
    gpt && average && averaging(average, gpt),
    probes && probing(probes, model, adapter, intake, context),
    // Last of all: it judges by everything that happened.
    control,
  ]
  const kept: readonly (readonly [role: string, part: Part | undefined])[] = [
    // First: the optimizer's state belongs to its numbers.
    ['adapter', gpt && adapter && adapterPart(adapter, gpt)],
    ['optimizer', optimizer],
    ['average', average],
    [rehearsal ? 'rehearsal' : 'memory', memory],
    ...penalties.map((penalty) => ['penalty', penalty] as const),
    ['detector', detector],
    ['guard', strategy.guard && door],
    ['growth', grows],
    ['freezing', freezing],
    ['probes', probes],
    ['controller', control],
    ['choice', choice],
    ['sleep', sleep],
    ['recall', recall],
    ['context', labelled],
    ['assessment', assessment],
    ...watches.map((watch) => ['watch', watch] as const),
    ...others.map((part) => ['upkeep', part] as const),
    ...detectors.map((watching) => ['signal', signalPart(watching)] as const),
    // Last: a tokenizer that has grown cannot take another state than one that goes on from it.
    ['vocabulary', speaks],
  ]
  return {
    optimizer,
    memory,
    freezing,
    adapter,
    door,
    intake,
    keepsLogits:
      assessment !== undefined || [rehearsal, ...penalties].some((part) => part?.usesLogits === true),
    notice: {
      name: 'drift',
      async afterStep(context) {
        const drift = await noticeDrift(strategy, context)
        return [...door.events(context.step), ...drift]
      },
    },
    probes,
    recall: gpt && recall && recallRunner(recall, gpt, vocabulary?.tokenizer),
    control,
    choice,
    sleep,
    afterGrowth,
    trying: [...(growth?.trial && grows ? [grows] : []), ...(choice ? [choice] : [])],
    upkeep: upkeep.filter((part) => part !== undefined),
    mirrors,
    kept: kept.flatMap(([role, part]) => (part === undefined ? [] : [{ role, part }])),
  }
}

/** The adapter that is to learn beside a model: a given one that fits it, or a new one. */
function adapterOf(model: Gpt, given: LoraAdapter | LoraOptions, seed: number): LoraAdapter {
  const adapter = given instanceof LoraAdapter ? given : LoraAdapter.create(model, given, { seed })
  adapter.requireFit(model)
  return adapter
}

/** Keeps an adapter with the learner's state. */
function adapterPart(adapter: LoraAdapter, model: Gpt): Part {
  return {
    name: 'adapter',
    toState: () => adapter.toState(),
    restore: (state) => adapter.restore(state as LoraState, model),
  }
}

/** Keeps a detector under the name of what it watches. */
function signalPart({ name, detector }: Watching): Part {
  return { name, toState: () => detector.toState(), restore: (state) => detector.restore(state) }
}

/** Averages weights when nothing more changes them in a step. */
function averaging(average: WeightAverage, model: Gpt): Upkeep {
  return {
    name: average.name,
    afterStep() {
      average.update(model)
      return []
    },
  }
}

function remembering(part: Rehearsal | Projection): Upkeep {
  return {
    name: part.name,
    afterStep(context: StepContext) {
      part.remember?.(context)
      return []
    },
  }
}
