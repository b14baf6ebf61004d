/** Takes the audit log of a life along to another folder. */
import { type AuditNote, openAuditLog } from '@burgeon/continual'
import { describeCheckpoint, type Disk } from '@burgeon/gpt'
import type { LifeRecord } from '../record/life-record.ts'

const fileOfLog = /^audit-\d+-\d+-\d+\.jsonl$/

/**
 * Copies the whole log beside a checkpoint that was copied before, and writes why. The log of the new folder
 * says all that ever was, and its next entry which of that the weights of the checkpoint do not know.
 *
 * @param now Milliseconds since 1970 (UTC).
 * @throws What the disks throw; who calls again finishes it.
 */
export async function carryAudit(
  from: Disk,
  to: Disk,
  note: Omit<AuditNote, 'step'>,
  now: number,
): Promise<void> {
  const { learner, life } = await describeCheckpoint(to)
  const { step = 0 } = (learner ?? {}) as { readonly step?: number }
  const { record } = (life ?? {}) as { readonly record?: LifeRecord }
  // A model alone, or a life of an earlier version.
  if (record?.audit === undefined) return
  for (const name of await from.list()) {
    if (fileOfLog.test(name)) await to.write(name, await from.read(name))
  }
  await to.sync()
  const log = await openAuditLog(to, record.audit.place)
  await log.append([{ ...note, step }], now)
}
