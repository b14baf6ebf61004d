/** What stands before a learner: the part of the public list that is in this folder. */
export type { Admission, Door, DoorSummary } from './door.ts'
export type { DecisionCount } from './decisions.ts'
export type { Guard, GuardContext, GuardDecision, GuardRecord, Verdict } from './guard.ts'
export { guards } from './guards.ts'
export { provenance, type ProvenanceOptions } from './provenance.ts'
