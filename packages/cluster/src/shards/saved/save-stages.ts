/** Saves a model in stages: every stage its part, then the manifest of all. */
import type { Disk, GptConfig } from '@burgeon/gpt'
import { messageOf } from '../work/message.ts'
import type { Stages } from '../work/stages.ts'
import { nextSequence, removeParts, type SavedPart, writeStagesManifest } from './saved-stages.ts'

/**
 * Has every stage write its part, and puts the manifest in its place.
 *
 * @throws ShardError if a stage fails; what was written for this save is removed then, and the checkpoint before
 *   stays.
 */
export async function saveStages(
  stages: Stages,
  disk: Disk,
  { config, step }: { readonly config: GptConfig; readonly step: number },
): Promise<void> {
  const lock = await disk.lock('save')
  try {
    const sequence = await nextSequence(disk)
    const name = `stages-${String(sequence).padStart(6, '0')}`
    const written = await Promise.allSettled(stages.all(messageOf('save', { step, name })))
    const failed = written.find((each) => each.status === 'rejected')
    if (failed !== undefined) {
      await removeParts(disk, (own) => own === sequence)
      throw failed.reason
    }
    const parts = written.flatMap((each): SavedPart[] =>
      each.status === 'fulfilled' ? [each.value.facts as unknown as SavedPart] : [],
    )
    await writeStagesManifest(disk, { sequence, config, step, parts })
  } finally {
    await lock.release()
  }
}
