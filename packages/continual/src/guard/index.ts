/** What stands before a learner: the part of the public list that is in this folder. */
export type { Admission, Door, DoorSummary } from './door.ts'
export type { DecisionCount } from './decisions.ts'
export type { Guard, GuardContext, GuardDecision, GuardRecord, Verdict } from './guard.ts'
export { guards } from './guards.ts'
export { novelRepetition, type NovelRepetitionOptions } from './novel-repetition.ts'
export { ownOutput, type OwnOutputOptions } from './own-output.ts'
export { provenance, type ProvenanceOptions } from './provenance.ts'
export { sourceShare, type SourceShareOptions } from './source-share.ts'
