/** The form of test cases for an op. */
import type { ChecksOf } from '../../checks/check-options.ts'
import type { OpName } from '../../op-table.ts'
import type { RandomStream } from '../../random/random-stream.ts'
import type { PlainAttrs, PlainInput } from '../check-op.ts'

/** One call of an op as plain data. */
export interface OpCase<K extends OpName> {
  readonly inputs: readonly PlainInput[]
  readonly attrs: PlainAttrs<K>
}

/**
 * All that `checkOp` needs to try a kernel. Its functions throw OptionError unless they are given a random
 * stream.
 */
export interface OpCases<K extends OpName> {
  /**
   * Checks of the attributes: `checkOp` gives them to the op itself, without the function that checks them
   * otherwise.
   */
  readonly attrs: ChecksOf<PlainAttrs<K>>
  /**
   * Error that a device which computes in f32 may make, in the unit of `checkOp`; 0: the result must be
   * exact.
   */
  readonly tolerance: number
  /**
   * Cases that a kernel may treat specially: empty and single axes, special values. The numbers are drawn.
   */
  readonly edges: (random: RandomStream) => readonly OpCase<K>[]
  /** Draws any case. The same stream gives the same case. */
  readonly draw: (random: RandomStream) => OpCase<K>
}
