/** What a set of test cases for an op looks like. */
import type { ChecksOf } from '../../checks/check-options.ts'
import type { OpName } from '../../op-table.ts'
import type { RandomStream } from '../../random/random-stream.ts'
import type { PlainAttrs, PlainInput } from '../check-op.ts'

/** One call of an op as plain data. */
export interface OpCase<K extends OpName> {
  readonly inputs: readonly PlainInput[]
  readonly attrs: PlainAttrs<K>
}

/** Everything `checkOp` needs to try a kernel. Its functions throw OptionError for what is no random stream. */
export interface OpCases<K extends OpName> {
  /** What attributes may be: `checkOp` hands them to the op itself, past the function that looks at them otherwise. */
  readonly attrs: ChecksOf<PlainAttrs<K>>
  /** What a device that computes in f32 may be off, in the unit of `checkOp`; 0: only exact answers will do. */
  readonly tolerance: number
  /** The corners: empty and single axes, special values, whatever a kernel treats apart. The numbers are drawn. */
  readonly edges: (random: RandomStream) => readonly OpCase<K>[]
  /** Any case at all. Same stream, same case. */
  readonly draw: (random: RandomStream) => OpCase<K>
}
