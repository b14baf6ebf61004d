/** `@burgeon/continual/testing`: contract suites for parts of a learner, for use in any test runner. */
export { type CheckResult, checkDriftDetector, type DriftExpectation } from './check-drift-detector.ts'
