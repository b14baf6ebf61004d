/** The options of a learner, and checks of them. */
import { aGradientTransform, type GradientTransform, type LossScale } from '@burgeon/autograd/optim'
import { Gpt, type GptState, LoraAdapter, type LoraOptions } from '@burgeon/gpt'
import {
  type Check,
  checkArgument,
  checkOptions,
  type ChecksOf,
  checks,
  checkState,
  Device,
  fields,
  OptionError,
  optional,
  type StateChecks,
} from '@burgeon/tensor'
import { aGradientExchange, type GradientExchange } from './exchange/gradient-exchange.ts'
import { checkStrategy } from './strategy/check-strategy.ts'
import { checkAdaptable, checkWithoutAdapter } from './strategy/check-adaptable.ts'
import { checkExchangeable } from './strategy/check-exchangeable.ts'
import { checkModel } from './strategy/check-model.ts'
import { budgetChecks, type GrowthBudget } from './growth/growth-policy.ts'
import { aSavedEvent, type LearnerEvent } from './journal/event.ts'
import {
  type FieldsByRole,
  hasNamesOnly,
  type LearnerState,
  type PartState,
  type TrialState,
} from './learner-state.ts'
import { count, none } from './saved-state.ts'
import { aModel, type BatchOf, type Model } from './model/model.ts'
import type { StrategyOf } from './strategy/strategy.ts'
import { aBatch, type Batch } from './stream/batch.ts'
import type { TrialPlan } from './upkeep/trying.ts'

/** A value that only a learner of a GPT can have. */
type OfGpt<M extends Model, T> = M extends Gpt ? T : undefined

/** Options of a learner. */
export interface LearnerOptions<M extends Model = Gpt> {
  /** A GPT, a `classifier`, or a model of your own. */
  readonly model: M
  /** Turns gradients into changes of the weights. */
  readonly optimizer: GradientTransform
  /** For a device of mixed precision: keeps small gradients from vanishing. None unless given. */
  readonly lossScale?: LossScale
  /**
   * Computes each block again on the way back instead of keeping what is in it: less memory, more time. False
   * unless given.
   */
  readonly checkpointBlocks?: OfGpt<M, boolean>
  /**
   * A low-rank adapter of the model, or how a new one is to be made: it alone learns, and no byte of the
   * model changes. The model itself learns unless given.
   */
  readonly adapter?: OfGpt<M, LoraAdapter | LoraOptions>
  /**
   * Takes the gradients of each step together with those of other machines, or in parts. None unless given.
   */
  readonly exchange?: GradientExchange
  /** Plain fine-tuning unless given. */
  readonly strategy?: StrategyOf<M>
  /** No limit unless given. */
  readonly budget?: GrowthBudget
  /** Seed for new weights, and for what an adapter drops. Default 0. */
  readonly seed?: number
  /** A clock in milliseconds, such as `performance.now`: then the journal says how long each growth took. */
  readonly now?: () => number
}

/** The options of a learner of any model. */
export interface AnyLearnerOptions extends Omit<LearnerOptions, 'model'> {
  readonly model: Model
}

/** Options of a learner that is restored. */
export interface RestoredOptions extends Omit<LearnerOptions, 'model'> {
  /** The default device unless given. */
  readonly device?: Device
}

/** Options of a restored learner of a model other than a GPT. */
export interface RestoredModelOptions<M extends Model> extends Omit<LearnerOptions<M>, 'model'> {
  /** Makes the model from what its `toState` returned. */
  readonly modelFromState: (state: StateOf<M>) => M
}

/** What a learner of a model observes. */
export type Observed<M extends Model> = BatchOf<M> | (M extends Gpt ? string : never)

/** Plain data of a model. */
export type StateOf<M extends Model> = Awaited<ReturnType<M['toState']>>

/**
 * Check of the data that a learner observes; whether a batch fits the model is looked at when it is learnt.
 */
export const someData: Check<Batch | string> = checks.either(checks.text, aBatch)

const optionChecks: ChecksOf<AnyLearnerOptions> = {
  model: checks.required(aModel),
  optimizer: checks.required(aGradientTransform),
  lossScale: checks.role('a loss scale', 'name', 'scaled', 'unscaled', 'transform'),
  checkpointBlocks: checks.boolean,
  adapter: checks.either(
    checks.instance('a LoraAdapter', LoraAdapter),
    checks.role<LoraOptions>('options for a new one', 'rank'),
  ),
  exchange: aGradientExchange,
  strategy: checks.object('a strategy: an object of parts by role'),
  budget: checks.object('an object with parameters'),
  seed: checks.seed,
  now: checks.callback('a clock in milliseconds'),
}

