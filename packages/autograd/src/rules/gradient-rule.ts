/** Gradient rules: functions of one recorded call, each with the numbers of the call that it reads. */
import type { Attrs, OpName, Tensor } from '@burgeon/tensor'

/**
 * The argument of a rule: one recorded call and the cotangents of its outputs (undefined where an output was
 * not used).
 */
export interface GradientCall<K extends OpName> {
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  readonly attrs: Attrs<K>
  readonly cotangents: readonly (Tensor | undefined)[]
  /** Which inputs' cotangents will be used; the others may be left undefined. */
  readonly needed: readonly boolean[]
}

/** Which numbers of a call a rule reads, besides cotangents; shapes are always there. */
export interface Reads {
  readonly inputs: readonly boolean[]
  readonly outputs: boolean
}

/**
 * Returns one cotangent per input; `null` sends a fused op through its definition.
 *
 * `reads` returns which numbers of a call with these attributes and this number of inputs the rule reads.
 * Without it the rule reads all of them. Numbers that no rule reads need not be computed when a body is run
 * again.
 */
export interface GradientRule<K extends OpName> {
  (call: GradientCall<K>): readonly (Tensor | undefined)[] | null
  readonly reads?: (attrs: Attrs<K>, count: number) => Reads
}

/** Makes a rule that reads only some of a call's numbers. */
export function withReads<K extends OpName>(
  reads: (attrs: Attrs<K>, count: number) => Reads,
  rule: (call: GradientCall<K>) => readonly (Tensor | undefined)[] | null,
): GradientRule<K> {
  return Object.assign(rule, { reads })
}

/** Reads every input, and no output. */
export const inputsOnly = (_: unknown, count: number): Reads => ({
  inputs: new Array<boolean>(count).fill(true),
  outputs: false,
})

/** Reads no number at all. */
export const nothing = (_: unknown, count: number): Reads => ({
  inputs: new Array<boolean>(count).fill(false),
  outputs: false,
})
