/** What a learner is made of, and whether it can be. */
import { aGradientTransform, type GradientTransform, type LossScale } from '@burgeon/autograd'
import { Gpt } from '@burgeon/gpt'
import {
  type Check,
  checkArgument,
  checkOptions,
  type ChecksOf,
  checks,
  checkState,
  Device,
  OptionError,
  optional,
  type StateChecks,
} from '@burgeon/tensor'
import { checkStrategy } from './check-strategy.ts'
import { budgetChecks, type GrowthBudget } from './growth/growth-policy.ts'
import { count, none, plainData } from './saved-state.ts'
import type { LearnerEvent } from './step-report.ts'
import type { LearnerState } from './learner-state.ts'
import type { Strategy } from './strategy.ts'
import { aBatch, type Batch } from './stream/batch.ts'

/** What a learner is made of. */
export interface LearnerOptions {
  readonly model: Gpt
  /** Turns gradients into changes of the weights. */
  readonly optimizer: GradientTransform
  /** For a device of mixed precision: keeps small slopes from vanishing. None unless given. */
  readonly lossScale?: LossScale
  /** Computes each block again on the way back instead of keeping what is in it: less memory, more time. False unless given. */
  readonly checkpointBlocks?: boolean
  /** Plain fine-tuning unless given. */
  readonly strategy?: Strategy
  /** No limit unless given. */
  readonly budget?: GrowthBudget
  /** Of the random stream for new weights; 0 unless given. */
  readonly seed?: number
  /** A clock in milliseconds, such as `performance.now`: then the journal says how long each growth took. */
  readonly now?: () => number
}

/** What a learner observes; whether a batch fits the model is looked at when it is learnt. */
export const someData: Check<Batch | string> = checks.either(checks.text, aBatch)

const optionChecks: ChecksOf<LearnerOptions> = {
  model: checks.required(checks.instance('a Gpt', Gpt)),
  optimizer: checks.required(aGradientTransform),
  lossScale: checks.role('a loss scale', 'name', 'scaled', 'unscaled', 'transform'),
  checkpointBlocks: checks.boolean,
  strategy: checks.object('a strategy: an object of parts by role'),
  budget: checks.object('an object with parameters'),
  seed: checks.seed,
  now: checks.callback('a clock in milliseconds'),
}

/** Throws OptionError for options of which no learner can be made, or one with a part that could never do anything. */
export function checkLearnerOptions(options: LearnerOptions): void {
  checkOptions('learner', options, optionChecks)
  const { strategy = {}, budget, lossScale } = options
  checkStrategy('learner', strategy)
  if (budget) checkOptions('learner: budget', budget, budgetChecks)
  if (lossScale && strategy.lookAhead) {
    throw new OptionError(
      `learner: got a loss scale and ${strategy.lookAhead.name}, whose rates know no scale; keep one.`,
    )
  }
}

const stateChecks: StateChecks<LearnerState> = {
  parts: checks.list('names', checks.text),
  model: checks.object('the state of a model'),
  optimizer: checks.anything,
  penalties: checks.array('a state of every penalty'),
  rehearsal: checks.anything,
  detector: checks.anything,
  watches: optional(checks.array('a state of every watch')),
  policy: plainData,
  vocabulary: checks.anything,
  freezing: checks.anything,
  step: count,
  losses: checks.numbers as Check<readonly number[]>,
  lastGrowth: count,
  lastDrift: checks.either(count, none),
  journal: checks.list('events', checks.role<LearnerEvent>('an event', 'kind', 'step')),
}

/** Throws StateError for what is no state of a learner, OptionError for no options to restore it with. */
export function checkRestored(
  state: LearnerState,
  options: Omit<LearnerOptions, 'model'> & { device?: Device },
): void {
  checkState<LearnerState>('Learner.fromState', state, stateChecks)
  checkArgument('Learner.fromState', 'options', options, checks.object('an object with optimizer'))
  const { growth } = options.strategy ?? {}
  // Of another policy the parts tell more.
  if (growth?.stateCheck && state.parts.includes(growth.name)) {
    checkState(`growth policy ${growth.name}`, { state: state.policy }, { state: growth.stateCheck })
  }
  if (options.device === undefined) return
  checkArgument('Learner.fromState', 'device', options.device, checks.instance('a Device', Device))
}
