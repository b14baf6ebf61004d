/**
 * `@burgeon/tensor/testing`: comparisons and cases for testing ops and kernels, and the parts of contract
 * suites, for use in any test runner.
 */
export { allClose, largestDifference } from './all-close.ts'
export { drawExpression, type ExpressionShape } from './cases/draw-expression.ts'
export type { OpCase, OpCases } from './cases/op-case.ts'
export { opCases } from './cases/op-cases.ts'
export { checkOp, type OpCheck, OpMismatchError, type PlainAttrs, type PlainInput } from './check-op.ts'
export type { CheckResult } from './check-result.ts'
export { RoundingBounds } from './rounding-bounds.ts'
export {
  complaintOf,
  copied,
  isSame,
  noStates,
  type Promised,
  statements,
  takenStates,
  takenStatesAsync,
} from './statements.ts'
