/** Fork: a learner that goes on from a moment beside itself, and is kept or dropped. */
import { checkArgument, checks, OptionError } from '@burgeon/tensor'
import { type Knobs, knobsOf } from '../control/knobs.ts'
import type { StepReport } from '../journal/step-report.ts'
import { type Observed, someData } from '../learner-options.ts'
import { checkRehearse, type RehearseOptions, type RehearseReport } from '../learning/rehearse.ts'
import type { Loop } from '../learning/loop.ts'
import type { Model } from '../model/model.ts'
import type { ProbeLosses } from '../journal/probe-losses.ts'
import type { Branches } from './branches.ts'

/**
 * A learner that is tried out. Several of one moment may be open at once; each sees its own steps alone. A
 * fork has no forks.
 */
export interface Fork<M extends Model> {
  /** As `learner.observe`, in this fork alone. */
  observe(data: Observed<M>): Promise<StepReport>
  /** As `learner.rehearse`, in this fork alone. */
  rehearse(steps?: number, options?: Omit<RehearseOptions, 'tolerance'>): Promise<RehearseReport>
  /**
   * Calls a function with the model as it is in this fork, and awaits it. It must neither
   * change the model nor wait for the learner or a fork of it.
   */
  measure<T>(measured: (model: M) => T | Promise<T>): Promise<T>
  /** As `learner.measureProbes`, in this fork. */
  measureProbes(): Promise<ProbeLosses>
  /**
   * Makes the learner what this fork has become; other open forks come to their end. The learner goes on
   * without knobs; what was being tried beside it (`chooseAmong`) ends without a decision.
   *
   * @throws OptionError if this fork has come to its end.
   */
  keep(): Promise<void>
  /** Ends this fork: the learner is to the bit as if it had never been. Does nothing at a second call. */
  drop(): Promise<void>
}

/**
 * A fork of the present moment.
 *
 * @param kept Called once the learner is what the fork has become.
 * @throws OptionError for knobs that are none, or a learner that cannot have one.
 */
export function forkOf<M extends Model>(
  branches: Branches,
  loop: Loop,
  given: Partial<Knobs>,
  kept: () => void,
): Fork<M> {
  const knobs = knobsOf('Learner: fork', given)
  const branch = branches.open()
  return {
    async observe(data) {
      checkArgument('Fork: observe', 'data', data, someData)
      const { door, intake } = loop.parts
      return branches.actIn(branch, () => loop.step(door.rowsOf(data, intake), knobs))
    },
    async rehearse(steps = 1, options = {}) {
      checkForkRehearse(steps, options)
      return branches.actIn(branch, () => loop.rehearse(steps, options, knobs))
    },
    async measure(measured) {
      checkArgument('Fork: measure', 'measured', measured, checks.callback('a function of the model'))
      return branches.actIn(branch, async () => measured(loop.model as M))
    },
    measureProbes: () => branches.actIn(branch, () => loop.measureProbes()),
    keep: () => branches.keep(branch, kept),
    drop: () => branches.drop(branch),
  }
}

/** Throws OptionError as `checkRehearse`, and for a tolerance: a fork is dropped by whoever opened it. */
function checkForkRehearse(steps: number, options: RehearseOptions): void {
  checkRehearse(steps, options)
  if (options.tolerance === undefined) return
  throw new OptionError(
    `Fork: rehearse: got tolerance ${options.tolerance}; expected none: measureProbes says what became worse, and drop undoes it.`,
  )
}
