/** Prediction without learning: what evaluation and `learner.predict` do. Nothing here changes state. */
import {
  aGrowingTokenizer,
  type AppliedAdapter,
  BytePairTokenizer,
  Gpt,
  type GrowingTokenizer,
} from '@burgeon/gpt'
import { checkArgument, checks, crossEntropy, gather, OptionError, scope } from '@burgeon/tensor'
import type { Certainty } from './assess/assessment.ts'
import { softmaxAt } from './assess/calibration/softmax-at.ts'
import { contextLabels, type GivenLabels } from './context/context-labels.ts'
import { byName, contextMixture } from './context/context-mixture.ts'
import { afterTokens } from './context/rows-in-context.ts'
import { bitsPerByte } from './metrics/prequential.ts'
import type { Computed } from './model/pass.ts'
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
  /**
   * Beside labels: how probable each is as that of the text, the likeliest first; 1 for one that was given.
   */
  readonly context?: Readonly<Record<string, number>>
  /**
   * With an assessment in the strategy: how far the model's own prediction can be relied on, by the record of
   * the domain of the text, of the likeliest one beside labels, or of what was learnt last.
   */
  readonly certainty?: Certainty
}

/** What of a learner predicts. */
interface Predicting {
  readonly model: Gpt
  readonly adapter: AppliedAdapter | undefined
  readonly strategy: Pick<Strategy, 'recall' | 'vocabulary' | 'context' | 'assessment' | 'average'>
}

/**
 * How well a text is predicted, and what would come next. Of a text longer than the context the last part
 * counts. Beside labels, it is predicted in each context that it may stand in (`contextMixture`).
 *
 * @throws OptionError for an empty text, or labels that nobody learnt.
 */
export async function predictText(
  { model: learning, adapter, strategy }: Predicting,
  text: string,
  labels: GivenLabels = {},
): Promise<Prediction> {
  const { recall, vocabulary, context = contextLabels(), assessment, average } = strategy
  const model = average?.modelOf(learning) ?? learning
  const contexts = context.contextsOf(labels)
  const { tokenizer } = vocabulary ?? { tokenizer: bytePairs }
  checkArgument('predict', 'text', text, checks.text)
  const all = tokenizer.encode(text)
  if (all.length === 0) throw new OptionError('predict: got an empty text; expected at least one byte.')
  const before = contexts.length === 0 ? [[]] : contexts.map(({ tokens: own }) => own)
  const tokens = all.subarray(before[0].length - model.config.context)
  const { length } = tokens
  const { losses, last } = scope(() => {
    // What follows the last token is not known: a target of padding, which counts for nothing.
    const rows = before.map(() => tokens)
    const batch = batchOfRows(rows, new Array<string>(rows.length).fill('text'), length)
    const { inputs: read, targets } = batchTensors(model.device, batch)
    const bare: Computed = {
      forward: (inputs, w) => model.forward(inputs, w, adapter ? { adapters: adapter } : {}),
    }
    const logits = afterTokens(bare, model.device, batch, before).forward(read, model.parameters.tensors())
    const ends = Int32Array.from(rows, (_, row) => (row + 1) * length - 1)
    const places = model.device.tensor(ends, { shape: [ends.length], dtype: 'i32' }, 'predict')
    return { losses: crossEntropy(logits, targets), last: gather(logits, places) }
  })
  using _losses = losses
  using _last = last
  const [values, logits] = [await losses.read(), await last.read()]
  const mixture = contextMixture(before.length)
  // The last one is of padding.
  const each = Array.from({ length: length - 1 }, (_, t) =>
    mixture.update(before.map((_own, row) => values[row * length + t])),
  )
  const predicted = tokenizer.decodeBytes(tokens.subarray(1)).length
  const perByte = (nats: readonly number[]): number | null =>
    predicted === 0 ? null : bitsPerByte(nats.reduce((a, b) => a + b, 0) / predicted)
  const { probabilities } = mixture
  const next = mixed(logits, probabilities)
  const inferred = contexts.length > 0 && { context: byName(contexts, probabilities) }
  const [likeliest] = Object.keys(inferred ? inferred.context : {})
  // Of a mixture of contexts the logits are the logarithms of what it predicts.
  const own = contexts.length > 1 ? next.map(Math.log) : logits
  const sure = assessment && { certainty: assessment.certaintyOf(own, labels['domain'] ?? likeliest) }
  if (recall === undefined) return { bitsPerByte: perByte(each), next, ...inferred, ...sure }
  const spelling = spellingOf(model.config.vocabulary, tokenizer)
  const told = recall.read({ tokens, losses: each, domain: 'text', origin: null }, spelling)
  const recollection = recall.recollect(Uint8Array.from(tokenizer.decodeBytes(all)))
  return {
    bitsPerByte: perByte([...told]),
    next: recollection ? mixedNext(next, recollection, spelling) : next,
    recalled: recollection ? [recalledOf(recollection)] : [],
    ...{ ...inferred, ...sure },
  }
}

/** What would come next in each of several contexts, by how probable they are. */
function mixed(logits: ArrayLike<number>, probabilities: Float64Array): Float64Array {
  const vocabulary = logits.length / probabilities.length
  const rows = Array.from(
    probabilities,
    (_, row) => softmaxAt(logits, row * vocabulary, vocabulary, 1).probabilities,
  )
  return rows[0].map((_, token) => rows.reduce((sum, own, row) => sum + probabilities[row] * own[token], 0))
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
