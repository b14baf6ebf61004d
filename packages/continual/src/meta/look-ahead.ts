/** Look-ahead: updates judged by what they lead to. */
import type { GradientTransform, UpdateContext } from '@burgeon/autograd/optim'
import { type Check, checks, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import type { TaskLoss } from './adapt.ts'

/** Gradients of a look-ahead. */
export interface LookAheadGradients<A> {
  /** The gradient of the objective after the inner steps, by the weights before them. */
  readonly gradient: TensorsByPath
  /** The same by the rates of those steps, for `learn`. */
  readonly rates: TensorsByPath
  /** Whatever else the objective returned. */
  readonly aux: A
}

/**
 * The role that learns the fresh rows in inner steps first, and takes the gradients of what is then lost on
 * fresh and old rows alike. It learns rates of its own by the same gradients. As a transform it stands just
 * before the optimizer.
 */
export interface LookAhead extends GradientTransform {
  /**
   * Inner steps: the fresh rows are split into so many parts, or one for each row where there are fewer. ≥ 1.
   */
  readonly steps: number
  /**
   * Changes nothing.
   *
   * @param objective The loss of the whole step, a scalar, and whatever else.
   * @param tries Losses of the parts of the fresh rows, one for each inner step.
   */
  gradients<A>(
    objective: (weights: TensorsByPath) => readonly [Tensor, A],
    tries: readonly TaskLoss[],
    weights: TensorsByPath,
  ): LookAheadGradients<A>
  /** Learns its rates; called before `transform` in the same step, once it is known that the step counts. */
  learn(rates: TensorsByPath, context: UpdateContext): void
}

/** Any object of the role. */
export const aLookAhead: Check<LookAhead> = checks.role(
  'a look-ahead',
  ...(['name', 'mirrors', 'steps', 'gradients', 'learn', 'transform', 'toState', 'restore'] as const),
)
