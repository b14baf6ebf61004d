/** Saves a life and wakes it up again. */
import type { Learner, LearnerState } from '@burgeon/continual'
import { CheckpointError, type Disk, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { type LifeSettings, rebuildLearner } from './build-learner.ts'
import { type LifeOrigin, newOrigin } from './life-origin.ts'
import { type LifeRecord, recordFromState } from './life-record.ts'

/** A life between two steps. */
export interface Life {
  readonly settings: LifeSettings
  readonly learner: Learner
  readonly record: LifeRecord
  /** What made it and what it has read; nobody knows unless given. */
  readonly origin?: LifeOrigin
}

/** A life that knows where it comes from. */
export type KnownLife = Life & { readonly origin: LifeOrigin }

/** Writes everything a life is, indivisibly: a killed process finds this one or the one before. */
export async function saveLife(
  disk: Disk,
  { settings, learner, record, origin = newOrigin('unknown') }: Life,
): Promise<void> {
  const { model, ...rest } = await learner.toState()
  await writeCheckpoint(disk, { model, learner: rest, life: { settings, record, origin } })
}

/**
 * Reads a life.
 *
 * @param changes Settings that are to be others from now on; only those that no part of a learner is made of can be.
 * @throws CheckpointError if there is none, it is damaged, or it is something else.
 */
export async function loadLife(
  disk: Disk,
  changes: Partial<Pick<LifeSettings, 'maxParameters' | 'learningRate'>> = {},
): Promise<KnownLife> {
  const parts = await readCheckpoint(disk)
  if (!parts.model || !parts.learner || !parts.life) {
    throw new CheckpointError(
      `${disk.place}: this checkpoint holds ${Object.keys(parts).join(', ')}, which is no life.`,
    )
  }
  const saved = parts.life as Pick<Life, 'settings' | 'record' | 'origin'>
  const settings = { ...saved.settings, ...changes }
  const state = { ...parts.learner, model: parts.model } as LearnerState
  const { record, origin = newOrigin('unknown') } = saved
  const learner = rebuildLearner(settings, state)
  return { settings, learner, record: recordFromState(record), origin }
}
