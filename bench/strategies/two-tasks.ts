/** Two tasks, of which the second spoils the first, and a learner on its way through both. */
import { type GradientTransform, sgd } from '@burgeon/autograd/optim'
import {
  type BatchOf,
  Learner,
  type LearnerState,
  type Model,
  type ModelStrategy,
  type StrategyOf,
} from '@burgeon/continual'
import type { Mirror } from '@burgeon/tensor'

export type Task = 'first' | 'second'

/** Parts of a learner, made for it alone. */
export interface Parts<M extends Model> {
  readonly strategy: StrategyOf<M>
  /** Plain descent at the rate of the tasks unless given. */
  readonly optimizer?: GradientTransform
}

/** What tells a life from others with the same parts. */
export interface Circumstances {
  readonly seed: number
  /** Whether the hidden layer becomes wider in the middle of the second task, and once more: its units split. */
  readonly grows?: boolean
  /** Whether most hidden units die before the second task, and once more after growing: nothing goes in or out. */
  readonly unitsDie?: boolean
  /** Whether all sizes are others. */
  readonly isLarger?: boolean
}

/** Tasks of one kind, and the models that learn them. */
export interface Tasks<M extends Model> {
  readonly rate: number
  born(how: Circumstances): M
  fromState(state: LearnerState<unknown>, parts: Required<Parts<M>>): Learner<M>
  /** Rows of a step; negative steps are of no life. */
  batchAt(task: Task, step: number, how: Circumstances): BatchOf<M>
  /** Mean loss on rows of a task that no step has. */
  lossOf(model: M, task: Task, how: Circumstances): Promise<number>
  /** Makes the hidden layer wider, and all mirrors with it. */
  widen(model: M, mirrors: readonly Mirror[], how: 'fresh' | 'split', key: number): Promise<void>
  /** Sets all weights from and to hidden units to 0, but those of a few; where units can die. */
  killUnits?(model: M): void
}

/** Steps of each task. */
export const steps = 150
/** Steps after which a layer becomes wider, if it does. */
const widenings = { fresh: 1.2 * steps, split: 1.5 * steps } as const

/** A learner that lives through both tasks. */
export interface Life<M extends Model> {
  readonly model: M
  /** Learns until so many steps have been made. */
  liveTo(step: number): Promise<void>
  lossOf(task: Task): Promise<number>
  /** All weights, one after the other. */
  weights(): Float32Array
  toState(): Promise<LearnerState<unknown>>
  dispose(): void
}

/** A life from its beginning, or from what `toState` returned. */
export function lifeOf<M extends Model>(
  tasks: Tasks<M>,
  { strategy, optimizer = sgd(tasks.rate) }: Parts<M>,
  how: Circumstances,
  state?: LearnerState<unknown>,
): Life<M> {
  const parts = { strategy, optimizer }
  const learner = state ? tasks.fromState(state, parts) : new Learner<M>({ model: tasks.born(how), ...parts })
  const { model } = learner
  const mirrors = mirrorsOf(parts)
  return {
    model,
    async liveTo(step) {
      for (let at = learner.step; at < step; at = learner.step) {
        for (const kind of ['fresh', 'split'] as const) {
          if (how.grows && at === widenings[kind]) await tasks.widen(model, mirrors, kind, at)
        }
        // What has come by growing would do instead of the dead.
        const isDeadly = at === steps || (how.grows && at === widenings.split)
        if (how.unitsDie && isDeadly) tasks.killUnits?.(model)
        await learner.observe(tasks.batchAt(at < steps ? 'first' : 'second', at, how))
      }
    },
    lossOf: (task) => tasks.lossOf(model, task, how),
    weights: () => Float32Array.from([...model.parameters].flatMap(({ tensor }) => [...tensor.readSync()])),
    toState: () => learner.toState(),
    dispose() {
      learner.dispose()
      model.parameters.dispose()
    },
  }
}

interface KeepingParts {
  readonly strategy: ModelStrategy
  readonly optimizer: GradientTransform
}

/** What of a learner follows growth. */
function mirrorsOf({ strategy, optimizer }: KeepingParts): Mirror[] {
  const { penalties = [], projections = [], upkeep = [], lookAhead } = strategy
  const parts = [optimizer, ...penalties, ...projections, ...upkeep, ...(lookAhead ? [lookAhead] : [])]
  return parts.flatMap((part): readonly Mirror[] => part.mirrors ?? [])
}
