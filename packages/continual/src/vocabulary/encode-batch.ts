/** Between text, batches of earlier tokens, and batches of the tokens that there are now. */
import { byteTokenizer, type Gpt, type GrowingTokenizer } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { type Batch, batchOfTokens, padding, type TokenBatch } from '../stream/batch.ts'
import { checkBatch } from '../stream/check-batch.ts'
import { type Origins, originsOf } from '../stream/origin.ts'
import { batchFromRows, recoded, rowAt } from '../stream/row.ts'
import type { GrowingVocabulary } from './growing-vocabulary.ts'

/** Labels that stand before rows. */
export interface RowLabels {
  /** Tokens that stand before a row, at most. */
  readonly slots: number
  readonly labels: readonly { readonly kind: string; readonly name: string; readonly token: number }[]
}

/** What a learner knows of its tokens. */
interface KnownTokens {
  /** Every token is a byte unless given. */
  readonly vocabulary?: GrowingVocabulary | undefined
  /** Stand before rows, which leave room for them. */
  readonly labels?: RowLabels | undefined
}

/**
 * Encodes data as a batch in the tokens of a model.
 *
 * With a vocabulary, a batch may hold the tokens of any time, such as the bytes that `batches` cuts a stream
 * into: it is encoded anew. Rows that follow each other become fewer full ones, others are padded at their
 * end. Either way the bytes that are predicted are the same, and so is the weight of each.
 *
 * @throws OptionError for a text of less than two tokens, a token that does not exist or is a label, rows
 *   that leave no room for labels, or a vocabulary that is not the model's.
 */
export function batchOf(
  data: Batch | string,
  { config }: Gpt,
  { vocabulary, labels }: KnownTokens = {},
): TokenBatch {
  const context = config.context - (labels?.slots ?? 0)
  const room = { vocabulary: config.vocabulary, context, model: config }
  if (vocabulary === undefined) {
    const batch =
      typeof data === 'string' ? batchOfTokens(byteTokenizer.encode(data), room.context, 'text') : data
    checkRows(batch, room, labels)
    return batch
  }
  const { tokenizer } = vocabulary
  // One that never grows does not know of labels: nothing is numbered after them.
  const besides = vocabulary.isFixed ? (labels?.labels.length ?? 0) : 0
  if (tokenizer.vocabulary + besides !== config.vocabulary) {
    throw new OptionError(
      `learner: the tokenizer has ${tokenizer.vocabulary} tokens and the model ${config.vocabulary}; expected as many. ` +
        'Grow them together, or give both of one checkpoint.',
    )
  }
  if (typeof data === 'string') return batchOfTokens(tokenizer.encode(data), room.context, 'text')
  checkRows(data, room, labels)
  const { isContinuous, length, tokens, rows, domains, origins = [], weights } = data
  // Rows of several experiences stay apart, so that each is still the one that its origin names, and so do
  // rows with weights.
  if (isContinuous && weights === undefined && origins.every((origin) => origin?.id === origins[0]?.id)) {
    const text = tokens.filter((token, i) => token >= 0 && (i === 0 || i % (length + 1) !== 0))
    const batch = batchOfTokens(encodedAnew(text, tokenizer), length, domains[0])
    return { ...batch, ...(origins.length > 0 && { origins: originsAnew(batch, data, tokenizer) }) }
  }
  const encoded = (row: Int32Array): Int32Array => encodedRow(row, tokenizer)
  const all = Array.from({ length: rows }, (_, row) => recoded(rowAt(data, row), encoded))
  return batchFromRows(all) as TokenBatch
}

/** Throws as `checkBatch`, and for a label among the tokens of a text. */
function checkRows(
  data: Batch,
  room: Parameters<typeof checkBatch>[1],
  labels: RowLabels | undefined,
): asserts data is TokenBatch {
  checkBatch(data, room)
  const label = labels?.labels.find(({ token }) => data.tokens.includes(token))
  if (label === undefined) return
  throw new OptionError(
    `learner: got token ${label.token}, which is the label ${label.kind} "${label.name}"; expected tokens of text. Nothing was learnt.`,
  )
}

/** Rows of a text that was encoded anew are of the origin of the row in which each of them began before. */
function originsAnew(anew: TokenBatch, before: TokenBatch, tokenizer: GrowingTokenizer): Origins {
  const [origins, starts] = [originsOf(before), rowStarts(before, tokenizer)]
  return rowStarts(anew, tokenizer).map((start) => origins[starts.findLastIndex((from) => from <= start)])
}

/** Bytes that lie before each row of a text. */
function rowStarts({ rows, length, tokens }: TokenBatch, tokenizer: GrowingTokenizer): number[] {
  let bytes = 0
  return Array.from({ length: rows }, (_, row) => {
    const start = bytes
    for (const token of tokens.subarray(row * (length + 1), row * (length + 1) + length)) {
      if (token >= 0) bytes += tokenizer.bytesOf(token).length
    }
    return start
  })
}

/**
 * The same row in the tokens that there are now, padded at its end. Where they would be more than before, it
 * stays as it is: a row that begins inside a character can be encoded worse alone than in its text.
 */
export function encodedRow(row: Int32Array, tokenizer: GrowingTokenizer): Int32Array {
  const encoded = encodedAnew(
    row.filter((token) => token >= 0),
    tokenizer,
  )
  if (encoded.length > row.length) return row
  const result = new Int32Array(row.length).fill(padding)
  result.set(encoded)
  return result
}

/**
 * The row in the tokens of an earlier tokenizer, which knows fewer: in as many as that takes. Of a first
 * token that it does not know the last byte is read.
 *
 * @param now Knows all tokens of the row.
 */
export function rowInEarlier(row: Int32Array, now: GrowingTokenizer, earlier: GrowingTokenizer): Int32Array {
  const [first, ...rest] = row.filter((token) => token >= 0)
  const isKnown = first < earlier.vocabulary
  const before = isKnown ? first : earlier.encodeBytes(Uint8Array.from(now.bytesOf(first)).slice(-1))[0]
  return Int32Array.of(before, ...earlier.encodeBytes(Uint8Array.from(now.decodeBytes(rest))))
}

/**
 * The first token, which is only read, stays: what comes after it is predicted, and stands for the same
 * bytes.
 */
export function encodedAnew(tokens: ArrayLike<number>, tokenizer: GrowingTokenizer): Int32Array {
  const rest = tokenizer.encodeAnew(Array.from(tokens).slice(1))
  const all = new Int32Array(Math.min(tokens.length, 1) + rest.length)
  all.set(Array.from(tokens).slice(0, 1))
  all.set(rest, all.length - rest.length)
  return all
}

/** The bytes of a batch as text; what is cut at its borders, and no character, becomes U+FFFD. */
export function textOf(batch: TokenBatch, tokenizer: GrowingTokenizer): string {
  const { isContinuous, length, tokens } = batch
  const all = tokens.filter((token, i) => token >= 0 && !(isContinuous && i > 0 && i % (length + 1) === 0))
  return decoder.decode(Uint8Array.from(tokenizer.decodeBytes(all)))
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The bytes that tokens stand for. Every token is a byte without a tokenizer. */
export function bytesOf(tokens: Int32Array, tokenizer?: GrowingTokenizer): ArrayLike<number> {
  return tokenizer?.decodeBytes(tokens) ?? tokens
}
