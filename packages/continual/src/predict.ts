/** Prediction without learning: what evaluation and `learner.predict` do. Nothing here changes state. */
import {
  aGrowingTokenizer,
  type AppliedAdapter,
  BytePairTokenizer,
  Gpt,
  type GrowingTokenizer,
} from '@burgeon/gpt'
import { checkArgument, checks, crossEntropy, OptionError, scope, slice } from '@burgeon/tensor'
import { bitsPerByte } from './metrics/prequential.ts'
import { batchOfRows, batchOfTokens, type TokenBatch } from './stream/batch.ts'
import { batchTensors } from './stream/batch-tensors.ts'
import { encodedText } from './evaluate-text.ts'
import { mixedNext } from './memory/mixed-next.ts'
import { type Recalled, recalledOf } from './memory/recalled.ts'
import type { Strategy } from './strategy/strategy.ts'
import { spellingOf } from './memory/spelling.ts'

const aGpt = checks.instance('a Gpt', Gpt)
/** A tokenizer without merges. */
const bytePairs = new BytePairTokenizer()

/** Prediction of a text. */
export interface Prediction {
  /**
   * Loss of the text's tokens after the first, in bits per byte that they stand for; null for a text of one
   * token. With a recall in the strategy, that of model and memory together, as is `next`.
   */
  readonly bitsPerByte: number | null
  /** Probability of every token to come next, `[V]`, summing to 1. */
  readonly next: Float64Array
  /** What comes to mind after the text, and has a say in `next`. Absent where nothing recalls. */
  readonly recalled?: readonly Recalled[]
}

/** What of a learner predicts. */
interface Predicting {
  readonly model: Gpt
  readonly adapter: AppliedAdapter | undefined
  readonly strategy: Pick<Strategy, 'recall' | 'vocabulary'>
}

/**
 * How well a text is predicted, and what would come next. Of a text longer than the context the last part
 * counts.
 *
 * @throws OptionError for an empty text.
 */
export async function predictText(
  { model, adapter, strategy: { recall, vocabulary } }: Predicting,
  text: string,
): Promise<Prediction> {
  const { tokenizer } = vocabulary ?? { tokenizer: bytePairs }
  checkArgument('predict', 'text', text, checks.text)
  const all = tokenizer.encode(text)
  if (all.length === 0) throw new OptionError('predict: got an empty text; expected at least one byte.')
  const tokens = all.subarray(-model.config.context)
  const { losses, last } = scope(() => {
    // What follows the last token is not known: a target of padding, which counts for nothing.
    const row = batchOfRows([tokens], ['text'], tokens.length)
    const { inputs: read, targets } = batchTensors(model.device, row)
    const logits = model.forward(read, undefined, adapter ? { adapters: adapter } : {})
    return { losses: crossEntropy(logits, targets), last: slice(logits, [tokens.length - 1]) }
  })
  using _losses = losses
  using _last = last
  // The last one is of padding.
  const each = Array.from(await losses.read()).slice(0, -1)
  const predicted = tokenizer.decodeBytes(tokens.subarray(1)).length
  const perByte = (nats: readonly number[]): number | null =>
    predicted === 0 ? null : bitsPerByte(nats.reduce((a, b) => a + b, 0) / predicted)
  const next = softmax(await last.read())
  if (recall === undefined) return { bitsPerByte: perByte(each), next }
  const spelling = spellingOf(model.config.vocabulary, tokenizer)
  const mixed = recall.read({ tokens, losses: each, domain: 'text', origin: null }, spelling)
  const recollection = recall.recollect(Uint8Array.from(tokenizer.decodeBytes(all)))
  return {
    bitsPerByte: perByte([...mixed]),
    next: recollection ? mixedNext(next, recollection, spelling) : next,
    recalled: recollection ? [recalledOf(recollection)] : [],
  }
}

/**
 * Bits per byte of a text of any length, read in rows of the model's context. Its first byte is only read;
 * with a pre-trained tokenizer its first token, or the special token that the tokenizer puts before a text.
 * `evaluateText` reads it in windows that overlap.
 *
 * @param text At least two bytes, as they are or as a string.
 * @param tokenizer Every token is a byte unless given.
 */
export async function bitsPerByteOf(
  model: Gpt,
  text: string | Uint8Array,
  tokenizer: GrowingTokenizer = bytePairs,
): Promise<number> {
  checkArgument('bitsPerByteOf', 'model', model, aGpt)
  checkArgument(
    'bitsPerByteOf',
    'text',
    text,
    checks.either(checks.text, checks.instance('bytes', Uint8Array)),
  )
  checkArgument('bitsPerByteOf', 'tokenizer', tokenizer, aGrowingTokenizer)
  const { before, predicted, bytes } = encodedText('bitsPerByteOf', text, tokenizer)
  const loss = await meanLoss(model, [before, ...predicted])
  return bitsPerByte(loss, bytes / predicted.length)
}

/**
 * Mean loss of a token sequence in nats per token, read in rows of the model's context.
 *
 * @param tokens At least two.
 * @param rows Rows computed at a time; 16 unless given.
 */
export async function meanLoss(model: Gpt, tokens: ArrayLike<number>, rows = 16): Promise<number> {
  checkArgument('meanLoss', 'model', model, aGpt)
  checkArgument('meanLoss', 'tokens', tokens, checks.numbers)
  if (tokens.length < 2) {
    throw new OptionError(
      `meanLoss: got ${tokens.length} tokens; expected at least 2, one to read and one to predict.`,
    )
  }
  checkArgument('meanLoss', 'rows', rows, checks.integer({ from: 1 }))
  const { context } = model.config
  const whole = batchOfTokens(tokens, context, 'evaluation')
  let [total, count] = [0, 0]
  for (let row = 0; row < whole.rows; row += rows) {
    const part: TokenBatch = {
      rows: Math.min(rows, whole.rows - row),
      length: context,
      tokens: whole.tokens.subarray(row * (context + 1), (row + rows) * (context + 1)),
      domains: whole.domains,
    }
    const { losses, counted } = scope(() => {
      const { inputs: read, targets, counted: places } = batchTensors(model.device, part)
      return { losses: model.losses(read, targets), counted: places.length }
    })
    using _losses = losses
    const values = await losses.read()
    for (let i = 0; i < values.length; i++) total += values[i]
    count += counted
  }
  return total / count
}

function softmax(logits: ArrayLike<number>): Float64Array {
  const numbers = Float64Array.from(logits)
  const top = numbers.reduce((a, b) => Math.max(a, b), -Infinity)
  const weights = numbers.map((logit) => Math.exp(logit - top))
  const total = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => weight / total)
}
