/** A mini-batch of token sequences, as plain data. */
import { type Check, checkArgument, checks, OptionError, shown } from '@burgeon/tensor'

/** Token at the end of a row whose sequence is shorter: never predicted, never counted. */
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
  /** Origin of each row, one name per row. */
  readonly domains: readonly string[]
  /**
   * Whether the rows are one text, each beginning with the last token of the one before. False unless given.
   */
  readonly isContinuous?: boolean
}

/**
 * An object of this form; whether its numbers fit together, and the model, is looked at when it is learnt.
 */
export const aBatch: Check<Batch> = checks.role('a batch', 'rows', 'length', 'tokens', 'domains')

/** The rows of several batches, in order. Where some are longer, the others are padded at their end. */
export function joinBatches(batches: readonly Batch[]): Batch {
  checkArgument('joinBatches', 'batches', batches, checks.list('a list of batches', aBatch))
  if (batches.length === 0) throw new OptionError('joinBatches: got no batches; expected one or more.')
  const rows = batches.flatMap((batch) => rowsOf(batch))
  const length = batches.reduce((longest, batch) => Math.max(longest, batch.length), 0)
  return batchOfRows(
    rows,
    batches.flatMap(({ domains }) => domains),
    length,
  )
}

/** The same rows, of those that are longer than a context the beginning. */
export function withinContext(batch: Batch, context: number): Batch {
  if (batch.length <= context) return batch
  const rows = rowsOf(batch).map((row) => row.subarray(0, context + 1))
  return batchOfRows(rows, batch.domains, context)
}

const rowsOf = (batch: Batch): Int32Array[] =>
  Array.from({ length: batch.rows }, (_, row) => rowOf(batch, row))

/** A row without the padding at its end. */
export function trimmed(row: Int32Array): Int32Array {
  let end = row.length
  while (end > 0 && row[end - 1] === padding) end--
  return row.slice(0, end)
}

/** The input of a model, padding included: `B · T` tokens. */
export function readOf({ rows, length, tokens }: Batch): Int32Array {
  return windowOf(rows, length, tokens, 0)
}

/** The targets of a model: `B · T` tokens, negative where nothing is to be predicted. */
export function targetsOf({ rows, length, tokens }: Batch): Int32Array {
  return windowOf(rows, length, tokens, 1)
}

function windowOf(rows: number, length: number, tokens: Int32Array, shift: number): Int32Array {
  const result = new Int32Array(rows * length)
  for (let row = 0; row < rows; row++) {
    for (let t = 0; t < length; t++) result[row * length + t] = tokens[row * (length + 1) + t + shift]
  }
  return result
}

/** Row `index` alone: its `length + 1` tokens. */
export function rowOf({ length, tokens }: Batch, index: number): Int32Array {
  return tokens.slice(index * (length + 1), (index + 1) * (length + 1))
}

/**
 * The rows in order in `count` parts, as equal as can be; in as many as there are rows if those are fewer.
 */
export function partsOf({ rows, length, tokens, domains }: Batch, count: number): Batch[] {
  const parts = Math.min(count, rows)
  const border = (i: number): number => Math.floor((i * rows) / parts)
  return Array.from({ length: parts }, (_, i) => {
    const [from, to] = [border(i), border(i + 1)]
    const own = tokens.subarray(from * (length + 1), to * (length + 1))
    return { rows: to - from, length, tokens: own, domains: domains.slice(from, to) }
  })
}

/** A batch of rows of `length + 1` tokens each; shorter ones are padded at their end. */
export function batchOfRows(rows: readonly Int32Array[], domains: readonly string[], length: number): Batch {
  const tokens = new Int32Array(rows.length * (length + 1)).fill(padding)
  rows.forEach((row, i) => tokens.set(row, i * (length + 1)))
  return { rows: rows.length, length, tokens, domains }
}

/**
 * Cuts a token sequence into rows, each continuing where the one before ended, the last one padded.
 *
 * @param tokens At least two: one to read and one to predict. Integers from 0.
 * @param length Predictions per row, a positive integer.
 * @throws OptionError for others.
 */
export function batchOfTokens(tokens: ArrayLike<number>, length: number, domain: string): Batch {
  checkArgument('batchOfTokens', 'tokens', tokens, checks.numbers)
  checkArgument('batchOfTokens', 'length', length, checks.integer({ from: 1 }))
  checkArgument('batchOfTokens', 'domain', domain, checks.text)
  if (tokens.length < 2) {
    throw new OptionError(
      `batchOfTokens: got ${tokens.length} tokens; expected at least 2, one to read and one to predict.`,
    )
  }
  for (let i = 0; i < tokens.length; i++) {
    if (Number.isInteger(tokens[i]) && tokens[i] >= 0 && tokens[i] < 2 ** 31) continue
    throw new OptionError(
      `batchOfTokens: got ${shown(tokens[i])} as tokens[${i}]; expected an integer from 0.`,
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
