/** Checkpoints of a life that is served: kept, listed, gone back to. */
import { CheckpointError, describeCheckpoint, type Disk, keepCheckpoint, keptCheckpoints } from '@burgeon/gpt'
import type { CheckpointFacts, RolledBack, ServedCheckpoints } from '@burgeon/server'
import { auditEvents } from '../session/audit/audit-record.ts'
import { guessing } from '../session/diverged.ts'
import { type KnownLife, loadLife, saveLife } from '../session/life/life-checkpoint.ts'
import { feedbackOf } from '../session/life/life-feedback.ts'
import { type LifeRecord, recentBitsPerByte } from '../session/record/life-record.ts'
import { countFeedback } from './served-feedback.ts'
import { forgetGrowthRequests } from '../session/control/approvals.ts'
import { approvalsOf } from '../session/control/life-control.ts'
import { requireUnstopped } from '../session/control/stop-file.ts'
import type { LifeTeacher } from './teach-life.ts'

/** The life that is served, which may become another. */
export interface PresentLife {
  life(): KnownLife
  teacher(): LifeTeacher
  /** Serves another from now on, and lets go of the one before. */
  become(life: KnownLife): void
  /** Runs a piece of work while no source is learnt; learning goes on with the life of by then. */
  readonly whilePaused: (work: () => Promise<void>) => Promise<void>
}

/** Checkpoints in the folder of a life. */
export function servedCheckpoints(disk: Disk, present: PresentLife): ServedCheckpoints {
  /** A checkpoint that is kept never changes. */
  const known = new Map<number, CheckpointFacts>()
  const factsOf = async (kept: number | null): Promise<CheckpointFacts> => {
    const found = kept === null ? undefined : known.get(kept)
    if (found !== undefined) return found
    const facts = factsIn(disk, kept, await describeCheckpoint(disk, kept === null ? {} : { kept }))
    if (kept !== null) known.set(kept, facts)
    return facts
  }
  /** Saves the life and keeps it, in a turn. */
  const keep = async (): Promise<CheckpointFacts> => {
    await present.teacher().saveNow()
    const kept = await keepCheckpoint(disk)
    const { record } = present.life()
    // What the user keeps is not let go of when the life predicts well again.
    if (record.good?.kept === kept) record.good = { ...record.good, stays: true }
    return factsOf(kept)
  }
  return {
    async list() {
      const kept: CheckpointFacts[] = []
      for (const number of await keptCheckpoints(disk)) kept.push(await factsOf(number))
      return { present: await factsOf(null), kept }
    },
    keep: (turn) => turn(keep),
    async rollBack(kept, turn) {
      requireUnstopped(disk.place)
      let done: RolledBack | undefined
      await present.whilePaused(() =>
        turn(async () => {
          done = await rolledBack(kept, await keep())
        }),
      )
      return done as RolledBack
    },
  }

  async function rolledBack(kept: number, left: CheckpointFacts): Promise<RolledBack> {
    const before = present.life()
    // What the life may do is decided now, and not by what it was then.
    const { policy } = before.settings
    const life = await loadLife(disk, policy === undefined ? {} : { policy }, { kept })
    try {
      // Growth that somebody said yes to after that is asked for anew.
      await forgetGrowthRequests(disk.place)
      // What was said since is part of what was left.
      if (feedbackOf(life) !== undefined) life.record.feedbackRead = await countFeedback(disk)
      noteRollback(life.record, { kept, step: life.learner.step, from: left.step })
      const asks = approvalsOf(before)?.asks
      if (asks !== undefined) approvalsOf(life)?.ask(asks)
      await saveLife(disk, life)
    } catch (error) {
      letGo(life)
      throw error
    }
    present.become(life)
    letGo(before)
    return { to: await factsOf(null), left }
  }
}

/** Frees the numbers of a life; texts that are written by its weights keep theirs. */
function letGo({ learner }: KnownLife): void {
  learner.dispose()
  learner.model.parameters.dispose()
}

function noteRollback(
  record: LifeRecord,
  { kept, step, from }: { readonly kept: number; readonly step: number; readonly from: number },
): void {
  const summary = `back to the checkpoint ${kept} of step ${step}, from step ${from}`
  const event = { kind: 'rollback', step, part: 'checkpoints', summary, data: { kept, from } } as const
  record.events.push({ bytes: record.bytes, event })
  auditEvents(record, [event], record.parameters.at(-1)?.parameters ?? 0)
  // Whoever went back to it calls it good.
  record.good = { step, bitsPerByte: recentBitsPerByte(record) ?? guessing, kept: null }
}

/** Throws CheckpointError for one that holds no life. */
function factsIn(
  disk: Disk,
  kept: number | null,
  { learner, life }: Record<string, unknown>,
): CheckpointFacts {
  const step = (learner as { readonly step?: number } | undefined)?.step
  const record = (life as { readonly record?: LifeRecord } | undefined)?.record
  if (step === undefined || record === undefined) {
    throw new CheckpointError(`${disk.place}: checkpoint ${kept ?? 'present'} holds no life.`)
  }
  const { bytes, parameters } = record
  return {
    ...{ kept, step, bytes, parameters: parameters.at(-1)?.parameters ?? 0 },
    bitsPerByte: recentBitsPerByte(record),
  }
}
