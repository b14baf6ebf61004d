/** Writes what a life has noted into its audit log, just before its checkpoint. */
import { createHash } from 'node:crypto'
import { type AuditNote, type AuditPlace, auditHeadAt, openAuditLog } from '@burgeon/continual'
import type { Disk } from '@burgeon/gpt'
import type { Life } from '../life/life-checkpoint.ts'
import { auditOf } from './audit-record.ts'
import { limitsOf } from './declared-limits.ts'

/**
 * Writes all notes, and one of the checkpoint that is about to be written: its weights, and how far it has
 * learnt. The log comes first and is never shortened, so whatever ends between the two is said: where the log
 * is found to be ahead of the checkpoint from which a life goes on, the next entry is `resumed`.
 *
 * @param now Milliseconds since 1970 (UTC).
 * @returns What has the notes wait for the next save again: to be called where the checkpoint is not written.
 * @throws AuditError if the disk refuses; the notes wait for the next save.
 */
export async function commitAudit(
  disk: Disk,
  { settings, learner, record, origin }: Pick<Life, 'settings' | 'learner' | 'record' | 'origin'>,
  now: number,
): Promise<() => void> {
  const audit = auditOf(record)
  const before = { limits: undefined, ...audit }
  const log = await openAuditLog(disk, audit.place)
  const { step, model } = learner
  const learnt = origin?.experience && { next: origin.experience.next, bytes: origin.experience.bytes }
  const data = {
    weights: await weightsDigest(learner),
    parameters: model.parameters.size,
    bytes: record.bytes,
    ...(learnt && { experience: learnt }),
  }
  const limits = limitsOf(settings)
  const isSaid = audit.limits === JSON.stringify(limits)
  const notes = [
    ...resumed(audit.place, log.place, step),
    ...(isSaid ? [] : [{ kind: 'settings', step, data: { ...limits } }]),
    ...audit.pending,
  ]
  audit.place = await log.append([...notes, { kind: 'checkpoint', step, data }], now)
  audit.pending = []
  audit.limits = JSON.stringify(limits)
  return () => void Object.assign(audit, before)
}

/** Where the log holds more than the checkpoint knows of. */
function resumed(from: AuditPlace, found: AuditPlace, step: number): AuditNote[] {
  if (found.series === from.series && found.size === from.size) return []
  // A log that was begun anew says what it misses.
  if (found.series > from.series && found.size === 0) return []
  const data = { from: { series: from.series, ...auditHeadAt(from) }, to: found.size - 1 }
  return [{ kind: 'resumed', step, data }]
}

/** SHA-256 of all weights in order, in hexadecimal: of its beginning the version of an answer is made. */
export async function weightsDigest({ model }: Pick<Life['learner'], 'model'>): Promise<string> {
  const hash = createHash('sha256')
  for (const { path, tensor } of model.parameters) {
    hash.update(`${path}[${tensor.shape.join()}]`)
    const { buffer, byteOffset, byteLength } = await tensor.read()
    hash.update(new Uint8Array(buffer, byteOffset, byteLength))
  }
  return hash.digest('hex')
}
