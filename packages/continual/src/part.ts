/** Part: what a learner does with everything it is made of, without knowing the role that it plays. */
import type { Mirror, ParameterStore } from '@burgeon/tensor'
import type { Origin } from './stream/origin.ts'

/** Anything that a learner is made of. Roles extend it. */
export interface Part {
  readonly name: string
  /** State shaped like the parameters, which must follow growth. */
  readonly mirrors?: readonly Mirror[]
  /** How much it keeps, and how much that may be at most; not said unless given. */
  readonly room?: { readonly used: number; readonly most: number }
  /**
   * Puts another row of the same length in the place of each row of tokens that it keeps, when the vocabulary
   * has grown: what a mirror's `remap` is for parameters. Needed beside a growing vocabulary by whatever
   * keeps tokens.
   */
  recode?(encoded: (row: Int32Array) => Int32Array): void
  /**
   * Lets go of all that it keeps of some origins, and returns how much it was: rows, or bytes of text. Needed
   * by whatever keeps rows or texts and shall forget them.
   */
  forget?(isMeant: (origin: Origin) => boolean): number
  /**
   * Plain data: JSON values and typed arrays, or a promise of them. A part without it has nothing to keep.
   */
  toState?(): unknown
  /**
   * Takes a state that `toState` gave.
   *
   * @throws StateError if it is invalid, ParameterError if it does not belong to these parameters; the part
   *   is unchanged then.
   */
  restore?(state: unknown, parameters: ParameterStore): void
}

/** A part that has a state, and the role that it plays. */
export interface KeptPart {
  readonly role: string
  readonly part: Part
}
