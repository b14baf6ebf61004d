/** Has a life on disk sleep once. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type ExperienceJournal, openExperience, type SleepReport } from '@burgeon/continual'
import type { Disk } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { requireUnstopped } from '../control/stop-file.ts'
import { aFolder } from '../life/a-folder.ts'
import { keeper } from '../keeper.ts'
import { loadLife } from '../life/life-checkpoint.ts'
import { tidying } from '../source/give-back.ts'
import { journalFolder } from '../source/record-session.ts'
import { keepHouse } from '../house/keep-house.ts'
import { sleepNow } from './sleep-now.ts'
import { lockLife } from '../life/lock-life.ts'

/** How much a life does asleep. */
export interface SleepLifeOptions {
  /**
   * It may take a twentieth of the operations of so many steps, ≥ 1. The steps since the last sleep count
   * unless given; of a life that never sleeps by itself, at most 5,000 of them.
   */
  readonly steps?: number
  /** Called with lines about the save that a user should know. */
  readonly log?: (line: string) => void
}

/** A sleep of a life on disk. Plain data. */
export interface SleptLife extends SleepReport {
  /** Updates that the life had made. */
  readonly step: number
  /** Rows that were never learnt, by which it was judged; where there are none, no job may change weights. */
  readonly judges: number
  /** What became of checkpoints that were kept, and of the files of its journal, for people. */
  readonly house: string
}

/**
 * Has the life in a folder sleep once, and saves it: it looks at its health, rehearses and dreams, and each
 * of that is undone where rows that were never learnt become worse. The checkpoint is kept, and earlier ones
 * that were kept so go when they had their time: all but the last three, the last of each of seven days, and
 * the last of each size of the model. These are rows that it holds back where
 * it was begun with `sleepEvery`, else the text that it holds out to measure on. Killed on the way, it is as
 * it was, or has slept.
 *
 * @param folder Holds a life.
 * @throws CheckpointError if there is no life, or it could not be saved; LockedError if another process has
 *   it.
 * @example
 * ```ts
 * const { jobs } = await sleepLife('life', { steps: 1000 })
 * console.log(jobs.map(({ job, kept, reason }) => `${job} ${kept ? 'kept' : 'undone'}: ${reason}`))
 * ```
 */
export async function sleepLife(folder: string, options: SleepLifeOptions = {}): Promise<SleptLife> {
  const who = 'sleepLife'
  checkArgument(who, 'folder', folder, aFolder)
  checkOptions(who, options, { steps: checks.integer({ from: 1 }), log: checks.callback() })
  const disk = nodeDisk(folder)
  const lock = await lockLife(disk)
  const place = join(folder, journalFolder)
  try {
    const journal = existsSync(place) ? await openExperience(nodeDisk(place)) : undefined
    try {
      return await sleepOn({ disk, journal, now: Date.now() }, options)
    } finally {
      await journal?.close()
    }
  } finally {
    await lock.release()
  }
}

/** A life on a disk that nobody else writes to. */
interface LifeOnDisk {
  readonly disk: Disk
  /** None where it never learnt records. */
  readonly journal?: ExperienceJournal | undefined
  /** Milliseconds since 1970 (UTC). */
  readonly now: number
}

/** As `sleepLife`. */
export async function sleepOn(
  { disk, journal, now }: LifeOnDisk,
  { steps, log = () => {} }: SleepLifeOptions = {},
): Promise<SleptLife> {
  requireUnstopped(disk.place)
  const { life, report, judges } = await sleepNow(await loadLife(disk), steps)
  const tidy = journal && tidying(journal, () => life.origin.experience?.next ?? 0, log)
  const { save } = keeper(life, { disk }, log)
  const { summary: house } = await keepHouse(life, { disk, tidy, now, save })
  return { step: life.learner.step, judges, house, ...report }
}
