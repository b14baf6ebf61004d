/** Steps on remembered rows alone: what a learner does while nothing new comes. */
import { Gpt } from '@burgeon/gpt'
import { checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'
import type { Journal } from '../journal/journal.ts'
import type { Learnt } from '../journal/learnt.ts'
import type { ProbeLosses } from '../journal/probe-losses.ts'
import type { Batch } from '../stream/batch.ts'
import { learnAlone, type LearningMeans } from './learning-step.ts'

/** How it is rehearsed. */
export interface RehearseOptions {
  /** Rows learnt in each step, ≥ 1, or as many as are remembered where those are fewer. Default 8. */
  readonly rows?: number
  /**
   * By how much rows that are held back may become worse, in bits per byte, ≥ 0, in any domain and all
   * together; what chance explains does not count. Where they become more so, all steps of the call are
   * undone, to the bit. Not of forks. Nothing is judged unless given.
   */
  readonly tolerance?: number
}

/** Report of `learner.rehearse`. Plain data. */
export interface RehearseReport {
  /** Steps made in this call. */
  readonly steps: number
  /** Rows learnt, all steps together. */
  readonly rows: number
  /** Loss of the rows of each step before they were learnt again, in nats per token (or example). */
  readonly losses: readonly number[]
  /** Global norm of the change of the weights in each step. */
  readonly updateNorms: readonly number[]
  /** What rows that are held back say of the steps, where a tolerance was given. */
  readonly judged?: JudgedRehearsal
}

/** Whether steps stand, and why. Plain data. */
export interface JudgedRehearsal {
  readonly kept: boolean
  /** What harm they did; null for none. */
  readonly harm: string | null
  /** What the rows cost before the steps, and after them. */
  readonly before: ProbeLosses
  readonly after: ProbeLosses
}

/** Throws OptionError for another number of steps, or options that are none. */
export function checkRehearse(steps: number, options: RehearseOptions): void {
  checkArgument('Learner: rehearse', 'steps', steps, checks.integer({ from: 1 }))
  checkOptions('Learner: rehearse', options, {
    rows: checks.integer({ from: 1 }),
    tolerance: checks.number({ from: 0 }),
  })
}

/**
 * Takes steps on what the rehearsal samples.
 *
 * @throws OptionError without a rehearsal, or with one that remembers nothing yet; NonFiniteError as a step
 *   on fresh rows. The steps before that stand.
 */
export async function rehearse(
  means: LearningMeans,
  journal: Journal,
  steps: number,
  { rows = 8 }: RehearseOptions,
): Promise<RehearseReport> {
  if (means.strategy?.rehearsal === undefined) {
    throw new OptionError(
      'Learner: rehearse: the strategy has no rehearsal; expected one, such as reservoirReplay({ capacity: 500 }).',
    )
  }
  const [losses, updateNorms]: [number[], number[]] = [[], []]
  let total = 0
  while (losses.length < steps) {
    const learnt = await learnOnce(means, journal, rows)
    if (learnt === null) {
      throw new OptionError(
        `Learner: rehearse: ${means.strategy.rehearsal.name} remembers nothing yet; expected rows to be observed first.`,
      )
    }
    losses.push(learnt.loss)
    updateNorms.push(learnt.updateNorm)
    total += learnt.rowLosses.length
  }
  return { steps, rows: total, losses, updateNorms }
}

/**
 * One step on rows by themselves.
 *
 * @param rows Those that are given, or so many remembered ones.
 * @returns null where none are remembered.
 * @throws NonFiniteError as a step on fresh rows.
 */
export async function learnOnce(
  means: LearningMeans,
  journal: Journal,
  rows: Batch | number,
): Promise<Learnt | null> {
  const done = await learnAlone(means, rows, journal)
  if (done !== null) journal.noteRehearsal(done.learnt)
  if (done !== null && means.model instanceof Gpt) means.strategy?.average?.update(means.model)
  return done && done.learnt
}
