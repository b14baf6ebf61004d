/** One row of a batch by itself: what a rehearsal keeps. */
import { type Batch, batchOfRows, isTokenBatch, joinBatches, rowOf, trimmed } from './batch.ts'

/** A sequence of tokens. */
export interface TokenRow {
  /** Those that are read and predicted; `padding` may follow. */
  readonly tokens: Int32Array
  readonly domain: string
}

/** An example: what is read, and what is to be predicted from it. */
export interface ExampleRow {
  readonly inputs: Float32Array
  readonly targets: Float32Array
  readonly domain: string
}

/** A row of either form. */
export type Row = TokenRow | ExampleRow

/** Copy of a row of a batch, padding included. */
export function rowAt(batch: Batch, index: number): Row {
  const domain = batch.domains[index]
  if (isTokenBatch(batch)) return { tokens: rowOf(batch, index), domain }
  const own = (numbers: Float32Array): Float32Array => {
    const each = numbers.length / batch.rows
    return numbers.slice(index * each, (index + 1) * each)
  }
  return { inputs: own(batch.inputs), targets: own(batch.targets), domain }
}

/** The row without the padding at its end. */
export const withoutPadding = (row: Row): Row =>
  isTokenRow(row) ? { ...row, tokens: trimmed(row.tokens) } : row

/** Whether a row is one of tokens. */
export const isTokenRow = (row: Row): row is TokenRow => 'tokens' in row

/**
 * The batch of some rows of one form, one at least; the shorter ones of tokens are padded at their end.
 *
 * @throws OptionError as `joinBatches`.
 */
export const batchFromRows = (rows: readonly Row[]): Batch => joinBatches(rows.map(alone))

function alone(row: Row): Batch {
  const domains = [row.domain]
  if (isTokenRow(row)) return batchOfRows([row.tokens], domains, row.tokens.length - 1)
  return { rows: 1, inputs: row.inputs, targets: row.targets, domains }
}

/** The row in the tokens that there are now; an example stays as it is (see `Part.recode`). */
export const recoded = (row: Row, encoded: (tokens: Int32Array) => Int32Array): Row =>
  isTokenRow(row) ? { ...row, tokens: encoded(row.tokens) } : row
