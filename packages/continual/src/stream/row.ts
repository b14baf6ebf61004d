/** One row of a batch by itself: what a rehearsal keeps. */
import { checks, shown, StateError } from '@burgeon/tensor'
import { count as isCount, savedNumbers, savedTokens } from '../saved-state.ts'
import { type Batch, batchOfRows, isTokenBatch, joinBatches, padding, rowOf, trimmed } from './batch.ts'

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

/** Copies of all rows of a batch, in order, without the padding at their ends. */
export const rowsIn = (batch: Batch): Row[] =>
  Array.from({ length: batch.rows }, (_, index) => withoutPadding(rowAt(batch, index)))

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

/** Rows as plain data: one array for all, so that a file of many rows is small. */
export type SavedRows =
  | { readonly length: number; readonly tokens: Int32Array; readonly domains: readonly string[] }
  | {
      readonly inputs: Float32Array
      readonly targets: Float32Array
      readonly domains: readonly string[]
    }

/** Rows of one form as plain data. */
export function savedRows(rows: readonly Row[]): SavedRows {
  const domains = rows.map(({ domain }) => domain)
  const ofTokens = rows.filter(isTokenRow)
  if (ofTokens.length < rows.length) {
    const { inputs, targets } = batchFromRows(rows) as Extract<Batch, { inputs: Float32Array }>
    return { inputs, targets, domains }
  }
  const length = ofTokens.reduce((longest, { tokens }) => Math.max(longest, tokens.length), 0)
  const tokens = new Int32Array(rows.length * length).fill(padding)
  ofTokens.forEach((row, i) => tokens.set(row.tokens, i * length))
  return { length, tokens, domains }
}

/**
 * The rows that `savedRows` described.
 *
 * @param who What messages begin with.
 * @throws StateError for a state that holds none, or another number of them.
 */
export function rowsFromState(who: string, state: unknown, count: number): Row[] {
  const saved = state as Partial<Record<'length' | 'tokens' | 'inputs' | 'targets' | 'domains', unknown>>
  const { domains } = saved
  if (!names.accepts(domains) || domains.length !== count) throw damaged(who, saved, count)
  const part = <A extends Int32Array | Float32Array>(numbers: A, i: number): A => {
    const each = numbers.length / count
    return numbers.slice(i * each, (i + 1) * each) as A
  }
  if (saved.tokens !== undefined) {
    const { tokens, length } = saved
    const isWhole = savedTokens.accepts(tokens) && isCount.accepts(length) && tokens.length === count * length
    if (!isWhole) throw damaged(who, saved, count)
    const all = Int32Array.from(tokens)
    return domains.map((domain, i) => ({ tokens: part(all, i), domain }))
  }
  const { inputs, targets } = saved
  const areNumbers = savedNumbers.accepts(inputs) && savedNumbers.accepts(targets)
  if (!areNumbers || count === 0 || inputs.length % count !== 0 || targets.length % count !== 0) {
    throw damaged(who, saved, count)
  }
  const [read, wanted] = [Float32Array.from(inputs), Float32Array.from(targets)]
  return domains.map((domain, i) => ({ inputs: part(read, i), targets: part(wanted, i), domain }))
}

const names = checks.list('a list of names', checks.text)

function damaged(
  who: string,
  { length, tokens, inputs, domains }: Readonly<Record<string, unknown>>,
  count: number,
): StateError {
  const sizeOf = (value: unknown): string => shown((value as { length?: unknown } | undefined)?.length)
  const numbers =
    tokens === undefined ? `${sizeOf(inputs)} inputs` : `${sizeOf(tokens)} tokens in rows of ${shown(length)}`
  return new StateError(
    `${who}: the saved state has ${numbers} and ${sizeOf(domains)} domains; expected ${count} whole rows. ` +
      'Build it with the saved options; if they are the same, the file is damaged.',
  )
}
