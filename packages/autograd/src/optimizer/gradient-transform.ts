/** Gradient transforms: gradients in, gradients out; an optimiser is a chain of them that ends in an update. */
import {
  addInto,
  type Check,
  checkArgument,
  checkOptions,
  type ChecksOf,
  checks,
  type Mirror,
  OptionError,
  type ParameterStore,
  scope,
  StateError,
  type TensorsByPath,
} from '@burgeon/tensor'

/** What a transform may look at besides the gradients. */
export interface UpdateContext {
  /** The parameters before this update, by path. */
  readonly parameters: TensorsByPath
  /** Updates made before this one, from 0. */
  readonly step: number
}

/** One stage. Stateful stages keep what is shaped like parameters in mirrors, so that it grows with them. */
export interface GradientTransform {
  readonly name: string
  readonly mirrors: readonly Mirror[]
  /**
   * Must answer a tensor for every gradient, of the same shape. Runs inside the step's scope. An optimiser leaves weights and its
   * own state alone where a gradient is infinite or NaN: that is how `dynamicLossScale` calls a step off.
   */
  transform(gradients: TensorsByPath, context: UpdateContext): TensorsByPath
  /**
   * The learning rate of a step, the largest where there are several, for stages that have one. Throws OptionError if it is negative, NaN or
   * infinite; whoever joins stages asks all of them before the first one changes anything.
   */
  rateAt?(step: number): number
  /** Plain data: JSON values and typed arrays. */
  toState(): Promise<unknown>
  /** Takes a state that `toState` gave. Throws a `StateError` if it does not belong to these parameters. */
  restore(state: unknown, parameters: ParameterStore): void
}

const contextChecks: ChecksOf<UpdateContext> = {
  parameters: checks.required(checks.tensorsByPath),
  step: checks.required(checks.integer({ from: 0 })),
}

/** Any object of the role. */
export const aGradientTransform: Check<GradientTransform> = checks.role(
  'a gradient transform',
  ...(['name', 'mirrors', 'transform', 'toState', 'restore'] as const),
)

/** Runs transforms one after another. The last one's answer is the change to be added to each parameter. */
export function chain(...stages: readonly GradientTransform[]): GradientTransform {
  stages.forEach((stage, i) => checkArgument('chain', `stages[${i}]`, stage, aGradientTransform))
  return {
    name: stages.map((stage) => stage.name).join(' → '),
    mirrors: stages.flatMap((stage) => stage.mirrors),
    rateAt: (step) => largestRateOf(stages, step),
    transform(gradients, context) {
      checkArgument('chain: transform', 'gradients', gradients, checks.tensorsByPath)
      checkOptions('chain: transform', context, contextChecks)
      largestRateOf(stages, context.step)
      return stages.reduce((now, stage) => stage.transform(now, context), gradients)
    },
    toState: () => Promise.all(stages.map((stage) => stage.toState())),
    restore(state, parameters) {
      const states = state as readonly unknown[]
      if (!Array.isArray(state) || states.length !== stages.length) {
        throw new StateError(
          `chain: the saved state is not that of ${stages.length} transforms (${this.name}). Build the same chain.`,
        )
      }
      stages.forEach((stage, i) => stage.restore(states[i], parameters))
    },
  }
}

/** The largest learning rate of several stages at a step, 0 if none has one. Throws OptionError if one of them is no rate. */
export function largestRateOf(stages: readonly GradientTransform[], step: number): number {
  return Math.max(0, ...stages.map((stage) => stage.rateAt?.(step) ?? 0))
}

/** A stage without state. */
export function stateless(name: string, transform: GradientTransform['transform']): GradientTransform {
  checkArgument('stateless', 'name', name, checks.text)
  checkArgument('stateless', 'transform', transform, checks.callback())
  return { name, mirrors: [], transform, toState: () => Promise.resolve(null), restore: () => {} }
}

/** Adds each change to its parameter, in place. */
export function applyUpdates(parameters: TensorsByPath, updates: TensorsByPath): void {
  checkArgument('applyUpdates', 'parameters', parameters, checks.tensorsByPath)
  checkArgument('applyUpdates', 'updates', updates, checks.tensorsByPath)
  const lost = Object.keys(updates).find((path) => !Object.hasOwn(parameters, path))
  if (lost !== undefined) {
    throw new OptionError(`applyUpdates: got an update of ${lost}; expected parameters to have that path.`)
  }
  scope(() => {
    for (const [path, update] of Object.entries(updates)) addInto(parameters[path], update)
  })
}
