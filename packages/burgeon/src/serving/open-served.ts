/** Models as a server needs them. */
import { basename, resolve } from 'node:path'
import { type Recall, recallWhileWriting } from '@burgeon/continual'
import { BytePairTokenizer, describeCheckpoint, type GrowingTokenizer } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import type { ServedModel } from '@burgeon/server'
import { modelFormAt } from '../models/model-form.ts'
import { ownOutputOf, outputOf } from '../models/own-output.ts'
import { openedAt } from '../models/open-model.ts'
import { labelledPrompt } from '../models/saved-labels.ts'
import { transcriptOf } from '../models/transcript.ts'
import type { KnownLife } from '../session/life/life-checkpoint.ts'
import { speakerOf } from '../session/life/speaker.ts'
import type { LifeNews } from './life-news.ts'
import { servedAudit } from './served-audit.ts'
import { type PresentLife, servedCheckpoints } from './served-checkpoints.ts'
import { servedControl } from './control/served-control.ts'
import { servedExplain } from './served-explain.ts'
import { servedFeedback } from './served-feedback.ts'
import { servedGrowth } from './served-growth.ts'
import { servedReport } from './served-report.ts'
import { servedSenses } from './senses/served-senses.ts'
import { teachLife, type TeachLifeOptions } from './teach-life.ts'

/** How it is served. */
export interface ServedOptions {
  /** Its name for clients; that of the folder or file unless given. */
  readonly id?: string | undefined
  /** Writes a plain transcript, though the model has a chat template. */
  readonly plain: boolean
}

/** How a life is served. */
export interface ServedLifeOptions extends ServedOptions, TeachLifeOptions {
  readonly watcher: LifeNews
  /** Runs a rollback while no source is learnt; at once unless given. */
  readonly whilePaused?: PresentLife['whilePaused']
  /** Is told which life it is from now on. */
  readonly onRollback?: (life: KnownLife) => void
}

const idOf = (path: string): string => basename(resolve(path)).replace(/\.gguf$/i, '')

/** A life that learns what it is taught, and goes back to what was kept. */
export function servedLife(
  first: KnownLife,
  path: string,
  { id = idOf(path), plain, watcher, whilePaused = atOnce, onRollback, ...teaching }: ServedLifeOptions,
): ServedModel {
  const { disk } = teaching
  const partsOf = (life: KnownLife) => {
    const { learner } = life
    const teacher = teachLife(life, { watcher, ...teaching })
    const tokenizer = learner.strategy.vocabulary?.tokenizer ?? new BytePairTokenizer()
    const filter = outputOf(life.settings.policy)
    const output = filter && ownOutputOf(filter, tokenizer)
    return { life, learner, teacher, tokenizer, output, transcript: transcriptOf(tokenizer, plain) }
  }
  let now = partsOf(first)
  const checkpoints = servedCheckpoints(disk, {
    life: () => now.life,
    teacher: () => now.teacher,
    whilePaused,
    become(life) {
      now = partsOf(life)
      watcher.become(life)
      onRollback?.(life)
    },
  })
  return {
    ...{ id, endTokens: [], life: watcher, checkpoints },
    explain: servedExplain(() => {
      const { learner, tokenizer } = now
      return { learner, model: speakerOf(learner), tokenizer, recall: learner.strategy.recall }
    }),
    audit: servedAudit(disk, () => now.life),
    feedback: servedFeedback(disk, { life: () => now.life, teacher: () => now.teacher }),
    get model() {
      return speakerOf(now.learner)
    },
    get tokenizer() {
      return now.tokenizer
    },
    get transcript() {
      return now.transcript
    },
    get teacher() {
      return now.teacher
    },
    get growth() {
      return servedGrowth(now.life, now.teacher)
    },
    get senses() {
      return servedSenses(speakerOf(now.learner))
    },
    step: () => now.learner.step,
    wrote: (text) => now.learner.door.noteOwn(text),
    rehearsed: () => now.teacher.rehearsed,
    labelled: (prompt) => {
      const { learner, tokenizer } = now
      return labelledPrompt(speakerOf(learner), prompt, learner.strategy.context, tokenizer)
    },
    recall: () => recallIn(now.learner.strategy.recall, now.tokenizer),
    control: servedControl(disk.place, () => now.life),
    output: () => now.output,
    report: () => servedReport(now.life, path),
  }
}

/** A recall in the texts of one request. */
const recallIn = (
  recall: Recall | undefined,
  tokenizer: GrowingTokenizer,
): ReturnType<typeof recallWhileWriting> | undefined => recall && recallWhileWriting(recall, tokenizer)

const atOnce = <R>(work: () => Promise<R>): Promise<R> => work()

/**
 * Any model, which writes and does not learn.
 *
 * @throws UsageError for a path that leads to no model, and what reading it throws.
 */
export async function servedModel(
  path: string,
  { id = idOf(path), plain }: ServedOptions,
): Promise<ServedModel> {
  const { model, tokenizer, endTokens, recall, labels, output } = await openedAt('serve', path)
  return {
    ...{ id, model, tokenizer, endTokens, transcript: transcriptOf(tokenizer, plain) },
    senses: servedSenses(model),
    step: () => 0,
    explain: servedExplain(() => ({ model, tokenizer, recall })),
    labelled: (prompt) => labelledPrompt(model, prompt, labels, tokenizer),
    recall: () => recallIn(recall, tokenizer),
    output: () => output,
  }
}

/**
 * Whether a path leads to a checkpoint that holds a learner and its record, and not a model alone.
 *
 * @throws UsageError for a path that leads to no model.
 */
export async function isLife(path: string): Promise<boolean> {
  if ((await modelFormAt('serve', path)) !== 'checkpoint') return false
  const { learner, life } = await describeCheckpoint(nodeDisk(path))
  return learner !== undefined && life !== undefined
}
