/** What is said of answers in a talk, and learnt by the life that gave them. */
import { BurgeonError, NonFiniteError, shareParameters } from '@burgeon/tensor'
import { BytePairTokenizer } from '@burgeon/gpt'
import type { FeedbackOutcome } from '@burgeon/server'
import type { OpenedModel } from '../../models/open-model.ts'
import { learnFeedback } from '../../serving/learn-feedback.ts'
import { requireUnstopped } from '../../session/control/stop-file.ts'
import { speakerOf } from '../../session/life/speaker.ts'
import { gateOf } from '../../session/guard/gate.ts'
import { judgeAnswer } from '../../session/guard/judge-answer.ts'
import { keeper } from '../../session/keeper.ts'
import { loadLife } from '../../session/life/life-checkpoint.ts'
import { feedbackOf, type SaidOfAnswer } from '../../session/life/life-feedback.ts'
import { count } from '../../terminal/quantities.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import { holdingFolder } from '../life/holding-folder.ts'

/** What a line says of the answer before it. */
export interface Said {
  readonly kind: 'accept' | 'reject' | 'correct'
  /** What was wanted, of a correction; otherwise null. */
  readonly wanted: string | null
}

/** What a line of a talk says of the last answer; null of one that is a message. */
export function saidBy(line: string): Said | null {
  const [, word, rest = ''] = /^\/(good|bad|better)(?:\s+(.*))?\s*$/.exec(line) ?? []
  const wanted = rest.trim()
  if (word === 'better') return wanted === '' ? null : { kind: 'correct', wanted }
  if (word === undefined || wanted !== '') return null
  return { kind: word === 'good' ? 'accept' : 'reject', wanted: null }
}

/** An answer that was given. */
export type GivenAnswer = Pick<SaidOfAnswer, 'prompt' | 'answer' | 'written'>

/** What became of what was said. */
export interface LearntInTalk extends Omit<FeedbackOutcome, 'saved'> {
  /** The life as it is now, to talk with. */
  readonly opened: Pick<OpenedModel, 'model' | 'tokenizer' | 'recall'>
}

/**
 * Has the life in a folder learn what its owner says of an answer, and saves it. The folder is held meanwhile.
 *
 * @throws UsageError for a life that learns no feedback, LockedError while another process has it, and what
 *   learning and saving throw.
 */
export function learnInTalk(
  folder: string,
  { kind, wanted }: Said,
  given: GivenAnswer,
  note: (text: string) => void,
): Promise<LearntInTalk> {
  return holdingFolder(folder, async (disk) => {
    requireUnstopped(folder)
    const life = await loadLife(disk)
    const memory = feedbackOf(life)
    if (memory === undefined) {
      throw new UsageError(
        'chat: this life learns nothing of what is said of its answers; begin another with learn.',
      )
    }
    const { learner } = life
    const gate = gateOf(learner, disk)
    const judged = await judgeAnswer(gate, { ...given, correction: wanted, comment: null }, null)
    if (!judged.isAdmitted) {
      throw new UsageError(`chat: this is not to be learnt: ${judged.reasons.join(', ')}.`)
    }
    const { correction, comment: _none, ...texts } = judged.said
    const checkpoints = keeper(life, { disk }, note)
    // A blank between prompt and answer belongs to the answer.
    const blank = /^\s*/.exec(texts.answer)?.[0] || ' '
    const said = {
      ...texts,
      kind,
      wanted: correction && blank + correction,
      reward: 0,
      weight: 1,
      source: null,
    }
    const { saved: _, ...outcome } = await learnFeedback(
      life,
      memory,
      { said },
      {
        turn: (body) => body(),
        async rehearse() {
          requireUnstopped(folder)
          try {
            await learner.rehearse()
          } catch (error) {
            const ruin = error instanceof NonFiniteError ? await checkpoints.diverged(error) : error
            throw ruin
          }
        },
        async save() {
          await checkpoints.save()
          return true
        },
      },
    )
    const { vocabulary, recall } = learner.strategy
    const tokenizer = vocabulary?.tokenizer ?? new BytePairTokenizer()
    // The average goes with the learner.
    shareParameters(learner.model.parameters, speakerOf(learner).parameters)
    const opened = { model: learner.model, tokenizer, ...(recall && { recall }) }
    learner.dispose()
    return { ...outcome, opened }
  })
}

/** What became of it, in a line for the status. */
export function learntLine({ steps, logRatio, isWaiting }: Omit<LearntInTalk, 'opened'>): string {
  if (steps === 0) return `burgeon: kept${isWaiting ? ', to be learnt beside the next text' : ''}\n`
  const factor = Math.exp(Math.abs(logRatio ?? 0))
  const moved =
    factor < 1.05
      ? ''
      : `; it had become ${factor.toFixed(1)} times as ${(logRatio ?? 0) > 0 ? 'likely' : 'unlikely'}`
  return `burgeon: learnt in ${count(steps)} steps${moved}\n`
}

/** A mistake of ours in a line; another error is thrown on. */
export function mistakeLine(error: unknown): string {
  if (!(error instanceof BurgeonError)) throw error
  return `burgeon: ${error.message.replace(/^chat: /, '')}\n`
}
