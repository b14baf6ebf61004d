/** Lives a life again without some records: what they taught leaves the weights. */
import { join } from 'node:path'
import { type AdmittedExperience, type ForgetWhat, openExperience } from '@burgeon/continual'
import { type Disk, hasCheckpoint, keptCheckpoints, restoreCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { checkArgument, OptionError } from '@burgeon/tensor'
import { newSalt } from '../../sources/records/salted-digest.ts'
import { recordsFrom } from '../../sources/records/iterable-source.ts'
import { learnRecords, type LearnRecordsOptions } from '../learn-records.ts'
import { noteAudit } from '../audit/audit-record.ts'
import { carryAudit } from '../audit/carry-audit.ts'
import { aFolder } from '../life/a-folder.ts'
import { buildLearner } from '../life/build-learner.ts'
import { type KnownLife, loadLife, saveLife } from '../life/life-checkpoint.ts'
import { newOrigin } from '../life/life-origin.ts'
import { emptyRecord } from '../record/life-record.ts'
import { journalFolder } from '../source/record-session.ts'
import { isOf } from './forget-records.ts'
import { lockLife } from '../life/lock-life.ts'

/** How a life was lived again. Plain data. */
export interface LivedWithout {
  /** Number of the kept checkpoint that it began with; null where it was born anew. */
  readonly from: number | null
  /** Experiences that were left out. */
  readonly experiences: number
  /** Whether all the others were learnt: false where it was stopped, and `learnRecords` goes on. */
  readonly done: boolean
}

/**
 * Makes a life, in a folder of its own, that never learnt some records, nor any that were forgotten before: it
 * begins with the latest checkpoint from before the first of them, or is born anew, and learns all others out
 * of the journal. It ends with the bits of a life to which they never came. The folder of the first life stays
 * as it is.
 *
 * @param folder Holds a life that has learnt nothing but records, of which its journal gave none back for room.
 * @param out A folder without a checkpoint.
 * @throws CheckpointError if there is no life; LockedError if another process has it; OptionError if the
 *   journal lacks some of what was learnt, has none of what is meant, or `out` holds a checkpoint: nothing is
 *   written then.
 */
export async function liveWithout(
  folder: string,
  out: string,
  what: ForgetWhat,
  options: Pick<LearnRecordsOptions, 'signal' | 'onStep' | 'log'> = {},
): Promise<LivedWithout> {
  const who = 'liveWithout'
  checkArgument(who, 'folder', folder, aFolder)
  checkArgument(who, 'out', out, aFolder)
  const [disk, to] = [nodeDisk(folder), nodeDisk(out)]
  const lock = await lockLife(disk)
  let begun: Omit<LivedWithout, 'done'>
  try {
    begun = await begin(disk, to, what)
  } finally {
    await lock.release()
  }
  const done = await learnRecords(out, recordsFrom('journal', nothingMore()), options)
  return { ...begun, done }
}

async function begin(disk: Disk, to: Disk, what: ForgetWhat): Promise<Omit<LivedWithout, 'done'>> {
  if (await hasCheckpoint(to)) {
    throw new OptionError(`${to.place}: it holds a checkpoint already; expected a folder without one.`)
  }
  const life = await loadLife(disk)
  requireRecordsOnly(disk, life)
  // Throws for what names neither a source nor numbers; this life is not saved.
  await life.learner.forget(what)
  const { all, next } = await readAll(disk)
  const isMeant = isOf(what)
  const left = all.filter(({ origin }) => !isMeant(origin))
  if (left.length === next) {
    throw new OptionError(`${disk.place}: its journal has nothing of what is meant; expected some of it.`)
  }
  const ids = new Set(left.map(({ origin }) => origin.id))
  let first = 0
  while (ids.has(first)) first++
  const from = await latestBefore(disk, first)
  const experiences = next - left.length
  if (from !== null) {
    await restoreCheckpoint(disk, to, { kept: from })
    await carryAudit(
      disk,
      to,
      { kind: 'lived again', data: { kept: from, without: experiences } },
      Date.now(),
    )
  } else await bear(disk, to, life, experiences)
  const journal = await openExperience(nodeDisk(join(to.place, journalFolder)))
  try {
    for (const { origin, key, text, salt = newSalt() } of left) {
      const { source, domain, trust } = origin
      await journal.append([{ source, domain, trust, salt, text, ...(key !== null && { key }) }])
    }
  } finally {
    await journal.close()
  }
  return { from, experiences }
}

/** A life that has not begun. */
async function bear(disk: Disk, to: Disk, { settings }: KnownLife, without: number): Promise<void> {
  if (settings.pretrained) {
    throw new OptionError(
      `${disk.place}: it began with weights of others, and no checkpoint was kept from before; expected one.`,
    )
  }
  const learner = buildLearner(settings)
  const record = emptyRecord(learner.model.parameters.size)
  noteAudit(record, 0, 'lived again', { kept: null, without })
  await saveLife(to, { settings, learner, record, origin: newOrigin('learn') })
}

function requireRecordsOnly({ place }: Disk, { origin }: KnownLife): void {
  const [read] = origin.sources
  if (read === undefined) return
  throw new OptionError(
    `${place}: it has read ${read.label} too, which no journal has; expected a life that has learnt nothing but records.`,
  )
}

/** Everything that was ever admitted and is not forgotten yet, and how much that was before. */
async function readAll(disk: Disk): Promise<{ all: AdmittedExperience[]; next: number }> {
  const journal = await openExperience(nodeDisk(join(disk.place, journalFolder)))
  try {
    const { first, next } = journal
    if (first > 0) {
      throw new OptionError(
        `${disk.place}: its journal has given back the first ${first} of ${next} experiences; expected all of them (--keep-experience says how much stays).`,
      )
    }
    const all: AdmittedExperience[] = []
    for await (const one of journal.read(0)) all.push(one)
    return { all, next }
  } finally {
    await journal.close()
  }
}

/** The latest kept checkpoint that has learnt nothing from an experience on; null for none. */
async function latestBefore(disk: Disk, id: number): Promise<number | null> {
  for (const kept of (await keptCheckpoints(disk)).toReversed()) {
    const { origin } = await loadLife(disk, {}, { kept })
    const { next, bytes } = origin.experience ?? { next: 0, bytes: 0 }
    if (next < id || (next === id && bytes === 0)) return kept
  }
  return null
}

async function* nothingMore(): AsyncGenerator<never, void, void> {}
