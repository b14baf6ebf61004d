/** Reaches inside gpt for a disk: right calls of the audit log, of `@burgeon/continual`. */
import * as api from '@burgeon/continual'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import type { CallsOf } from './call.ts'

const disk = memoryDisk()
const log = await api.openAuditLog(disk)
for (const id of [1, 2, 3]) await log.append([{ kind: 'learnt', step: id, data: { id } }], 0)
const { place } = log
const audit = await api.readAudit(disk)

/** By export. */
export const auditCalls = {
  ...{ anAuditHead: 'a check', anAuditNote: 'a check', anAuditPlace: 'a check' },
  auditBeginning: 'a place',
  auditHeadAt: [() => ({ args: { place }, run: api.auditHeadAt })],
  openAuditLog: [() => ({ args: { disk, from: place }, run: api.openAuditLog })],
  readAudit: [() => ({ args: { disk, place }, run: api.readAudit })],
  verifyAudit: [() => ({ args: { disk, options: { place, heads: [audit.head] } }, run: api.verifyAudit })],
  checkInclusion: [() => ({ args: { proof: audit.proveInclusion(1) }, run: api.checkInclusion })],
  checkConsistency: [() => ({ args: { proof: audit.proveConsistency(2) }, run: api.checkConsistency })],
} as const satisfies Partial<CallsOf<typeof api>>
