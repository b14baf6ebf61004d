/**
 * Gradient transforms: gradients in, gradients out; an optimizer is a chain of them that ends in an update.
 */
import {
  addInto,
  type Check,
  checkArgument,
  checkOptions,
  type ChecksOf,
  checks,
  type Mirror,
  NonFiniteError,
  OptionError,
  ParameterStore,
  scope,
  StateError,
  type TensorsByPath,
} from '@burgeon/tensor'
import { requireFinite } from '../non-finite/require-finite.ts'

/** Context of a transform: what it may look at besides the gradients. */
export interface UpdateContext {
  /** The parameters before this update, by path. */
  readonly parameters: TensorsByPath
  /** Updates made before this one, from 0. */
  readonly step: number
  /**
   * `skip`: optimizers leave alone what has no finite gradient, and neither complain nor count. For whoever
   * has looked at the gradients already, or has them skipped on the device. Unless given, see
   * `GradientTransform.transform`.
   */
  readonly nonFinite?: 'skip'
  /**
   * Gradients of the loss of other rows at the same weights, by path, for transforms that compare. The rows
   * are of the form that the loop learns from: a batch, in a learner. Absent where nobody can take them.
   */
  readonly gradientOn?: (rows: object) => TensorsByPath
  /**
   * The rows that the gradients are of, each by itself and in the form that `gradientOn` takes. Absent where
   * nobody has them, or no stage `needsRows`.
   */
  readonly rows?: () => readonly object[]
}

/** One stage. Stateful stages keep what is shaped like parameters in mirrors, so that it grows with them. */
export interface GradientTransform {
  readonly name: string
  readonly mirrors: readonly Mirror[]
  /**
   * Must return a tensor for every gradient, of the same shape. Runs inside the step's scope.
   *
   * Our optimizers throw a NonFiniteError, before anything changes, for a gradient that is infinite, NaN or
   * so large that it would spoil a moment or a change. On a device whose numbers cannot be read at once, and
   * after a loss scale, they leave weights and state alone there.
   */
  transform(gradients: TensorsByPath, context: UpdateContext): TensorsByPath
  /**
   * Throws as `transform` would because of gradients that are not finite, and changes nothing; whoever joins
   * stages side by side asks all of them before the first one changes anything.
   */
  inspect?(gradients: TensorsByPath, context: UpdateContext): void
  /**
   * Steps since it was made in which a gradient was left alone, on devices whose numbers cannot be read at
   * once: by the norm of all its gradients, in steps without `nonFinite`. Waits for the device; nothing else
   * does.
   */
  skipped?(): Promise<number>
  /**
   * Whether it makes gradients NaN on purpose, so that the stages after it must `skip` them; false unless
   * given.
   */
  readonly skipsSteps?: boolean
  /**
   * Whether it makes its gradients of the single rows of a step, whatever comes to it; false unless given.
   */
  readonly needsRows?: boolean
  /**
   * The learning rate of a step, the largest where there are several, for stages that have one. Throws
   * OptionError if it is negative, NaN or infinite; whoever joins stages asks all of them before the first
   * one changes anything.
   */
  rateAt?(step: number): number
  /** Plain data: JSON values and typed arrays. */
  toState(): Promise<unknown>
  /**
   * Takes a state that `toState` gave.
   *
   * @throws StateError if it is none, ParameterError if it does not belong to these parameters; it is
   *   unchanged then.
   */
  restore(state: unknown, parameters: ParameterStore): void
  /**
   * Throws what `restore` would, and changes nothing. Whoever joins stages asks all of them before the first
   * one changes: one without it could refuse its state when others have taken theirs.
   */
  checkState?(state: unknown, parameters: ParameterStore): void
}

const contextChecks: ChecksOf<UpdateContext> = {
  parameters: checks.required(checks.tensorsByPath),
  step: checks.required(checks.integer({ from: 0 })),
  nonFinite: checks.oneOf('skip'),
  gradientOn: checks.callback('a function of rows'),
  rows: checks.callback(),
}

/** Any object of the role. */
export const aGradientTransform: Check<GradientTransform> = checks.role(
  'a gradient transform',
  ...(['name', 'mirrors', 'transform', 'toState', 'restore'] as const),
)

/**
 * The methods that take a saved state, as one: nothing changes before all of it was looked at.
 *
 * @param check Returns the state, or throws; changes nothing.
 * @param take Must not throw.
 */
export function restorable<State>(
  check: (state: unknown, parameters: ParameterStore) => State,
  take: (state: State, parameters: ParameterStore) => void,
): Required<Pick<GradientTransform, 'checkState' | 'restore'>> {
  return {
    checkState: (state, parameters) => void check(state, parameters),
    restore: (state, parameters) => take(check(state, parameters), parameters),
  }
}

