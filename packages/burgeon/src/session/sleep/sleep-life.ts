/** Has a life on disk sleep once. */
import type { SleepReport } from '@burgeon/continual'
import type { Disk } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { aFolder } from '../life/a-folder.ts'
import { keeper } from '../keeper.ts'
import { loadLife } from '../life/life-checkpoint.ts'
import { sleepNow } from './sleep-now.ts'

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
}

/**
 * Has the life in a folder sleep once, and saves it: it looks at its health, rehearses and dreams, and each
 * of that is undone where rows that were never learnt become worse. These are rows that it holds back where
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
  const lock = await disk.lock('session')
  try {
    return await sleepOn(disk, options)
  } finally {
    await lock.release()
  }
}

/** As `sleepLife`, of a disk that nobody else writes to. */
export async function sleepOn(
  disk: Disk,
  { steps, log = () => {} }: SleepLifeOptions = {},
): Promise<SleptLife> {
  const { life, report, judges } = await sleepNow(await loadLife(disk), steps)
  await keeper(life, { disk }, log).save()
  return { step: life.learner.step, judges, ...report }
}
