/**
 * Checks of attributes that several ops have: whether an attribute fits the inputs is for the op to check.
 */
import * as checks from '../../checks/checks.ts'
import type { RequiredCheck } from '../../checks/checks.ts'
import type { DType } from '../../dtype.ts'

export const sizes: RequiredCheck<readonly number[]> = checks.required(
  checks.list('a list of integers ≥ 0', checks.integer({ from: 0 })),
)
export const size: RequiredCheck<number> = checks.required(checks.integer({ from: 0 }))
export const yesOrNo: RequiredCheck<boolean> = checks.required(checks.boolean)
export const aNumber: RequiredCheck<number> = checks.required(checks.number())
export const dtype: RequiredCheck<DType> = checks.required(checks.dtype)
