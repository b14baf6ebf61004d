/** Has a life forget records: what it keeps of them goes, in its checkpoint and in its journal. */
import { join } from 'node:path'
import { type ForgetWhat, type Forgotten, openExperience, type Origin } from '@burgeon/continual'
import { forgetCheckpoint, keptCheckpoints } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { checkArgument, checkOptions, checks, OptionError } from '@burgeon/tensor'
import { aFolder } from '../life/a-folder.ts'
import { newSalt, saltedDigest } from '../../sources/records/salted-digest.ts'
import { auditOf, noteAudit } from '../audit/audit-record.ts'
import { type KnownLife, loadLife, saveLife } from '../life/life-checkpoint.ts'
import { feedbackWithout } from './forget-feedback.ts'
import { journalFolder } from '../source/record-session.ts'
import { lockLife } from '../life/lock-life.ts'

/** How a life forgets. */
export interface ForgetRecordsOptions {
  /** Whether checkpoints that were kept, which hold what is to be forgotten, go as well. False unless given. */
  readonly dropKept?: boolean
}

/** What was forgotten. Plain data. */
export interface ForgottenRecords {
  /** Experiences that the journal let go of. */
  readonly experiences: number
  /** How much each part of the learner let go of, by its name: rows, or bytes of text. */
  readonly parts: Forgotten
  /** Numbers of the kept checkpoints that are gone. */
  readonly dropped: readonly number[]
}

/**
 * Has the life in a folder let go of all that it keeps of a source, or of some experiences by their numbers:
 * rows that are rehearsed or held back, texts that are recalled, what it said of answers, and the journal of
 * experience. No byte of their texts stays in the folder. The weights stay; `liveWithout` makes a life that
 * never learnt them.
 *
 * Killed on the way, it is to be called again.
 *
 * @param folder Holds a life that has learnt records.
 * @throws CheckpointError if there is no life; LockedError if another process has it; OptionError if kept
 *   checkpoints would still hold what is forgotten, or a part cannot forget: nothing is forgotten then;
 *   ExperienceError for a damaged journal.
 */
export async function forgetRecords(
  folder: string,
  what: ForgetWhat,
  options: ForgetRecordsOptions = {},
): Promise<ForgottenRecords> {
  const who = 'forgetRecords'
  checkArgument(who, 'folder', folder, aFolder)
  checkOptions(who, options, { dropKept: checks.boolean })
  const { dropKept = false } = options
  const disk = nodeDisk(folder)
  const lock = await lockLife(disk)
  try {
    const life = await loadLife(disk)
    const kept = await keptCheckpoints(disk)
    if (kept.length > 0 && !dropKept) {
      throw new OptionError(
        `${disk.place}: the checkpoints ${kept.join(', ')} were kept and hold what is to be forgotten; expected them to go as well (dropKept, or --drop-kept). Nothing was forgotten.`,
      )
    }
    const parts = await life.learner.forget(what)
    const writeFeedback =
      'source' in what ? await feedbackWithout(disk, life, what.source) : () => Promise.resolve()
    noteForgotten(life, what, parts, kept)
    const journal = await openExperience(nodeDisk(join(folder, journalFolder)))
    try {
      if (life.record.good !== null) life.record.good = { ...life.record.good, kept: null, stays: false }
      // Where the disk is full, this fails, and everything is as it was.
      await saveLife(disk, life)
      for (const number of kept) await forgetCheckpoint(disk, number)
      // A save gives back the room of what was kept.
      if (kept.length > 0) await saveLife(disk, life)
      await writeFeedback()
      const isMeant = isOf(what)
      return { experiences: await journal.forget(isMeant), parts, dropped: kept }
    } finally {
      await journal.close()
    }
  } finally {
    await lock.release()
  }
}

/** Notes it, by a new salt: what was named by the old one can be named no more. */
function noteForgotten(
  { learner, record }: KnownLife,
  what: ForgetWhat,
  parts: Forgotten,
  dropped: readonly number[],
): void {
  const audit = auditOf(record)
  audit.salt = newSalt()
  const whose = 'source' in what ? { source: saltedDigest(audit.salt, [what.source]) } : { ids: what.ids }
  noteAudit(record, learner.step, 'forget', { ...whose, parts, dropped })
}

/** Whether an experience is meant by what a learner has taken. */
export function isOf(what: ForgetWhat): (origin: Origin) => boolean {
  if ('source' in what) return ({ source }) => source === what.source
  const ids = new Set(what.ids)
  return ({ id }) => ids.has(id)
}
