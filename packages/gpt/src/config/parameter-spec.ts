/** What a parameter of a GPT is. */
import type { Axis, InitialValues } from '@burgeon/tensor'

/** Specification of a parameter. */
export interface ParameterSpec {
  readonly path: string
  readonly axes: readonly Axis[]
  readonly shape: readonly number[]
  readonly initial: InitialValues
}
