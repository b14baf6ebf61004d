/** Question: which answer to which prompt is to be explained, and the number that stands for it. */
import {
  type Check,
  checkArgument,
  checkOptions,
  checks,
  type ChecksOf,
  crossEntropy,
  gather,
  multiply,
  OptionError,
  reshape,
  scope,
  sum,
  type Tensor,
} from '@burgeon/tensor'
import type { Reader } from './explained.ts'

/** Text, or tokens of the model. */
export type TextOrTokens = string | ArrayLike<number>

/**
 * An answer that a model might give. What is explained is its score, in logits: the sum over the tokens of
 * the answer of the logit of each, read after the prompt and the tokens before it, less the mean logit of all
 * tokens there; or less that of the token of `instead`. Logits and no probabilities, which are flat where a
 * model is sure.
 */
export interface Question {
  /** What is read before the answer, one token at least; of more than the context holds the end. */
  readonly prompt: TextOrTokens
  /** One token at least. */
  readonly answer: TextOrTokens
  /** An answer of as many tokens that might have been given in its place. */
  readonly instead?: TextOrTokens
}

/** Text or tokens. */
export const textOrTokens: Check<TextOrTokens> = checks.either(checks.text, checks.tokens)

/** Checks of a question. */
export const questionChecks: ChecksOf<Question> = {
  prompt: checks.required(textOrTokens),
  answer: checks.required(textOrTokens),
  instead: textOrTokens,
}

/** A question in the tokens of a model. */
export interface Asked {
  /** The prompt, and the answer but for its last token: all that is read, T ≥ 1. */
  readonly read: Int32Array
  /** Tokens of the answer, A ≥ 1. */
  readonly answer: Int32Array
  /** Tokens of the other answer, as many. */
  readonly instead: Int32Array | null
  /** Place of the token after which the answer begins. */
  readonly from: number
}

/** A token that was read. Plain data. */
export interface ReadToken {
  readonly token: number
  /** The text it stands for; what is no character by itself is U+FFFD. */
  readonly text: string
}

/**
 * The question in tokens.
 *
 * @throws OptionError for an empty prompt or answer, another answer of another length, tokens that the model
 *   has not, or an answer that leaves the context no room for a prompt.
 */
export function askedOf(who: string, reader: Reader, question: Question): Asked {
  checkOptions(who, question, questionChecks)
  const { prompt, answer, instead } = question
  const [before, own] = [tokensOf(who, reader, 'prompt', prompt), tokensOf(who, reader, 'answer', answer)]
  const other = instead === undefined ? null : tokensOf(who, reader, 'instead', instead)
  if (other !== null && other.length !== own.length) {
    throw new OptionError(
      `${who}: got an answer of ${own.length} tokens and instead one of ${other.length}; expected as many of both.`,
    )
  }
  const { context } = reader.model.config
  if (own.length > context) {
    throw new OptionError(`${who}: got an answer of ${own.length} tokens; expected at most ${context}.`)
  }
  const all = [...before, ...own.subarray(0, -1)]
  const read = Int32Array.from(all.slice(-context))
  return { read, answer: own, instead: other, from: read.length - own.length }
}

/** Text or tokens as tokens, one at least. Throws OptionError for none, or one that the model has not. */
export function tokensOf(
  who: string,
  { model, tokenizer }: Reader,
  what: string,
  given: TextOrTokens,
): Int32Array {
  checkArgument(who, what, given, textOrTokens)
  const tokens = typeof given === 'string' ? tokenizer.encode(given) : Int32Array.from(given)
  const { vocabulary } = model.config
  const strange = tokens.find((token) => token >= vocabulary)
  if (tokens.length > 0 && strange === undefined) return tokens
  throw new OptionError(
    strange === undefined
      ? `${who}: got an empty ${what}; expected one token or more.`
      : `${who}: got the token ${strange} in ${what}; expected less than ${vocabulary}.`,
  )
}

/** The tokens that are read, as people read them. */
export function readTokens({ tokenizer }: Reader, { read }: Pick<Asked, 'read'>): ReadToken[] {
  return Array.from(read, (token) => ({ token, text: textOf(tokenizer, token) }))
}

/** The text of one token. */
export const textOf = (tokenizer: Reader['tokenizer'], token: number): string =>
  decoder.decode(tokenizer.bytesOf(token))

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The tokens that are read, `copies` times one above the other, `i32 [copies, T]`. */
export function tokensOn({ model: { device } }: Reader, { read }: Pick<Asked, 'read'>, copies = 1): Tensor {
  const all = new Int32Array(copies * read.length)
  for (let i = 0; i < copies; i++) all.set(read, i * read.length)
  return device.tensor(all, { shape: [copies, read.length], dtype: 'i32' }, 'explain')
}

/**
 * The rows that predict the tokens of the answer, of numbers for every token read.
 *
 * @param x `[B·T, N]`.
 * @returns `[B·A, N]`.
 */
export function rowsOfAnswer({ read, answer, from }: Asked, x: Tensor): Tensor {
  const [T, A] = [read.length, answer.length]
  const copies = x.shape[0] / T
  const places = Array.from({ length: copies * A }, (_, i) => Math.floor(i / A) * T + from + (i % A))
  return gather(x, x.device.tensor(places, { shape: [places.length], dtype: 'i32' }, 'explain'))
}

/**
 * The score of every sequence of a batch, `[B]`.
 *
 * @param logits Of the tokens of the answer alone, `[B·A, V]`.
 */
export function scoresOf({ answer, instead }: Asked, logits: Tensor): Tensor {
  const [A, V] = [answer.length, logits.shape[1]]
  const weights = new Float32Array(A * V).fill(instead === null ? -1 / V : 0)
  answer.forEach((token, a) => {
    weights[a * V + token]++
    if (instead !== null) weights[a * V + instead[a]]--
  })
  const each = multiply(
    reshape(logits, [logits.shape[0] / A, A, V]),
    logits.device.tensor(weights, { shape: [A, V], dtype: 'f32' }, 'explain'),
  )
  return sum(each, { axes: [1, 2] })
}

/** The loss of the answer, in nats: the sum over its tokens, each after those before it. */
export async function lossOfAnswer(reader: Reader, asked: Asked): Promise<number> {
  using losses = scope(() => {
    const rows = rowsOfAnswer(asked, reader.logits(tokensOn(reader, asked)))
    return crossEntropy(
      rows,
      rows.device.tensor(asked.answer, { shape: [asked.answer.length], dtype: 'i32' }, 'explain'),
    )
  })
  return Array.from(await losses.read()).reduce((a, b) => a + b, 0)
}
