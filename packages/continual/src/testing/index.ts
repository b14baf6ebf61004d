/** `@burgeon/continual/testing`: contract suites for parts of a learner, for use in any test runner. */
export { checkDriftDetector, type DriftExpectation } from './check-drift-detector.ts'
export { checkFreezing } from './check-freezing.ts'
export { checkGrowthPolicy, type LossCourse, type PolicyExpectation } from './check-growth-policy.ts'
export { checkPenalty } from './check-penalty.ts'
export { checkRehearsal } from './check-rehearsal.ts'
export type { CheckResult } from './check-result.ts'