/** Throws OptionError for a stage that needs the rows of a step where nobody has those of its gradients. */
export function refuseRows(who: string, { name, needsRows }: GradientTransform): void {
  if (needsRows !== true) return
  throw new OptionError(
    `${who}: got ${name}, which needs the rows of each step; expected it first in the chain that is the optimizer.`,
  )
}

/** Runs transforms one after another. The last one's answer is the change to be added to each parameter. */
export function chain(...stages: readonly GradientTransform[]): GradientTransform {
  stages.forEach((stage, i) => checkArgument('chain', `stages[${i}]`, stage, aGradientTransform))
  // What stands before it would be lost.
  for (const stage of stages.slice(1)) refuseRows('chain', stage)
  const skipsSteps = stages.some((stage) => stage.skipsSteps === true)
  const name = stages.map((stage) => stage.name).join(' → ')
  return {
    name,
    mirrors: stages.flatMap((stage) => stage.mirrors),
    rateAt: (step) => largestRateOf(stages, step),
    inspect(gradients, context) {
      if (skipsSteps || context.nonFinite === 'skip') return
      if (stages[0]?.inspect === undefined) requireFinite('chain', 'gradient', gradients)
      else stages[0].inspect(gradients, context)
    },
    transform(gradients, context) {
      checkArgument('chain: transform', 'gradients', gradients, checks.tensorsByPath)
      checkOptions('chain: transform', context, contextChecks)
      largestRateOf(stages, context.step)
      const inner: UpdateContext = skipsSteps ? { ...context, nonFinite: 'skip' } : context
      try {
        return stages.reduce((now, stage) => stage.transform(now, inner), gradients)
      } catch (error) {
        // A stage in between, such as clipping, has carried what was bad everywhere.
        if (error instanceof NonFiniteError) requireFinite('chain', 'gradient', gradients)
        throw error
      }
    },
    skipped: () => skippedBy(stages),
    skipsSteps,
    needsRows: stages[0]?.needsRows === true,
    toState: () => Promise.all(stages.map((stage) => stage.toState())),
    ...restorable(
      (state, parameters): readonly unknown[] => {
        checkArgument('chain', 'parameters', parameters, checks.instance('a ParameterStore', ParameterStore))
        if (!Array.isArray(state) || state.length !== stages.length) {
          throw new StateError(
            `chain: the saved state is not that of ${stages.length} transforms (${name}). Build the same chain.`,
          )
        }
        stages.forEach((stage, i) => stage.checkState?.(state[i], parameters))
        return state
      },
      (states, parameters) => stages.forEach((stage, i) => stage.restore(states[i], parameters)),
    ),
  }
}

/**
 * The largest learning rate of several stages at a step, 0 if none has one. Throws OptionError if one of them
 * is no rate.
 */
export function largestRateOf(stages: readonly GradientTransform[], step: number): number {
  return Math.max(0, ...stages.map((stage) => stage.rateAt?.(step) ?? 0))
}

/** Steps skipped by several stages. */
export async function skippedBy(stages: readonly GradientTransform[]): Promise<number> {
  const counts = await Promise.all(stages.map((stage) => stage.skipped?.() ?? Promise.resolve(0)))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** A stage without state. */
export function stateless(name: string, transform: GradientTransform['transform']): GradientTransform {
  checkArgument('stateless', 'name', name, checks.text)
  checkArgument('stateless', 'transform', transform, checks.callback())
  return { name, mirrors: [], transform, toState: () => Promise.resolve(null), restore: () => {} }
}

/**
 * Adds each change to its parameter, in place.
 *
 * @param options With `nonFinite: 'skip'` nobody looks whether the changes are finite: for whoever has done
 *   so.
 * @throws NonFiniteError for a change that is infinite or NaN, before any parameter changes, on devices that
 *   can be read at once.
 */
export function applyUpdates(
  parameters: TensorsByPath,
  updates: TensorsByPath,
  options: Pick<UpdateContext, 'nonFinite'> = {},
): void {
  checkArgument('applyUpdates', 'parameters', parameters, checks.tensorsByPath)
  checkArgument('applyUpdates', 'updates', updates, checks.tensorsByPath)
  const lost = Object.keys(updates).find((path) => !Object.hasOwn(parameters, path))
  if (lost !== undefined) {
    throw new OptionError(`applyUpdates: got an update of ${lost}; expected parameters to have that path.`)
  }
  checkOptions('applyUpdates', options, { nonFinite: contextChecks.nonFinite })
  if (options.nonFinite !== 'skip') requireFinite('applyUpdates', 'change', updates)
  scope(() => {
    for (const [path, update] of Object.entries(updates)) addInto(parameters[path], update)
  })
}
