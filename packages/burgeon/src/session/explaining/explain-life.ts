/** Explains an answer of the life in a folder. */
import {
  explain,
  type Explanation,
  joinBatches,
  retrace,
  type RetracedLife,
  type TokenBatch,
} from '@burgeon/continual'
import { keptCheckpoints } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { BurgeonError, checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { aFolder } from '../life/a-folder.ts'
import { type KnownLife, loadLife } from '../life/life-checkpoint.ts'
import { batchesOfExperiences, learntExperiences, pastOfLife } from './life-past.ts'

/** What is explained, and how much that may cost. */
export interface ExplainLifeOptions {
  /** Another answer of as many tokens, instead of which it is given. */
  readonly instead?: string
  /** Experiences that are told, from 0. 5 unless given. */
  readonly experiences?: number
  /**
   * Whether the life is lived again without each of them, and what is told is exact. It takes as long as all
   * that it has learnt, several times. False unless given.
   */
  readonly replay?: boolean
}

/** Why a life answers as it does. Plain data. */
export interface LifeExplanation extends Explanation {
  /** Why no life was lived again though it was to be; null where one was, or none was to be. */
  readonly notReplayed: string | null
}

/** Experiences that are looked at, at most: the latest. */
const maxExperiences = 2000
/** Checkpoints that were kept whose gradients count, at most: the latest. */
const maxCheckpoints = 3

/**
 * Explains why the life in a folder would answer a text as it is said, see `explain`. Rows that may have
 * taught it come from its journal of experience, or are those it rehearses where it has none; gradients
 * are those of the present and of the latest checkpoints that were kept. Changes nothing in the folder.
 *
 * @param folder Holds a life.
 * @throws CheckpointError if there is no life; LockedError if another process has its journal open;
 *   OptionError, ExplanationError as `explain`.
 */
export async function explainLife(
  folder: string,
  prompt: string,
  answer: string,
  options: ExplainLifeOptions = {},
): Promise<LifeExplanation> {
  const who = 'explainLife'
  checkArgument(who, 'folder', folder, aFolder)
  checkArgument(who, 'prompt', prompt, checks.text)
  checkArgument(who, 'answer', answer, checks.text)
  checkOptions(who, options, { instead: checks.text, experiences: checks.count, replay: checks.boolean })
  const { replay = false, ...how } = options
  const disk = nodeDisk(folder)
  const life = await loadLife(disk)
  const kept = (await keptCheckpoints(disk)).slice(-maxCheckpoints)
  const checkpoints = []
  for (const number of kept) checkpoints.push((await loadLife(disk, {}, { kept: number })).learner)
  const rows = rowsOf(
    await batchesOfExperiences(life, (await learntExperiences(disk, life)).slice(-maxExperiences)),
  )
  const retraced = replay ? await retracedLife(disk, life) : null
  const told = await explain(life.learner, prompt, answer, {
    ...{ ...how, checkpoints },
    ...(rows && { rows }),
    ...(retraced !== null && 'learner' in retraced && { life: retraced }),
  })
  return { ...told, notReplayed: retraced !== null && 'why' in retraced ? retraced.why : null }
}

const rowsOf = (batches: readonly TokenBatch[]): TokenBatch | null =>
  batches.length === 0 ? null : joinBatches(batches)

/** The life, lived again; or why it cannot be. */
async function retracedLife(
  disk: Parameters<typeof pastOfLife>[0],
  life: KnownLife,
): Promise<RetracedLife | { readonly why: string }> {
  try {
    return await retrace(life.learner, await pastOfLife(disk, life))
  } catch (error) {
    if (!(error instanceof BurgeonError)) throw error
    return { why: error.message }
  }
}
