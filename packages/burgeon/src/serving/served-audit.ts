/** The audit log of a life that is served. */
import { type ReadAudit, readAudit } from '@burgeon/continual'
import type { Disk } from '@burgeon/gpt'
import type { ServedAudit } from '@burgeon/server'
import { auditHeadOf } from '../session/audit/audit-record.ts'
import { learntIn } from '../session/audit/learnt-in-audit.ts'
import type { Life } from '../session/life/life-checkpoint.ts'

/** @param life The one that is served now. */
export function servedAudit(disk: Disk, life: () => Pick<Life, 'record'>): ServedAudit {
  let known: ReadAudit | undefined
  const read = async (): Promise<ReadAudit> => {
    const { audit } = life().record
    // Between two saves nothing is written.
    const isPresent = known !== undefined && known.head.size === audit?.place.size
    if (!isPresent || known === undefined) known = await readAudit(disk, audit?.place)
    return known
  }
  return {
    head: () => auditHeadOf(life().record),
    async since(size) {
      const audit = await read()
      return size <= audit.head.size ? audit.proveConsistency(size) : null
    },
    async learnt(id) {
      const audit = await read()
      const found = learntIn(audit, life().record.audit?.place, id)
      return found === 'held back' ? null : found
    },
  }
}
