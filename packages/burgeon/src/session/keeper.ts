/** Saves a life so that a good checkpoint is never lost to a worse one. */
import { CheckpointError, type Disk, forgetCheckpoint, keepCheckpoint, keptCheckpoints } from '@burgeon/gpt'
import { count } from '../terminal/quantities.ts'
import { pathArgument, shellCommand } from '../terminal/shell-word.ts'
import { DivergedError, guessing, isFarWorse } from './diverged.ts'
import { type Life, saveLife } from './life/life-checkpoint.ts'
import { recentBitsPerByte } from './record/life-record.ts'

export interface Keeper {
  /**
   * Saves the life. Before a checkpoint that predicts far worse than the last good one takes its place, that
   * one is kept; once the life predicts well again, it is let go of.
   *
   * @throws CheckpointError that says why it could not, and what remains.
   */
  save(): Promise<void>
  /** Keeps the last good checkpoint, and returns the error that says what to do with it. */
  diverged(cause?: Error): Promise<DivergedError>
  /** Whether an error came from here. */
  isOwn(error: unknown): boolean
  /** A sentence about the checkpoint that the folder holds. */
  remains(): string
}

/** Disk and options of a keeper. */
interface KeeperOptions {
  readonly disk: Disk
  /** Whether checkpoints are also kept for other reasons, and must not be let go of. */
  readonly keepSizes?: boolean
  readonly resumeCommand?: string
}

/** @param note Called with what the user should know. */
export function keeper(
  life: Life,
  { disk, keepSizes = false, resumeCommand = 'burgeon learn FILE --resume' }: KeeperOptions,
  note: (text: string) => void,
): Keeper {
  const { record, learner } = life
  const own = new WeakSet<object>()
  const theOwn = <E extends Error>(error: E): E => {
    own.add(error)
    return error
  }
  const remains = (): string =>
    record.good === null
      ? 'There is no checkpoint yet.'
      : `The checkpoint of step ${count(record.good.step)} stays.`

  const restoreCommand = (kept: number): string =>
    shellCommand('restore', '--from', pathArgument(disk.place), '--kept', String(kept), '--out', 'FOLDER')

  /** Keeps the good checkpoint, unless it is kept already. */
  const keep = async (): Promise<void> => {
    if (record.good === null || record.good.kept !== null) return
    const others = await keptCheckpoints(disk)
    const kept = await keepCheckpoint(disk)
    record.good = { ...record.good, kept, ...(others.includes(kept) && { stays: true }) }
  }
  const save = async (): Promise<void> => {
    const now = recentBitsPerByte(record) ?? guessing
    const before = record.good
    if (before !== null && isFarWorse(now, before)) {
      await keep()
      if (before.kept === null) {
        note(
          `the loss has risen from ${before.bitsPerByte.toFixed(2)} to ${now.toFixed(2)} bits/byte since the last checkpoint; ` +
            `that one is kept as ${record.good?.kept} until it has fallen again`,
        )
      }
      await saveLife(disk, life)
      return
    }
    record.good = { step: learner.step, bitsPerByte: now, kept: null }
    try {
      await saveLife(disk, life)
    } catch (error) {
      record.good = before
      throw error
    }
    const { kept = null, stays = false } = before ?? {}
    if (kept !== null && !stays && !keepSizes) await forgetCheckpoint(disk, kept)
  }
  return {
    async save() {
      try {
        await save()
      } catch (error) {
        const failure = theOwn(
          new CheckpointError(
            `${disk.place}: could not save step ${count(learner.step)}: ${(error as Error).message}. ${remains()}`,
            { cause: error },
          ),
        )
        throw failure
      }
    },
    async diverged(cause) {
      const now = recentBitsPerByte(record)
      const how =
        cause === undefined
          ? `the latest steps cost ${now?.toFixed(1)} bits/byte, where guessing costs ${guessing}`
          : cause.message
      await keep().catch(() => {})
      const { good } = record
      return theOwn(
        new DivergedError(
          `learning has ruined the weights (${how}); they were not saved. ${remains()} ` +
            (good?.kept == null ? '' : `It is kept as ${good.kept}; ${restoreCommand(good.kept)} gets it. `) +
            `Go on with a lower rate: ${resumeCommand} --learning-rate ${Math.min(life.settings.learningRate / 10, 1e-3)}`,
          ...(cause === undefined ? [] : [{ cause }]),
        ),
      )
    },
    isOwn: (error) => typeof error === 'object' && error !== null && own.has(error),
    remains,
  }
}
