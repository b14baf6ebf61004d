/** Rows of feedback, with weights by what the model makes of the answers at present. */
import { Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import type { RehearseContext } from '../../journal/step-context.ts'
import { batchOfRows, type TokenBatch } from '../../stream/batch.ts'
import type { Continuation, FeedbackRecord } from './feedback-record.ts'
import {
  acceptedWeight,
  correctedWeights,
  differenceOf,
  type PreferenceStrength,
  rejectedWeight,
  rewardedWeight,
} from './preference-weights.ts'
import { type AnswerRow, answerRow, logProbabilitiesOf } from './present-ratios.ts'

/** A piece of feedback that is learnt in the step at hand. */
export interface Chosen {
  readonly record: FeedbackRecord
  /** How strongly it is followed, in (0, 1]. */
  readonly strength: number
  /** Of a reward: by how many standard deviations it lies above the mean of its source. */
  readonly deviations: number
}

/** A piece after a step, and what was seen of it before. */
export interface Seen {
  readonly record: FeedbackRecord
  /** Of a correction whether what was wanted was likelier than what was given; null of others. */
  readonly holds: boolean | null
}

/** Rows of a correction are two: the given answer and the wanted one. */
export const rowsOf = ({ wanted }: FeedbackRecord): number => (wanted === null ? 1 : 2)

/**
 * Looks at the answers and says how each of their tokens is to be learnt.
 *
 * @param chosen One piece or more.
 * @returns Their rows in order, and the pieces as they are after this step.
 */
export async function weightedRows(
  chosen: readonly Chosen[],
  context: RehearseContext,
  strength: PreferenceStrength,
): Promise<{ readonly batch: TokenBatch; readonly seen: readonly Seen[] }> {
  const { model, longestRow } = context
  if (!(model instanceof Gpt)) {
    throw new OptionError(
      'feedbackMemory: got answers to learn beside a model that is no Gpt; expected one, which writes them.',
    )
  }
  const answers = chosen.flatMap(({ record: { given, wanted } }) =>
    wanted === null ? [given] : [given, wanted],
  )
  const rows = answers.map((answer) => answerRow(answer, model.config, longestRow))
  const present = await logProbabilitiesOf(rows, context)
  const referred = answers.map((answer, i) => referredTo(answer, rows[i].answered, present[i]))
  const ratios = referred.map(({ reference }, i) => present[i] - reference)
  const weights: Float32Array[] = []
  const seen: Seen[] = []
  for (const one of chosen) {
    const first = weights.length
    const own = Array.from({ length: rowsOf(one.record) }, (_, i) => first + i)
    weights.push(
      ...rowWeights(
        one,
        own.map((i) => rows[i]),
        own.map((i) => ratios[i]),
        own.map((i) => present[i]),
        strength,
      ),
    )
    const [given, wanted = null] = own.map((i): Continuation => referred[i])
    const ratio = own.length === 1 ? ratios[first] : ratios[first + 1] - ratios[first]
    const holds = own.length === 1 ? null : present[first + 1] > present[first]
    seen.push({ record: { ...one.record, given, wanted, ratio, uses: one.record.uses + 1 }, holds })
  }
  const length = Math.max(...rows.map(({ tokens }) => tokens.length - 1))
  const domains = rows.map(() => 'feedback')
  const batch = batchOfRows(
    rows.map(({ tokens }) => tokens),
    domains,
    length,
    [],
    weights,
  )
  return { batch, seen }
}

/**
 * An answer with a reference for the tokens that the row has of it: what is known of others says nothing of
 * these, so where the context has no room for all, the model of the moment is the reference.
 */
const referredTo = (
  answer: Continuation,
  answered: number,
  present: number,
): Continuation & { readonly reference: number } =>
  answer.reference !== null && answer.referenceTokens === answered
    ? { ...answer, reference: answer.reference }
    : { ...answer, reference: present, referenceTokens: answered }

/**
 * Weights of the predictions of each row of one piece.
 *
 * @param ratios Log ratio of each answer, in nats.
 * @param present Log-probability of each, in nats.
 */
function rowWeights(
  { record, strength: share, deviations }: Chosen,
  rows: readonly AnswerRow[],
  ratios: readonly number[],
  present: readonly number[],
  strength: PreferenceStrength,
): Float32Array[] {
  const { kind, given, wanted } = record
  const [ratio, wantedRatio = 0] = ratios
  if (wanted !== null) {
    // One that began far behind would be satisfied before it is the likelier one.
    const pulls = correctedWeights(Math.min(wantedRatio - ratio, present[1] - present[0]), strength)
    const { from, endOfA, endOfB } = differenceOf(given.tokens, wanted.tokens)
    return [
      onAnswer(rows[0], share * pulls.given, [from, endOfA], given.tokens.length),
      onAnswer(rows[1], share * pulls.wanted, [from, endOfB], wanted.tokens.length),
    ]
  }
  const { length } = given.tokens
  const pull =
    kind === 'accept'
      ? acceptedWeight(ratio, strength)
      : kind === 'reject'
        ? rejectedWeight(ratio, strength)
        : rewardedWeight(deviations, ratio, length)
  return [onAnswer(rows[0], share * pull, [0, length], length)]
}

/** 0 on the prompt; on the answer's tokens from one up to another the weight, as far as the row has them. */
function onAnswer(
  { tokens, answered }: AnswerRow,
  weight: number,
  [from, to]: readonly [number, number],
  length: number,
): Float32Array {
  const weights = new Float32Array(tokens.length - 1)
  // Where the answer alone is longer than the row, its beginning is missing.
  const start = weights.length - answered
  const missing = length - answered
  weights.fill(weight, start + Math.max(0, from - missing), start + Math.max(0, to - missing))
  return weights
}
