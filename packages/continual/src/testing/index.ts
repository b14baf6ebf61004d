/** `@burgeon/continual/testing`: contract suites for parts of a learner, for use in any test runner. */
export type { CheckResult } from '@burgeon/tensor/testing'
export { checkAssessment } from './check-assessment.ts'
export { checkDriftDetector, type DriftExpectation } from './drift/check-drift-detector.ts'
export { checkChoice } from './decisions/check-choice.ts'
export { checkController } from './decisions/check-controller.ts'
export { checkGradientExchange } from './check-gradient-exchange.ts'
export { checkGuard, type GuardExpectation } from './decisions/check-guard.ts'
export { checkFreezing } from './check-freezing.ts'
export {
  checkGrowthPolicy,
  type LossCourse,
  type PolicyExpectation,
} from './decisions/check-growth-policy.ts'
export { checkLookAhead, type LookAheadExpectation } from './check-look-ahead.ts'
export { checkPenalty } from './check-penalty.ts'
export { checkProbes } from './check-probes.ts'
export { checkRecall } from './check-recall.ts'
export { checkRehearsal } from './check-rehearsal.ts'
export { checkSleepJob, type SleepJobExpectation } from './upkeep/check-sleep-job.ts'
export { checkStreamWatch, type WatchExpectation } from './drift/check-stream-watch.ts'
export { checkTrigger, type TriggerExpectation } from './decisions/check-trigger.ts'
export { checkUpkeep, type UpkeepExpectation } from './upkeep/check-upkeep.ts'
export { checkVectorDetector, type VectorExpectation } from './drift/check-vector-detector.ts'
