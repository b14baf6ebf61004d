/** One row of a batch by itself: what a rehearsal keeps. */
import { type Batch, batchOfRows, isTokenBatch, joinBatches, rowOf, trimmed } from './batch.ts'
import { type Origin, withOrigins } from './origin.ts'

/** What is known of a row beside its numbers. */
export interface RowSource {
  readonly domain: string
  /** Where it came from; null where nobody said. */
  readonly origin: Origin | null
}

/** A sequence of tokens. */
export interface TokenRow extends RowSource {
  /** Those that are read and predicted; `padding` may follow. */
  readonly tokens: Int32Array
}

/** An example: what is read, and what is to be predicted from it. */
export interface ExampleRow extends RowSource {
  readonly inputs: Float32Array
  readonly targets: Float32Array
}

/** A row of either form. */
export type Row = TokenRow | ExampleRow

/** Copy of a row of a batch, padding included. */
export function rowAt(batch: Batch, index: number): Row {
  const source = { domain: batch.domains[index], origin: batch.origins?.[index] ?? null }
  if (isTokenBatch(batch)) return { tokens: rowOf(batch, index), ...source }
  const own = (numbers: Float32Array): Float32Array => {
    const each = numbers.length / batch.rows
    return numbers.slice(index * each, (index + 1) * each)
  }
  return { inputs: own(batch.inputs), targets: own(batch.targets), ...source }
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
  if (isTokenRow(row)) return batchOfRows([row.tokens], domains, row.tokens.length - 1, [row.origin])
  return { rows: 1, inputs: row.inputs, targets: row.targets, domains, ...withOrigins([row.origin]) }
}

/** The row in the tokens that there are now; an example stays as it is (see `Part.recode`). */
export const recoded = (row: Row, encoded: (tokens: Int32Array) => Int32Array): Row =>
  isTokenRow(row) ? { ...row, tokens: encoded(row.tokens) } : row
