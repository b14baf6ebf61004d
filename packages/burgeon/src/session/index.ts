/** `burgeon/session`: a whole life in pieces, for benchmarks and for those who build their own. */
export {
  type BurgeonConfig,
  defineConfig,
  type LearnConfig,
  type ServeConfig,
} from '../config/define-config.ts'
export {
  type CheckedProof,
  checkLearnt,
  type LearntProof,
  type LifeAuditVerdict,
  proveLearnt,
  verifyLifeAudit,
} from './audit/audit-life.ts'
export { type ContinueOptions, continueLearning } from './continue-learning.ts'
export { consume, type ConsumeOptions } from './consume.ts'
export { domainMatrix, driftAlarms, evaluationsOf, forgettingRows, noticedWithin } from './life-report-of.ts'
export { buildLearner, strategyOf } from './life/build-learner.ts'
export { type Life, loadLife, saveLife } from './life/life-checkpoint.ts'
export type { HeldOutText } from './life/life-origin.ts'
export type { LifeSettings } from './life/life-settings.ts'
export { emptyRecord, type LifePosition, type LifeRecord } from './record/life-record.ts'
export { type ModelForm } from '../models/model-form.ts'
export type { HubOptions } from '../models/hub-place.ts'
export { type OpenedModel, openModel } from '../models/open-model.ts'
export { StreamError, type StreamErrorCode } from '../sources/stream-error.ts'
export { DivergedError } from './diverged.ts'
export {
  forgetRecords,
  type ForgetRecordsOptions,
  type ForgottenRecords,
} from './forgetting/forget-records.ts'
export { liveWithout, type LivedWithout } from './forgetting/live-without.ts'
export { type ApprovalRequest, decideApproval, openRequests } from './control/approvals.ts'
export { releaseLife, StoppedError, stopLife, type StopNote } from './control/stop-file.ts'
export { type HeldPolicy, heldPolicy } from '../models/held-policy.ts'
export { explainLife, type ExplainLifeOptions, type LifeExplanation } from './explaining/explain-life.ts'
export { type LifeFinding, lifeHealth } from './health/life-health.ts'
export { sleepLife, type SleepLifeOptions, type SleptLife } from './sleep/sleep-life.ts'
export { learnRecords, type LearnRecordsOptions } from './learn-records.ts'
export type { OpenRecords, RecordSource, SourceRecord } from '../sources/records/record-source.ts'
export { recordsFrom } from '../sources/records/iterable-source.ts'
export { serverSentEvents } from '../sources/records/server-sent-events.ts'
export { UsageError } from '../terminal/usage-error.ts'
