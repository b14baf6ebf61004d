/** The audit log of a life on disk: verified, and proofs out of it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  AuditError,
  type AuditEntry,
  type AuditHead,
  auditHeadAt,
  type AuditPlace,
  type AuditVerdict,
  checkInclusion,
  openExperience,
  readAudit,
  type ReadAudit,
  verifyAudit,
} from '@burgeon/continual'
import {
  type Disk,
  describeCheckpoint,
  keptCheckpoints,
  LockedError,
  type WhichCheckpoint,
} from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { aFolder } from '../life/a-folder.ts'
import { loadLife } from '../life/life-checkpoint.ts'
import type { LifeRecord } from '../record/life-record.ts'
import { journalFolder } from '../source/record-session.ts'
import { experienceDigest } from './audit-record.ts'
import { weightsDigest } from './commit-audit.ts'
import { type LearntEntry, learntIn } from './learnt-in-audit.ts'

/** What the verification of a life came to. Plain data. */
export interface LifeAuditVerdict extends AuditVerdict {
  /** Whether the weights of the checkpoint are those that the log names; null where it names none. */
  readonly weights: boolean | null
}

/**
 * Verifies the audit log of the life in a folder: against its checkpoint and those that were kept, and
 * against heads that witnesses hold. That checkpoints and log were cut to an earlier state together can be
 * noticed by a witness alone, who holds a later head.
 *
 * @param folder Holds a life.
 * @throws CheckpointError if there is none that can be read.
 * @example
 * ```ts
 * const { ok, wrong } = await verifyLifeAudit('life', { heads: [] })
 * console.log(ok ? 'whole' : `entry ${wrong?.from}: ${wrong?.reason}`)
 * ```
 */
export async function verifyLifeAudit(
  folder: string,
  options: { readonly heads?: readonly AuditHead[] } = {},
): Promise<LifeAuditVerdict> {
  const who = 'verifyLifeAudit'
  checkArgument(who, 'folder', folder, aFolder)
  checkOptions(who, options, { heads: checks.list('a list of heads', checks.object<AuditHead>('a head')) })
  const { heads = [] } = options
  const disk = nodeDisk(folder)
  const { learner, record } = await loadLife(disk)
  const place = record.audit?.place
  const own = place === undefined ? {} : { place }
  const verdict = await verifyAudit(disk, { ...own, heads })
  const { ok, wrong } = await verifyAudit(disk, { ...own, heads: await keptHeads(disk, verdict.series) })
  const named = place && wrong === null ? (await readAudit(disk)).entries.at(place.size - 1) : undefined
  const weights = named === undefined ? null : named.data['weights'] === (await weightsDigest(learner))
  learner.dispose()
  learner.model.dispose()
  return {
    ...verdict,
    ok: verdict.ok && ok && weights !== false,
    wrong: earlier(verdict.wrong, wrong),
    weights,
  }
}

/** Of two findings the one that leaves less open, or comes first. */
function earlier(a: AuditVerdict['wrong'], b: AuditVerdict['wrong']): AuditVerdict['wrong'] {
  if (a === null || b === null) return a ?? b
  return b.to - b.from < a.to - a.from ? b : a
}

/** Heads that kept checkpoints hold of a log. */
async function keptHeads(disk: Disk, series: number): Promise<AuditHead[]> {
  const found: AuditHead[] = []
  for (const kept of await keptCheckpoints(disk)) {
    const place = await savedPlace(disk, { kept })
    if (place !== undefined && place.series === series) found.push(auditHeadAt(place))
  }
  return found
}

/** A proof, and what the digest of its entry is made of. Plain data. */
export interface LearntProof extends LearntEntry {
  /** Beside the text; null where the journal does not hold it, or is open elsewhere. */
  readonly opening: { readonly salt: string; readonly source: string; readonly domain: string } | null
}

/**
 * Proves that the life in a folder has learnt an experience, by its number.
 *
 * @throws AuditError if no entry says so that still holds, or the log is not whole.
 */
export async function proveLearnt(folder: string, id: number): Promise<LearntProof> {
  checkArgument('proveLearnt', 'folder', folder, aFolder)
  checkArgument('proveLearnt', 'id', id, checks.count)
  const disk = nodeDisk(folder)
  const place = await savedPlace(disk)
  const audit = await readAudit(disk, place)
  const found = learntIn(audit, place, id)
  if (found === null || found === 'held back') {
    throw new AuditError(
      `${folder}: got experience ${id}, ` +
        (found === null
          ? 'of which the audit log has no entry that holds; expected one that was learnt, and saved.'
          : 'which was held back: it was predicted, and never learnt.'),
    )
  }
  const { entry, ...proof } = found
  return { ...proof, entry, opening: await openingOf(folder, id, JSON.parse(entry) as AuditEntry) }
}

/**
 * The audit log of the life in a folder.
 *
 * @throws AuditError where it does not lead to the checkpoint.
 */
export async function readLifeAudit(folder: string): Promise<ReadAudit> {
  const disk = nodeDisk(folder)
  return readAudit(disk, await savedPlace(disk))
}

async function savedPlace(disk: Disk, which: WhichCheckpoint = {}): Promise<AuditPlace | undefined> {
  const { life } = await describeCheckpoint(disk, which)
  return (life as { readonly record?: LifeRecord } | undefined)?.record?.audit?.place
}

async function openingOf(folder: string, id: number, { data }: AuditEntry): Promise<LearntProof['opening']> {
  const place = join(folder, journalFolder)
  if (!existsSync(place)) return null
  try {
    const journal = await openExperience(nodeDisk(place))
    try {
      if (id < journal.first || id >= journal.next) return null
      for await (const { origin, salt, text } of journal.read(id)) {
        if (origin.id !== id || salt === undefined) return null
        const isIt = experienceDigest(salt, { ...origin, text }) === data['digest']
        return isIt ? { salt, source: origin.source, domain: origin.domain } : null
      }
      return null
    } finally {
      await journal.close()
    }
  } catch (error) {
    if (error instanceof LockedError) return null
    throw error
  }
}

/** What a proof shows. */
export interface CheckedProof {
  /** Whether its entry is in the log of its head. */
  readonly holds: boolean
  /** Whether the entry is of a text that was given; null where none was, or the proof cannot say. */
  readonly isOfText: boolean | null
}

/**
 * Checks a proof without the life.
 *
 * @param text What was learnt, as far as anybody knows it.
 * @throws OptionError for what is no proof.
 */
export function checkLearnt(proof: LearntProof, text?: string): CheckedProof {
  checkArgument('checkLearnt', 'proof', proof, checks.object<LearntProof>('a proof of proveLearnt'))
  if (text !== undefined) checkArgument('checkLearnt', 'text', text, checks.text)
  const { opening, since: _, ...inclusion } = proof
  const holds = checkInclusion(inclusion)
  if (text === undefined || opening === null || opening === undefined) return { holds, isOfText: null }
  const { salt, source, domain } = opening
  const { data } = JSON.parse(proof.entry) as AuditEntry
  return { holds, isOfText: experienceDigest(salt, { source, domain, text }) === data['digest'] }
}
