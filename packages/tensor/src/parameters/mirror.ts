/** Mirrors: state shaped like parameters, which must follow them when they grow. */
import type { Check } from '../checks/checks.ts'
import * as checks from '../checks/checks.ts'
import type { TensorsByPath } from './parameter.ts'
import type { Plan } from './plan.ts'

/** State that must be remapped together with the parameters. */
export interface Mirror {
  /** Name for messages: `adamw first moment`. */
  readonly name: string
  /** Bytes of device memory that the mirror holds. Default 0. */
  readonly bytes?: number
  /**
   * Bytes that the mirror will hold for each learned number of the model once it is full, where that is known
   * before. Default 0.
   */
  readonly bytesPerParameter?: number
  /**
   * Whether growth may call `remap` change by change, each time with a plan of one change that is carried out
   * at once, and with its inverse if a later change fails: then a large state never exists twice. If false,
   * `remap` is called once, last of all. Default false.
   */
  readonly piecewise?: boolean
  /**
   * Computes the state after the plan, changing nothing yet.
   *
   * @param plan Checked against the parameters.
   * @param after The parameters' tensors as they will be, by path.
   * @returns A function that puts the new state in place; it must not throw.
   */
  remap(plan: Plan, after: TensorsByPath): () => void
  /**
   * Returns the mirror's numbers for the parts that a plan drops, by path, as plain data. `remap` finds them
   * again in the `kept` of the plan that brings those parts back, under this mirror's name.
   *
   * @param plan Only the changes that drop something.
   */
  keep(plan: Plan): Promise<Readonly<Record<string, unknown>>>
  /** Frees its tensors, if it has any, when its owner is disposed. */
  dispose?(): void
}

/** Mirrors in a list, known by their members. */
export const aMirrors: Check<readonly Mirror[]> = checks.list(
  'a list of mirrors',
  checks.role<Mirror>('a Mirror', 'name', 'remap'),
)