/**
 * Throws OptionError for options of which no learner can be made, or one with a part that could never do
 * anything.
 */
export function checkLearnerOptions(options: AnyLearnerOptions): void {
  checkOptions('learner', options, optionChecks)
  const { model, strategy = {}, budget, lossScale, adapter, checkpointBlocks } = options
  checkStrategy('learner', strategy)
  checkModel('learner', model, strategy, { adapter, checkpointBlocks })
  if (adapter === undefined) checkWithoutAdapter('learner', strategy)
  else checkAdaptable('learner', strategy)
  if (options.exchange) checkExchangeable('learner', strategy)
  if (options.optimizer.needsRows) checkRowsAlone(options.optimizer.name, strategy)
  if (budget) checkOptions('learner: budget', budget, budgetChecks)
  if (lossScale && strategy.lookAhead) {
    throw new OptionError(
      `learner: got a loss scale and ${strategy.lookAhead.name}, whose rates know no scale; keep one.`,
    )
  }
}

/** Throws OptionError for a part whose share of the loss belongs to no row: it would be lost. */
function checkRowsAlone(
  optimizer: string,
  { penalties = [], rehearsal }: NonNullable<AnyLearnerOptions['strategy']>,
): void {
  const [part] = [...penalties, ...(rehearsal?.loss ? [rehearsal] : [])]
  if (part === undefined) return
  throw new OptionError(
    `learner: got ${optimizer} and ${part.name}, which adds to the loss; expected one of them, for what is added is of no single row.`,
  )
}

const aPartState = fields<PartState>('a part { role, name, state }', {
  role: checks.text,
  name: checks.text,
  state: checks.anything,
})

const aPlan = fields<TrialPlan>('arms and steps', {
  arms: checks.list('names', checks.text),
  steps: checks.integer({ from: 1 }),
  isAveraged: checks.boolean,
  measuresProgress: checks.boolean,
})

/** The learner in it, and the sum, are looked at when they are restored. */
const aTrialState = fields<TrialState>('a trial', {
  part: checks.text,
  plan: aPlan,
  beginning: checks.role<LearnerState<unknown>>('a saved learner', 'parts', 'model', 'journal'),
  observed: checks.list('batches or texts', someData),
  operations: checks.number({ from: 0 }),
  sum: checks.anything,
})

const stateChecks: StateChecks<LearnerState> = {
  parts: checks.list('the parts', aPartState),
  model: checks.object('the state of a model'),
  step: count,
  losses: checks.numbers as Check<readonly number[]>,
  lastDrift: checks.either(count, none),
  journal: checks.list('events', aSavedEvent as Check<LearnerEvent>),
  rehearsed: optional(count),
  trial: optional(aTrialState),
}

/** The fields of an earlier version. */
const fieldChecks: StateChecks<FieldsByRole> = {
  ...stateChecks,
  parts: checks.list('names', checks.text),
  optimizer: checks.anything,
  penalties: checks.array('a state of every penalty'),
  rehearsal: checks.anything,
  detector: checks.anything,
  watches: optional(checks.array('a state of every watch')),
  policy: checks.anything,
  vocabulary: checks.anything,
  freezing: checks.anything,
  lastGrowth: count,
}

/** Throws StateError for an invalid state of a learner, OptionError for invalid options. */
function checkRestored(state: LearnerState<unknown> | FieldsByRole, options: RestoredOptions): void {
  const isOld = checks.object('a state').accepts(state) && hasNamesOnly(state)
  checkState<LearnerState<unknown> | FieldsByRole>(
    'Learner.fromState',
    state,
    isOld ? fieldChecks : stateChecks,
  )
  checkArgument('Learner.fromState', 'options', options, checks.object('an object with optimizer'))
  if (options.device === undefined) return
  checkArgument('Learner.fromState', 'device', options.device, checks.instance('a Device', Device))
}

/**
 * The options of a learner that is restored, its model made from its state.
 *
 * @throws As `checkRestored`, and what the model throws.
 */
export function restoredOptions(
  state: LearnerState<unknown> | FieldsByRole,
  options: object,
): AnyLearnerOptions {
  const given = options as RestoredOptions & { readonly modelFromState?: (state: unknown) => Model }
  checkRestored(state, given)
  const { device, modelFromState, ...own } = given
  const model = modelFromState?.(state.model) ?? Gpt.fromState(state.model as GptState, device)
  return { ...own, model }
}
