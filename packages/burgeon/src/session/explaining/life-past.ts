/** The past of a life that has learnt nothing but records: its checkpoints, and what it learnt since. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AdmittedExperience,
  type LifeMoment,
  openExperience,
  type Past,
  type TokenBatch,
} from '@burgeon/continual'
import { type Disk, keptCheckpoints } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { OptionError } from '@burgeon/tensor'
import { buildLearner } from '../life/build-learner.ts'
import { type KnownLife, loadLife } from '../life/life-checkpoint.ts'
import { recordBatches } from '../source/record-batches.ts'
import { journalFolder } from '../source/record-session.ts'

/** All that the journal in the folder of a life still has of what it has learnt. */
export async function learntExperiences(
  { place }: Disk,
  { origin }: KnownLife,
): Promise<AdmittedExperience[]> {
  const folder = join(place, journalFolder)
  const { next } = origin.experience ?? { next: 0 }
  if (next === 0 || !existsSync(folder)) return []
  const journal = await openExperience(nodeDisk(folder))
  try {
    const all: AdmittedExperience[] = []
    for await (const one of journal.read(journal.first)) if (one.origin.id < next) all.push(one)
    return all
  } finally {
    await journal.close()
  }
}

/** Experiences as the batches that a life learns of them when none is waited for. */
export async function batchesOfExperiences(
  life: KnownLife,
  experiences: readonly AdmittedExperience[],
): Promise<TokenBatch[]> {
  const from = { next: experiences[0]?.origin.id ?? 0, bytes: 0 }
  const found: TokenBatch[] = []
  for await (const { batch } of recordBatches(life, inOrder(experiences), { from, patience: 2 ** 30 })) {
    found.push(batch)
  }
  return found
}

async function* inOrder<T>(items: readonly T[]): AsyncGenerator<T, void, void> {
  yield* items
}

/**
 * The past of a life, from its birth on.
 *
 * @throws OptionError for a life that has read anything else, began with weights of others, or whose journal
 *   has not all that it learnt.
 */
export async function pastOfLife(disk: Disk, life: KnownLife): Promise<Past> {
  const { settings, origin } = life
  const { next } = origin.experience ?? { next: 0 }
  const experiences = await learntExperiences(disk, life)
  if (origin.sources.length > 0 || settings.pretrained || next === 0 || experiences.length !== next) {
    throw new OptionError(
      `${disk.place}: it cannot be lived again; expected a life that was born here and has learnt nothing but records, all of which its journal still has.`,
    )
  }
  const moments: LifeMoment[] = [{ step: 0, begin: () => buildLearner(settings) }]
  for (const kept of await keptCheckpoints(disk)) {
    const { learner } = await loadLife(disk, {}, { kept })
    const { step } = learner
    learner.dispose()
    learner.model.dispose()
    const isNew = step > moments[moments.length - 1].step && step <= life.learner.step
    if (isNew) moments.push({ step, begin: async () => (await loadLife(disk, {}, { kept })).learner })
  }
  return { moments, observed: await batchesOfExperiences(life, experiences) }
}
