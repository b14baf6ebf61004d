/** Teaches a life what is said of its answers. */
import type { FeedbackMemory } from '@burgeon/continual'
import type { FeedbackOutcome, Turn } from '@burgeon/server'
import type { Life } from '../session/life/life-checkpoint.ts'
import { type SaidOfAnswer, tellFeedback } from '../session/life/life-feedback.ts'

/** Names of what was learnt out of feedback that a life remembers. */
const maxFeedback = 4096

/** Notes that a piece is part of the life: it commits with the weights that know it. */
export function noteLearnt({ record }: Pick<Life, 'record'>, id: string): void {
  record.feedback = [...(record.feedback ?? []), id].slice(-maxFeedback)
}

/** Whether something of that name is part of the life already. */
export const hasLearnt = ({ record }: Pick<Life, 'record'>, id: string): boolean =>
  record.feedback?.includes(id) ?? false

/** A piece of feedback. */
export interface Piece {
  /** Its name; of a piece that nobody will send again there is none. */
  readonly id?: string
  readonly said: SaidOfAnswer
  /** Pieces that are written down beside the life, up to this one; none unless given. */
  readonly read?: number
}

/** What learning takes besides the life. */
export interface LearnFeedbackMeans {
  /** Takes a step on remembered rows, in a turn. */
  readonly rehearse: () => Promise<void>
  /** Saves the life when its turn comes; returns whether it could. */
  readonly save: () => Promise<boolean>
  readonly turn: Turn
}

/**
 * Tells the memory of a life, rehearses that for some steps beside what is remembered, and saves the life.
 * What asks for more after that is learnt beside the next text.
 *
 * @param memory That of the life.
 * @throws OptionError for an empty answer, and what a step throws.
 */
export async function learnFeedback(
  life: Life,
  memory: FeedbackMemory,
  { id, said, read }: Piece,
  { rehearse, save, turn }: LearnFeedbackMeans,
): Promise<FeedbackOutcome> {
  const told = await turn(() => {
    const one = tellFeedback(life, memory, said)
    if (id !== undefined) noteLearnt(life, id)
    if (read !== undefined) life.record.feedbackRead = read
    return Promise.resolve(one)
  })
  let steps = 0
  for (; steps < told.steps && told.status().isWaiting; steps++) await turn(rehearse)
  const { strength, logRatio, isWaiting } = told.status()
  return { steps, strength, logRatio, isWaiting, saved: await save() }
}
