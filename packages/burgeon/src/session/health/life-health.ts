/** The health of a life on disk: whether its files are whole, have room, and hold a healthy learner. */
import { existsSync } from 'node:fs'
import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { checkHealth, type Learner, openExperience, verifyAudit } from '@burgeon/continual'
import { type Disk, hasCheckpoint, keptCheckpoints, LockedError, readCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { checkArgument, checks } from '@burgeon/tensor'
import { aFolder } from '../life/a-folder.ts'
import { type KnownLife, loadLife } from '../life/life-checkpoint.ts'
import { journalFolder } from '../source/record-session.ts'

/** One check of a life. Plain data. */
export interface LifeFinding {
  /** What was looked at: `checkpoint`, `room on disk`, or what `checkHealth` looks at. */
  readonly name: string
  readonly ok: boolean
  /** What was seen, and what was expected, for people. */
  readonly seen: string
  readonly expected: string
  /** The file, part or block that it is about. */
  readonly where: string
}

/** The latest time of a `Date`, in milliseconds. */
const latestTime = 8.64e15
/** Files may be so many milliseconds younger than the clock says. */
const patience = 60_000
/** A save writes the new checkpoint beside the old one. */
const timesOfCheckpoint = 2

/**
 * Looks at a life on disk: that the present checkpoint, those that were kept, the journal of experience and
 * the audit log are whole, by their checksums; that the journal has all that the checkpoint learnt; that the disk has room
 * for the next save; that no file is of a later time than now; and, where the checkpoint can be read, at the
 * learner, as `checkHealth` does. Changes nothing. A journal that another process has open is left out.
 *
 * @param folder Holds a life.
 * @param now The time in milliseconds, as `Date.now()` says it.
 * @throws CheckpointError if there is no checkpoint at all.
 */
export async function lifeHealth(folder: string, now: number): Promise<readonly LifeFinding[]> {
  checkArgument('lifeHealth', 'folder', folder, aFolder)
  checkArgument('lifeHealth', 'now', now, checks.number({ from: 0, to: latestTime }))
  const disk = nodeDisk(folder)
  // Throws where there is none; damage is a finding.
  const names = await keptCheckpoints(disk)
  const [present, life] = await presentLife(disk)
  return [
    present,
    ...(await Promise.all(names.map((kept) => keptFinding(disk, kept)))),
    ...(await journalFindings(folder, life)),
    await auditFinding(disk, life),
    await roomFinding(folder),
    await clockFinding(folder, now),
    ...(life === null ? [] : await learnerFindings(life)),
  ]
}

const whole = 'whole, by its checksums'

async function presentLife(disk: Disk): Promise<[LifeFinding, KnownLife | null]> {
  const finding = { name: 'checkpoint', expected: whole, where: disk.place }
  try {
    const life = await loadLife(disk)
    return [{ ...finding, ok: true, seen: 'whole' }, life]
  } catch (error) {
    // Nothing to look at is no finding.
    if (!(await hasCheckpoint(disk))) throw error
    return [{ ...finding, ok: false, seen: (error as Error).message }, null]
  }
}

async function keptFinding(disk: Disk, kept: number): Promise<LifeFinding> {
  const finding = { name: 'kept checkpoint', expected: whole, where: `${disk.place}, number ${kept}` }
  try {
    await readCheckpoint(disk, { kept })
    return { ...finding, ok: true, seen: 'whole' }
  } catch (error) {
    return { ...finding, ok: false, seen: (error as Error).message }
  }
}

/** @param life Null where its checkpoint cannot be read. */
async function journalFindings(folder: string, life: KnownLife | null): Promise<LifeFinding[]> {
  const place = join(folder, journalFolder)
  const learnt = life?.origin.experience?.next ?? 0
  if (!existsSync(place) && learnt === 0) return []
  const finding = {
    name: 'journal',
    expected: `whole, and with all ${learnt} that were learnt`,
    where: place,
  }
  try {
    const journal = await openExperience(nodeDisk(place))
    try {
      for await (const _ of journal.read(journal.first)) continue
      const seen = `whole, with ${journal.next}`
      return [{ ...finding, ok: journal.next >= learnt, seen }]
    } finally {
      await journal.close()
    }
  } catch (error) {
    if (error instanceof LockedError) return []
    return [{ ...finding, ok: false, seen: (error as Error).message }]
  }
}

/** @param life Null where its checkpoint cannot be read: nobody knows how far the log must come then. */
async function auditFinding(disk: Disk, life: KnownLife | null): Promise<LifeFinding> {
  const place = life?.record.audit?.place
  const { ok, head, wrong } = await verifyAudit(disk, place === undefined ? {} : { place })
  return {
    ...{ name: 'audit log', ok, where: wrong?.place?.file ?? disk.place },
    seen: wrong === null ? `whole, with ${head.size} entries` : `entry ${wrong.from}: ${wrong.reason}`,
    expected: `whole${place === undefined ? '' : `, with all ${place.size} that the checkpoint knows of`}`,
  }
}

/** Whether the next save has room beside what is there. */
async function roomFinding(folder: string): Promise<LifeFinding> {
  const { bavail, bsize } = await statfs(folder)
  const files = await Promise.all((await readdir(folder)).map((name) => stat(join(folder, name))))
  const used = files.reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0)
  return {
    ...{ name: 'room on disk', ok: bavail * bsize >= timesOfCheckpoint * used, where: folder },
    ...{ seen: `${bavail * bsize} bytes`, expected: `${timesOfCheckpoint * used} bytes or more` },
  }
}

/** A clock that was put back makes files that are of a later time. */
async function clockFinding(folder: string, now: number): Promise<LifeFinding> {
  const files = await Promise.all(
    (await readdir(folder)).map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })),
  )
  const [latest] = files.toSorted((a, b) => b.at - a.at)
  return {
    ...{ name: 'clock', ok: latest.at <= now + patience, where: join(folder, latest.name) },
    ...{ seen: new Date(latest.at).toISOString(), expected: `no later than ${new Date(now).toISOString()}` },
  }
}

async function learnerFindings({ learner, settings }: KnownLife): Promise<LifeFinding[]> {
  const { findings } = await checkHealth(learner)
  return [
    ...findings.map(({ seen, ...rest }) => ({ ...rest, seen: String(seen) })),
    ...(settings.coverage === undefined ? [] : coverageFindings(learner, settings.coverage)),
  ]
}

/** Predictions by which coverage is judged, and by how much it may be off in them. */
const [fewestPredictions, allowedMiss] = [2000, 0.03]

/** Whether sets held what came as often as promised, domain by domain. */
function coverageFindings({ strategy }: Learner, promised: number): LifeFinding[] {
  const calibration = Object.entries(strategy.assessment?.summary().calibration ?? {})
  return calibration.flatMap(([where, { predictions, coverage }]) =>
    predictions < fewestPredictions
      ? []
      : [
          {
            ...{ name: 'coverage of sets', where, ok: Math.abs(coverage - promised) <= allowedMiss },
            ...{ seen: coverage.toFixed(3), expected: `${promised}, within ${allowedMiss}` },
          },
        ],
  )
}
