/** What somebody said of an answer, as it is remembered. */
import { type Check, checks, fields, optional } from '@burgeon/tensor'
import { count, none } from '../../saved-state.ts'
import { recoded } from '../../stream/row.ts'
import { type Looked, notLooked } from './spaced-looks.ts'

/** All that can be said of an answer. */
export const feedbackKinds = ['accept', 'reject', 'correct', 'reward'] as const

/** What can be said of an answer. */
export type FeedbackKind = (typeof feedbackKinds)[number]

/** Tokens after a prompt. */
export interface Continuation {
  readonly prompt: readonly number[]
  readonly tokens: readonly number[]
  /**
   * Log-probability by the model that gave it, in nats; null until a model has looked at it, where nobody
   * noted it.
   */
  readonly reference: number | null
  /** How many of the last tokens the reference is of; 0 where there is none. */
  readonly referenceTokens: number
}

/** One piece of feedback. Plain data. */
export interface FeedbackRecord {
  readonly kind: FeedbackKind
  /** Who said it; null for the owner. */
  readonly source: string | null
  /** What it is about. */
  readonly given: Continuation
  /** What was wanted in its place; null unless it is a correction. */
  readonly wanted: Continuation | null
  /** The reward; of other kinds how much it counts, from 0 to 1. */
  readonly value: number
  /** Steps that it was learnt in. */
  readonly uses: number
  /**
   * Log ratio of the given answer when it was last learnt, in nats: how much likelier it had become; of a
   * correction that of the wanted one less that of the given one. Null before.
   */
  readonly ratio: number | null
  /** When it is looked at again; what no look was noted of is due. */
  readonly looked?: Looked
}

const someTokens: Check<readonly number[]> = {
  expected: 'one or more tokens',
  accepts: (value): value is readonly number[] =>
    Array.isArray(value) && value.length > 0 && value.every((token) => count.accepts(token)),
}

const continuation = fields<Continuation>('a prompt, tokens and a reference', {
  prompt: someTokens,
  tokens: someTokens,
  reference: checks.either(checks.number(), none),
  referenceTokens: count,
})

const anyRecord = fields<FeedbackRecord>('a piece of feedback', {
  kind: checks.oneOf(...feedbackKinds),
  source: checks.either(checks.text, none),
  given: continuation,
  wanted: checks.either(continuation, none),
  value: checks.number(),
  uses: count,
  ratio: checks.either(checks.number(), none),
  looked: optional(fields<Looked>('when it is looked at again', { rest: count, due: count, misses: count })),
})

/** A piece of feedback of a saved state. */
export const savedRecord: Check<FeedbackRecord> = {
  expected: anyRecord.expected,
  accepts: (value): value is FeedbackRecord => {
    if (!anyRecord.accepts(value)) return false
    const { kind, wanted, value: own } = value
    return (kind === 'correct') === (wanted !== null) && (kind === 'reward' || (own >= 0 && own <= 1))
  },
}

/** Of an answer that no model has looked at in these tokens. */
const noReference = { reference: null, referenceTokens: 0 }

const names = new WeakMap<Continuation, string>()

/** What an answer is known by: the same text after the same prompt is the same answer. */
export function nameOf(answer: Continuation): string {
  const known = names.get(answer)
  if (known !== undefined) return known
  const name = `${answer.prompt.join()}:${answer.tokens.join()}`
  names.set(answer, name)
  return name
}

/** What the record of a source on an answer is known by: what it says later takes the place of it. */
export const voteOf = ({ kind, source, given }: Pick<FeedbackRecord, 'kind' | 'source' | 'given'>): string =>
  // A thumb and a correction say the same thing better; a reward is of another scale.
  `${kind === 'reward' ? 'reward' : 'opinion'} ${source === null ? '' : JSON.stringify(source)} ${nameOf(given)}`

/**
 * The record in the tokens that there are now (see `Part.recode`). What its answers were worth in other
 * tokens says nothing of these, so the next model that looks at them is the reference.
 */
export function recodedRecord(
  record: FeedbackRecord,
  encoded: (row: Int32Array) => Int32Array,
): FeedbackRecord {
  const given = recodedContinuation(record.given, encoded)
  const wanted = record.wanted && recodedContinuation(record.wanted, encoded)
  const isSame = given === record.given && wanted === record.wanted
  return isSame ? record : { ...record, given, wanted, ratio: null, looked: notLooked }
}

function recodedContinuation(before: Continuation, encoded: (row: Int32Array) => Int32Array): Continuation {
  const all = Int32Array.of(...before.prompt, ...before.tokens)
  // Of predictions: those of the prompt, whose first token is only read, and those of the answer.
  const weights = Float32Array.from({ length: all.length - 1 }, (_, i) =>
    i < before.prompt.length - 1 ? 0 : 1,
  )
  const row = recoded({ tokens: all, weights, domain: '', origin: null }, encoded)
  if (!('tokens' in row)) return before
  const end = row.tokens.indexOf(-1)
  const tokens = [...(end < 0 ? row.tokens : row.tokens.subarray(0, end))]
  const from = 1 + [...(row.weights ?? [])].findIndex((weight) => weight === 1)
  const after = { prompt: tokens.slice(0, from), tokens: tokens.slice(from), ...noReference }
  return nameOf(after) === nameOf(before) ? before : after
}
