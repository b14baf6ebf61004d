/** Feedback on answers of a life: told to the memory that learns it, and rehearsed. */
import {
  type Answer,
  answerFromText,
  type FeedbackKind,
  type FeedbackMemory,
  type FeedbackStatus,
} from '@burgeon/continual'
import { BytePairTokenizer, endWithin } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { saltedDigest } from '../../sources/records/salted-digest.ts'
import { auditOf, noteAudit } from '../audit/audit-record.ts'
import { textWithMarks } from '../media/text-with-marks.ts'
import type { Life } from './life-checkpoint.ts'

/** An answer as it was written. */
export interface WrittenTokens {
  readonly prompt: readonly number[]
  readonly tokens: readonly number[]
  /** By the model that wrote them, in nats; null where nobody noted it. */
  readonly logProbability: number | null
}

/** What somebody says of an answer. Plain data. */
export interface SaidOfAnswer {
  readonly kind: FeedbackKind
  /** With U+FFFC in the place of each piece. */
  readonly prompt: string
  /** Pictures and sounds in the prompt, which only its tokens know; none unless given. */
  readonly pieces?: number
  /** Its text. */
  readonly answer: string
  /** Null of one that is known as text alone. */
  readonly written: WrittenTokens | null
  /** What was wanted in its place; null unless it is a correction. */
  readonly wanted: string | null
  /** The reward; of no meaning unless it is one. */
  readonly reward: number
  /** How much it counts, from 0 to 1. */
  readonly weight: number
  /** Who says it; null for the owner. */
  readonly source: string | null
}

/** The memory of a life that learns what is said of its answers; undefined of others. */
export function feedbackOf({ learner }: Pick<Life, 'learner'>): FeedbackMemory | undefined {
  const { rehearsal } = learner.strategy
  return rehearsal !== undefined && 'accept' in rehearsal ? (rehearsal as FeedbackMemory) : undefined
}

/** Steps in which a piece is rehearsed as soon as it was said. */
const rehearsedSteps = 8

/** What became of a piece that was told. */
export interface ToldFeedback {
  /**
   * Steps to rehearse it in now; 0 where it moves nothing, or where nothing else is remembered: feedback alone
   * ruins a model.
   */
  readonly steps: number
  status(): FeedbackStatus
}

/**
 * Tells a memory what was said.
 *
 * @throws OptionError for an answer that is empty, and what is not `isLearnable`.
 */
export function tellFeedback(life: Life, memory: FeedbackMemory, given: SaidOfAnswer): ToldFeedback {
  const said = judgeable(life, given)
  const { kind, wanted, reward, weight, source } = said
  const answer = answerIn(life, said)
  const from = source === null ? {} : { source }
  const full = { ...from, weight }
  noteFeedback(life, said)
  if (kind === 'accept') memory.accept(answer, full)
  if (kind === 'reject') memory.reject(answer, full)
  if (kind === 'reward') memory.reward(answer, reward, from)
  if (kind === 'correct') memory.correct(answer, wantedIn(life, answer, wanted ?? ''), full)
  const none = { strength: 0, uses: 0, logRatio: null, isWaiting: false }
  const status = (): FeedbackStatus => memory.statusOf(kind, answer, from) ?? none
  const isLearnt = status().isWaiting && memory.sample(1) !== null
  return { steps: isLearnt ? rehearsedSteps : 0, status }
}

/** Notes that something was said, and not what. */
function noteFeedback(
  { learner, record }: Life,
  { kind, prompt, answer, wanted, weight }: SaidOfAnswer,
): void {
  const digest = saltedDigest(auditOf(record).salt, [prompt, answer, wanted])
  noteAudit(record, learner.step, 'feedback', { kind, weight, digest })
}

/** Where nothing was answered, what was wanted is an answer as good as any. */
function judgeable(life: Life, said: SaidOfAnswer): SaidOfAnswer {
  const { kind, answer, pieces = 0, written } = said
  if (kind !== 'correct' || answer !== '') return said
  const wanted = said.wanted ?? ''
  const tokens = [...tokenizerOf(life).encode(wanted)]
  // Of pieces nothing is known but tokens.
  const own = pieces > 0 && written !== null ? { ...written, tokens, logProbability: null } : null
  return { ...said, kind: 'accept', answer: wanted, written: own, wanted: null }
}

const tokenizerOf = ({ learner }: Life): NonNullable<Life['tokenizer']> =>
  learner.strategy.vocabulary?.tokenizer ?? new BytePairTokenizer()

/** The answer as it was written, in tokens that say the same now; null where they do not, or are not known. */
function asWritten(life: Life, { prompt, answer: text, written, pieces = 0 }: SaidOfAnswer): Answer | null {
  if (written === null) return null
  const tokenizer = tokenizerOf(life)
  const { config } = life.learner.model
  const known = pieces > 0 ? config.vocabulary : tokenizer.vocabulary
  const isKnown =
    written.prompt.every((token) => token < known) &&
    written.tokens.every((token) => token < tokenizer.vocabulary) &&
    (pieces > 0 ? textWithMarks(config, written.prompt, tokenizer) : tokenizer.decode(written.prompt)) ===
      prompt &&
    tokenizer.decode(written.tokens) === text
  return isKnown ? { ...written, text } : null
}

/** Whether a life can learn what was said: pieces have no text, and after a rollback their sense may be gone. */
export const isLearnable = (life: Life, said: SaidOfAnswer): boolean =>
  (said.pieces ?? 0) === 0 || asWritten(life, said) !== null

/** The answer in the tokens that there are now: after a rollback those of then may say something else. */
function answerIn(life: Life, said: SaidOfAnswer): Answer {
  const { prompt, answer: text, pieces = 0 } = said
  const written = asWritten(life, said)
  if (written === null && pieces > 0) {
    throw new OptionError(
      `feedback: got an answer to ${pieces} pieces that this life does not know; expected it as it was written, by a life with their senses.`,
    )
  }
  return readable(life, written ?? answerFromText(prompt, text, tokenizerOf(life)))
}

const wantedIn = (life: Life, { prompt }: Answer, text: string): Answer => ({
  ...readable(life, answerFromText('-', text, tokenizerOf(life))),
  prompt,
})

/** As much of an answer as the model can read: no more of it would ever be learnt. */
function readable({ learner }: Life, answer: Answer): Answer {
  const { config } = learner.model
  const { context } = config
  // What is predicted behind it is one more.
  const prompt = answer.prompt.slice(endWithin(config, [...answer.prompt, 0]))
  if (answer.tokens.length <= context) return { ...answer, prompt }
  return { ...answer, prompt, tokens: answer.tokens.slice(-context), logProbability: null }
}
