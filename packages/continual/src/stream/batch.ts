/** A mini-batch of token sequences, as plain data. */
import { OptionError } from '@burgeon/tensor'

/** What stands where a sequence is shorter than its row: never predicted, never counted. */
export const padding = -1

/**
 * Rows of `length + 1` tokens: a model reads the first `length` of a row and predicts the last `length`.
 */
export interface Batch {
  /** Number of rows, B. */
  readonly rows: number
  /** Predictions per row, T. */
  readonly length: number
  /** `B · (T + 1)` tokens; `padding` fills the end of a short row. */
  readonly tokens: Int32Array
  /** Where each row comes from, one name per row. */
  readonly domains: readonly string[]
  /** Whether the rows are one text, each beginning with the last token of the one before. False unless given. */
  readonly isContinuous?: boolean
}

/** The rows of several batches of one length, in order. */
export function joinBatches(batches: readonly Batch[]): Batch {
  const [first] = batches as readonly [Batch, ...Batch[]]
  if (batches.some((batch) => batch.length !== first.length)) {
    throw new OptionError(
      `joinBatches: rows have ${batches.map((batch) => batch.length).join(', ')} predictions; expected one length.`,
    )
  }
  const tokens = new Int32Array(batches.reduce((total, batch) => total + batch.tokens.length, 0))
  let at = 0
  for (const batch of batches) {
    tokens.set(batch.tokens, at)
    at += batch.tokens.length
  }
  return {
    rows: batches.reduce((total, batch) => total + batch.rows, 0),
    length: first.length,
    tokens,
    domains: batches.flatMap((batch) => batch.domains),
  }
}

/** What the model reads: `B · T` tokens, with 0 in the place of padding. */
export function inputsOf({ rows, length, tokens }: Batch): Int32Array {
  return windowOf(rows, length, tokens, 0, (token) => Math.max(token, 0))
}

/** What it shall predict: `B · T` tokens, negative where nothing is to be predicted. */
export function targetsOf({ rows, length, tokens }: Batch): Int32Array {
  return windowOf(rows, length, tokens, 1, (token) => token)
}

function windowOf(
  rows: number,
  length: number,
  tokens: Int32Array,
  shift: number,
  map: (token: number) => number,
): Int32Array {
  const result = new Int32Array(rows * length)
  for (let row = 0; row < rows; row++) {
    for (let t = 0; t < length; t++) result[row * length + t] = map(tokens[row * (length + 1) + t + shift])
  }
  return result
}

/** Row `index` alone: its `length + 1` tokens. */
export function rowOf({ length, tokens }: Batch, index: number): Int32Array {
  return tokens.slice(index * (length + 1), (index + 1) * (length + 1))
}

/** The rows in order in `count` parts, as equal as can be; in as many as there are rows if those are fewer. */
export function partsOf({ rows, length, tokens, domains }: Batch, count: number): Batch[] {
  const parts = Math.min(count, rows)
  const border = (i: number): number => Math.floor((i * rows) / parts)
  return Array.from({ length: parts }, (_, i) => {
    const [from, to] = [border(i), border(i + 1)]
    const own = tokens.subarray(from * (length + 1), to * (length + 1))
    return { rows: to - from, length, tokens: own, domains: domains.slice(from, to) }
  })
}

/** A batch of rows of `length + 1` tokens each. */
export function batchOfRows(rows: readonly Int32Array[], domains: readonly string[], length: number): Batch {
  const tokens = new Int32Array(rows.length * (length + 1))
  rows.forEach((row, i) => tokens.set(row, i * (length + 1)))
  return { rows: rows.length, length, tokens, domains }
}

/**
 * Cuts a token sequence into rows, each continuing where the one before ended, the last one padded.
 *
 * @param tokens At least two: one to read and one to predict.
 */
export function batchOfTokens(tokens: ArrayLike<number>, length: number, domain: string): Batch {
  if (tokens.length < 2) {
    throw new OptionError(
      `batch: got ${tokens.length} tokens; expected at least 2, one to read and one to predict.`,
    )
  }
  const rows = Math.ceil((tokens.length - 1) / length)
  const all = new Int32Array(rows * (length + 1)).fill(padding)
  for (let row = 0; row < rows; row++) {
    for (let t = 0; t <= length && row * length + t < tokens.length; t++) {
      all[row * (length + 1) + t] = tokens[row * length + t]
    }
  }
  return { rows, length, tokens: all, domains: new Array<string>(rows).fill(domain), isContinuous: true }
}
