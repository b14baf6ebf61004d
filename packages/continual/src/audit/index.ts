/** What is public of the audit log of a life, and nothing else. */
export {
  anAuditHead,
  anAuditNote,
  anAuditPlace,
  auditBeginning,
  type AuditEntry,
  type AuditHead,
  auditHeadAt,
  type AuditNote,
  type AuditPlace,
} from './audit-entry.ts'
export { type AuditLog, openAuditLog } from './audit-log.ts'
export {
  checkConsistency,
  checkInclusion,
  type ConsistencyProof,
  type InclusionProof,
  readAudit,
  type ReadAudit,
} from './audit-proof.ts'
export { type AuditVerdict, verifyAudit, type VerifyAuditOptions, type WrongEntry } from './verify-audit.ts'
