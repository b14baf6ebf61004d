/** Keeps what a sleep goes by in a learner: how much was done awake, and what its jobs keep. */
import { checks, checkState, StateError, type StateChecks } from '@burgeon/tensor'
import { operationsOfStep } from '../journal/operations-of-step.ts'
import type { StepReport } from '../journal/step-report.ts'
import type { Model } from '../model/model.ts'
import type { Part } from '../part.ts'
import { plainData } from '../saved-state.ts'
import type { Sleep } from './sleep.ts'
import type { SleepParts } from './sleep-job.ts'

/** A sleep that lives with a learner. */
export interface SleepRunner extends Part {
  readonly sleep: Sleep
  readonly parts: SleepParts
  /** Operations that the next sleep may take. */
  readonly budget: number
  /** Takes note of a step. */
  noteStep(model: Model, report: StepReport): void
  /** Begins to count anew. */
  wake(): void
}

interface State {
  /** Operations of the steps since the last sleep. */
  readonly awake: number
  /** What each job keeps; null where it keeps nothing. */
  readonly jobs: readonly unknown[]
}

const stateChecks: StateChecks<State> = {
  awake: checks.number({ from: 0 }),
  jobs: checks.list('a state of every job', plainData),
}

/** @throws OptionError for a job that could never do anything beside these parts. */
export function sleepRunner(sleep: Sleep, parts: SleepParts): SleepRunner {
  const { name, jobs, share } = sleep
  for (const job of jobs) job.begin?.(parts)
  let awake = 0
  return {
    name,
    sleep,
    parts,
    get budget() {
      return share * awake
    },
    noteStep(model, report) {
      awake += operationsOfStep(model, report)
    },
    wake() {
      awake = 0
    },
    toState: (): State => ({ awake, jobs: jobs.map((job) => job.toState?.() ?? null) }),
    restore(state) {
      const saved = checkState<State>('sleep', state, stateChecks)
      if (saved.jobs.length !== jobs.length) {
        throw new StateError(
          `sleep: got states of ${saved.jobs.length} jobs; expected one for each of ${jobs.length}.`,
        )
      }
      const before = jobs.map((job) => job.toState?.())
      try {
        jobs.forEach((job, i) => job.restore?.(saved.jobs[i]))
      } catch (error) {
        jobs.forEach((job, i) => job.restore?.(before[i]))
        throw error
      }
      awake = saved.awake
    },
  }
}
