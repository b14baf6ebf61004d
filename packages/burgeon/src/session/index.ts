/** `burgeon/session`: a whole life in pieces, for benchmarks and for those who build their own. */
export { consume, type ConsumeOptions } from './consume.ts'
export { domainMatrix, driftAlarms, evaluationsOf, forgettingRows, noticedWithin } from './life-report-of.ts'
export { buildLearner, strategyOf } from './life/build-learner.ts'
export { type Life, loadLife, saveLife } from './life/life-checkpoint.ts'
export type { HeldOutText } from './life/life-origin.ts'
export type { LifeSettings } from './life/life-settings.ts'
export { emptyRecord, type LifePosition, type LifeRecord } from './record/life-record.ts'
