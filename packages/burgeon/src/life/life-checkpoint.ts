/** Saves a life and wakes it up again. */
import type { Learner, LearnerState } from '@burgeon/continual'
import { CheckpointError, type Disk, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { type LifeSettings, rebuildLearner } from './build-learner.ts'
import type { LifeRecord } from './life-record.ts'

/** A life between two steps. */
export interface Life {
  readonly settings: LifeSettings
  readonly learner: Learner
  readonly record: LifeRecord
}

/** Writes everything a life is, indivisibly: a killed process finds this one or the one before. */
export async function saveLife(disk: Disk, { settings, learner, record }: Life): Promise<void> {
  const { model, ...rest } = await learner.toState()
  await writeCheckpoint(disk, { model, learner: rest, life: { settings, record } })
}

/** Reads a life. Throws CheckpointError if there is none, it is damaged, or it is something else. */
export async function loadLife(disk: Disk): Promise<Life> {
  const parts = await readCheckpoint(disk)
  if (!parts.model || !parts.learner || !parts.life) {
    throw new CheckpointError(
      `${disk.place}: this checkpoint holds ${Object.keys(parts).join(', ')}, which is no life.`,
    )
  }
  const { settings, record } = parts.life as Pick<Life, 'settings' | 'record'>
  const state = { ...parts.learner, model: parts.model } as LearnerState
  return { settings, learner: rebuildLearner(settings, state), record }
}
