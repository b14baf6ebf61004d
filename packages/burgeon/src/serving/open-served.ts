/** Opens whatever a path leads to, as a server needs it. */
import { basename, resolve } from 'node:path'
import { BytePairTokenizer, readCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import type { ServedModel } from '@burgeon/server'
import { modelFormAt } from '../models/model-form.ts'
import { openedAt } from '../models/open-model.ts'
import { transcriptOf } from '../models/transcript.ts'
import { loadLife } from '../session/life/life-checkpoint.ts'
import { teachLife } from './teach-life.ts'

/** How it is opened. */
export interface OpenServedOptions {
  /** Its name for clients; that of the folder or file unless given. */
  readonly id?: string
  /** Whether a life is left as it is. */
  readonly readOnly: boolean
  /** Writes a plain transcript, though the model has a chat template. */
  readonly plain: boolean
  readonly note: (text: string) => void
}

/**
 * A life that learns what it is taught, or any other model, which writes alone.
 *
 * @throws UsageError for a path that leads to no model, and what reading it throws.
 */
export async function openServed(path: string, options: OpenServedOptions): Promise<ServedModel> {
  const { readOnly, plain, note, id = basename(resolve(path)).replace(/\.gguf$/i, '') } = options
  if (!readOnly && (await isLife(path))) {
    const disk = nodeDisk(path)
    const life = await loadLife(disk)
    const { learner } = life
    const tokenizer = learner.strategy.vocabulary?.tokenizer ?? new BytePairTokenizer()
    return {
      ...{ id, model: learner.model, tokenizer, endTokens: [] },
      transcript: transcriptOf(tokenizer, plain),
      step: () => learner.step,
      teacher: teachLife(life, disk, note),
    }
  }
  const { model, tokenizer, endTokens } = await openedAt('serve', path)
  return { id, model, tokenizer, endTokens, transcript: transcriptOf(tokenizer, plain), step: () => 0 }
}

/** Whether a checkpoint holds a learner and its record, and not a model alone. */
async function isLife(path: string): Promise<boolean> {
  if ((await modelFormAt('serve', path)) !== 'checkpoint') return false
  const { learner, life } = await readCheckpoint(nodeDisk(path))
  return learner !== undefined && life !== undefined
}
