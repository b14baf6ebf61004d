/** What a gradient rule is: a function of one recorded call, and which numbers of the call it reads. */
import type { Attrs, OpName, Tensor } from '@burgeon/tensor'

/** What a rule gets: one recorded call and the gradients of its outputs (undefined where an output was not used). */
export interface GradientCall<K extends OpName> {
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  readonly attrs: Attrs<K>
  readonly cotangents: readonly (Tensor | undefined)[]
  /** Which inputs' gradients will be used; the others may be left undefined. */
  readonly needed: readonly boolean[]
}

/** Which numbers of a call a rule reads, besides gradients; shapes are always there. */
export interface Reads {
  readonly inputs: readonly boolean[]
  readonly outputs: boolean
}

/**
 * Returns one gradient per input; `null` sends a fused op through its definition.
 *
 * `reads` says which numbers of a call with these attributes and so many inputs it looks at; all of them where it is missing. What no rule
 * reads need not be computed when a body is run again.
 */
export interface GradientRule<K extends OpName> {
  (call: GradientCall<K>): readonly (Tensor | undefined)[] | null
  readonly reads?: (attrs: Attrs<K>, count: number) => Reads
}

/** A rule that reads only some of a call's numbers. */
export function reading<K extends OpName>(
  reads: (attrs: Attrs<K>, count: number) => Reads,
  rule: (call: GradientCall<K>) => readonly (Tensor | undefined)[] | null,
): GradientRule<K> {
  return Object.assign(rule, { reads })
}

/** Every input, and no output. */
export const inputsOnly = (_: unknown, count: number): Reads => ({
  inputs: new Array<boolean>(count).fill(true),
  outputs: false,
})

/** No number at all. */
export const nothing = (_: unknown, count: number): Reads => ({
  inputs: new Array<boolean>(count).fill(false),
  outputs: false,
})
